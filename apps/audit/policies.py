"""Decides who may read which rows of the audit log."""

from __future__ import annotations

from django.db.models import Q

from apps.audit.types import Permission
from apps.common.callers import Caller


def visible(actor: Caller) -> Q:
    """All rows for those who may read the log; for other users their own actions."""
    if actor.may(Permission.READ):
        return Q()
    return Q(actor_id=actor.user.pk) if actor.is_user else Q(pk__in=())
