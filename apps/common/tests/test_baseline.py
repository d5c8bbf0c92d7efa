"""Tests that commit leave no trace."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType

from apps.common.models import OutboxEvent
from apps.common.tests import baseline


@pytest.mark.django_db(transaction=True)
def test_rows_are_as_the_migrations_left_them_again() -> None:
    permissions = list(Permission.objects.order_by("pk").values_list())
    assert permissions
    OutboxEvent.objects.create(name="x", payload={})
    Permission.objects.filter(pk=permissions[0][0]).update(name="changed")
    ContentType.objects.filter(pk=permissions[1][2]).delete()
    baseline.restore()
    assert list(Permission.objects.order_by("pk").values_list()) == permissions
    assert OutboxEvent.objects.count() == 0
