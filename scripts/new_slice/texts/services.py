"""The services of a slice."""

from __future__ import annotations

from scripts.new_slice.spec import Spec
from scripts.new_slice.texts import fill

_SERVICES_OWNED = '''
"""Changes of $many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.$label import policies
from apps.$label.events import ${Model}Created
from apps.$label.exceptions import ${Model}NotFound
from apps.$label.models import $Model$and_child
from apps.$label.types import ${Model}Changes, ${Model}Values$and_child_values
from apps.common import events, mails
from apps.common.callers import Caller
from apps.users import selectors as users
from infrastructure import realtime


@transaction.atomic
def create_$one(*, actor: Caller, $create_nested**values: Unpack[${Model}Values]) -> $Model:
    """Create $a $words of the actor."""
    $one = $Model.objects.create(${owner}_id=actor.user.pk, **values)
    $write
    $push
    events.publish(${Model}Created(${one}_id=$one.pk))
    return $one


@transaction.atomic
def update_$one(*, actor: Caller, ${one}_id: UUID, changes: ${Model}Changes$update_nested) -> $Model:
    """Change $a $words. Raises ${Model}NotFound unless the actor may change it."""
    changeable = $Model.objects.filter(policies.changeable(actor), pk=${one}_id)
    $one = changeable.select_for_update(no_key=True).first()
    if $one is None:
        raise ${Model}NotFound
    for name, value in changes.items():
        setattr($one, name, value)
    $one.save(update_fields=[*changes, "updated_at"])
    $replace
    $push
    return $one


$delete


def send_created_mail(*, ${one}_id: UUID) -> None:
    """Confirm $a $words to its owner, once. An unverified address gets no mail. Raises EmailDeliveryError."""
    $one = $Model.objects.filter(pk=${one}_id).first()
    if $one is None:
        return
    active = users.list_users().filter(is_active=True, email_verified_at__isnull=False)
    owner = active.filter(pk=$one.${owner}_id).first()
    if owner is None:
        return
    mails.send_once(
        template="${one}_created",
        cause=$one.pk,
        to=owner.email,
        subject="Your $words",
        context={"name": owner.name, "site": settings.PUBLIC_URL, "$one": $one},
    )


def forget_user(*, user_id: UUID) -> None:
    """Delete the $many of an erased account. Idempotent."""
    $Model.objects.filter(${owner}_id=user_id).delete()


$helpers
'''
_SERVICES = '''
"""Changes of $many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack
from uuid import UUID

from django.db import transaction

from apps.$label import policies
from apps.$label.exceptions import ${Model}NotFound
from apps.$label.models import $Model$and_child
from apps.$label.types import ${Model}Changes, ${Model}Values$and_child_values
from apps.common.callers import Caller


$atomic
def create_$one(*, actor: Caller, $create_nested**values: Unpack[${Model}Values]) -> $Model:
    """Create $a $words. Raises Denied."""
    policies.require_manage(actor)
    $create


@transaction.atomic
def update_$one(*, actor: Caller, ${one}_id: UUID, changes: ${Model}Changes$update_nested) -> $Model:
    """Change $a $words. Raises Denied, ${Model}NotFound."""
    policies.require_manage(actor)
    $one = $Model.objects.select_for_update(no_key=True).filter(pk=${one}_id).first()
    if $one is None:
        raise ${Model}NotFound
    for name, value in changes.items():
        setattr($one, name, value)
    $one.save(update_fields=[*changes, "updated_at"])
    $replace
    return $one


def delete_$one(*, actor: Caller, ${one}_id: UUID) -> None:
    """Delete $a $words. Raises Denied, ${Model}NotFound."""
    policies.require_manage(actor)
    deleted, _ = $Model.objects.filter(pk=${one}_id).delete()
    if not deleted:
        raise ${Model}NotFound


$helpers
'''
_DELETE = '''
def delete_$one(*, actor: Caller, ${one}_id: UUID) -> None:
    """Delete $a $words. Raises ${Model}NotFound unless the actor may change it."""
    deleted, _ = $Model.objects.filter(policies.changeable(actor), pk=${one}_id).delete()
    if not deleted:
        raise ${Model}NotFound
'''
_DELETE_LIVE = '''
@transaction.atomic
def delete_$one(*, actor: Caller, ${one}_id: UUID) -> None:
    """Delete $a $words. Raises ${Model}NotFound unless the actor may change it."""
    $one = $Model.objects.filter(policies.changeable(actor), pk=${one}_id).first()
    if $one is None:
        raise ${Model}NotFound
    _push($one)
    $one.delete()
'''
_PUSH = '''
def _push($one: $Model) -> None:
    """Tell the open sockets of the owner, after the commit, that the $words has changed."""
    event = {"type": "event", "name": "$label.changed", "data": {"id": str($one.pk)}}
    realtime.push_to_user($one.${owner}_id, event)
'''
_WRITE = """
def _write_$nested($one: $Model, $nested: Sequence[${Child}Values]) -> None:
    $Child.objects.bulk_create(
        $Child($one=$one, position=position, **values) for position, values in enumerate($nested)
    )
"""


def text(spec: Spec, slots: dict[str, str]) -> str:
    """services.py."""
    one, nested = spec.names.one, spec.nested
    child = f"{nested.model}Values" if nested else ""
    helpers = [_PUSH] if spec.is_live else []
    helpers += [_WRITE] if nested else []
    return fill(
        _SERVICES_OWNED if spec.owner else _SERVICES,
        **slots,
        and_child=f", {nested.model}" if nested else "",
        and_child_values=f", {child}" if nested else "",
        create_nested=f"{nested.name}: Sequence[{child}] = (), " if nested else "",
        update_nested=f", {nested.name}: Sequence[{child}] | None = None" if nested else "",
        atomic=["@transaction.atomic"] if nested else [],
        create=[
            f"{one} = {spec.names.model}.objects.create(**values)",
            f"_write_{nested.name}({one}, {nested.name})",
            f"return {one}",
        ]
        if nested
        else [f"return {spec.names.model}.objects.create(**values)"],
        write=[f"_write_{nested.name}({one}, {nested.name})"] if nested else [],
        replace=[
            f"if {nested.name} is not None:",
            f"    {nested.model}.objects.filter({one}={one}).delete()",
            f"    _write_{nested.name}({one}, {nested.name})",
        ]
        if nested
        else [],
        push=[f"_push({one})"] if spec.is_live else [],
        delete=fill(_DELETE_LIVE if spec.is_live else _DELETE, **slots).splitlines(),
        helpers=[line for text in helpers for line in (*fill(text, **slots).splitlines(), "", "")],
    )
