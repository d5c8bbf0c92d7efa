"""Types, events, errors, models, policies and selectors."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.new_slice.fields import Field
from scripts.new_slice.spec import Spec
from scripts.new_slice.texts import fill, lines, names_of, services

_TYPES = '''
"""Values that the modules of the slice exchange."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypedDict
from uuid import UUID

from django.db.models import TextChoices


class Permission(StrEnum):
    """Permissions that a role may grant."""

    $permissions


$grants
$choices
$child
class ${Model}Values(TypedDict):
    """The values of a new $words."""

    $values


class ${Model}Changes(TypedDict, total=False):
    """Changes of $a $words; absent keys stay."""

    $values
'''
_PERMISSIONS_OWNED = '''
READ = "$label.read"
"""See all $many."""
MANAGE = "$label.manage"
"""Change and delete all $many."""
'''
_PERMISSIONS = '''
MANAGE = "$label.manage"
"""Create, change and delete $many."""
'''
_GRANTS = """
DEFAULT_GRANTS: Final = {"moderator": {Permission.READ}}


"""
_CHILD_VALUES = '''
class ${Child}Values(TypedDict):
    """The values of a $child_words."""

    $values
'''
_CHILD = '''


class $Child(UUIDModel):
    """A $child_words of $a $words, written with it."""

    $one = models.ForeignKey($Model, on_delete=models.CASCADE, related_name="$nested", db_index=False)
    position = models.PositiveSmallIntegerField()
    $fields

    class Meta:
        ordering = ("position",)
        constraints = [
            models.UniqueConstraint(name="${label}_${nested}_order", fields=["$one", "position"]),
            $constraints
        ]

    def __str__(self) -> str:
        return f"$child_words {self.pk}"
'''
_EVENTS = '''
"""Events of $many. `handlers.py` has their consequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from apps.common.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ${Model}Created(Event):
    name: ClassVar[str] = "$label.created"
    ${one}_id: UUID
'''
_EXCEPTIONS = '''
"""Errors of $many."""

from apps.common.exceptions import NotFound


class ${Model}NotFound(NotFound):
    """$reason"""

    code = "${one}_not_found"
    detail = "There is no such $words."
'''
_MODELS = '''
"""The table of $many."""

from __future__ import annotations

from django.db import models

from apps.common.models import BaseModel, UUIDModel
from apps.common.text import validate_line
from apps.$label.types import $choices


class $Model(BaseModel):
    $docstring

    $fields

    class Meta:
        ordering = ("-created_at", "-id")
        $constraints
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="$newest"),
            $indexes
        ]

    def __str__(self) -> str:
        return f"$words {self.pk}"
'''
_POLICIES_OWNED = '''
"""Who may see and change which $many: the owner, and roles with a permission."""

from __future__ import annotations

from django.db.models import Q

from apps.$label.types import Permission
from apps.common.callers import Caller


def readable(actor: Caller) -> Q:
    """The $many that the actor may see."""
    return _all_or_own(actor, Permission.READ)


def changeable(actor: Caller) -> Q:
    """The $many that the actor may change and delete."""
    return _all_or_own(actor, Permission.MANAGE)


def _all_or_own(actor: Caller, permission: Permission) -> Q:
    if actor.may(permission):
        return Q()
    return Q(${owner}_id=actor.user.pk) if actor.is_user else Q(pk__in=())
'''
_POLICIES = '''
"""Who may change $many: roles with a permission. Every user sees them."""

from __future__ import annotations

from apps.$label.types import Permission
from apps.common.callers import Caller
from apps.common.exceptions import Denied


def require_manage(actor: Caller) -> None:
    """Raises Denied unless the actor's role holds the permission."""
    if not actor.may(Permission.MANAGE):
        raise Denied
'''
_SELECTORS_OWNED = '''
"""Reads of $many."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from apps.$label import policies
from apps.$label.exceptions import ${Model}NotFound
from apps.$label.models import $Model
from apps.common.callers import Caller


def list_$list(*, actor: Caller) -> QuerySet[$Model]:
    """The $many that the actor may see, the newest first."""
    return $Model.objects.filter(policies.readable(actor)).order_by("-created_at", "-id")$prefetch


def get_$one(*, actor: Caller, ${one}_id: UUID) -> $Model:
    """The $words of that id if the actor may see it. Raises ${Model}NotFound."""
    $one = list_$list(actor=actor).filter(pk=${one}_id).first()
    if $one is None:
        raise ${Model}NotFound
    return $one
'''
_SELECTORS = '''
"""Reads of $many."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from apps.$label.exceptions import ${Model}NotFound
from apps.$label.models import $Model


def list_$list() -> QuerySet[$Model]:
    """All $many, the newest first."""
    return $Model.objects.order_by("-created_at", "-id")$prefetch


def get_$one(*, ${one}_id: UUID) -> $Model:
    """The $words of that id. Raises ${Model}NotFound."""
    $one = list_$list().filter(pk=${one}_id).first()
    if $one is None:
        raise ${Model}NotFound
    return $one
'''


def files(spec: Spec) -> dict[str, str]:
    """The modules without HTTP."""
    slots = names_of(spec)
    reason = "does not exist, or the actor may not see or change it" if spec.owner else "does not exist"
    prefetch = f'.prefetch_related("{spec.nested.name}")' if spec.nested else ""
    found = {
        "types.py": _types(spec, slots),
        "exceptions.py": fill(_EXCEPTIONS, **slots, reason=f"The {spec.names.words} {reason}."),
        "models.py": _models(spec, slots),
        "policies.py": fill(_POLICIES_OWNED if spec.owner else _POLICIES, **slots),
        "selectors.py": fill(_SELECTORS_OWNED if spec.owner else _SELECTORS, **slots, prefetch=prefetch),
        "services.py": services.text(spec, slots),
    }
    return found | ({"events.py": fill(_EVENTS, **slots)} if spec.owner else {})


def _types(spec: Spec, slots: dict[str, str]) -> str:
    child: list[str] = []
    if spec.nested:
        values = [lines.annotation(field) for field in spec.nested.fields]
        child = [*fill(_CHILD_VALUES, **slots, values=values).splitlines(), "", ""]
    return fill(
        _TYPES,
        **slots,
        permissions=fill(_PERMISSIONS_OWNED if spec.owner else _PERMISSIONS, **slots).splitlines(),
        grants=[*_GRANTS.splitlines(), "", ""] if spec.owner else [],
        choices=[line for field in spec.all_fields if field.choices for line in lines.choices(field)],
        child=child,
        values=[lines.annotation(field) for field in spec.values],
    )


def _models(spec: Spec, slots: dict[str, str]) -> str:
    names = spec.names
    belongs = f", which belongs to `{spec.owner.name}`" if spec.owner else ""
    child: list[str] = []
    if spec.nested:
        text = fill(
            _CHILD,
            **slots,
            fields=[lines.model(field) for field in spec.nested.fields],
            constraints=[
                lines.constraint(field, f"{names.label}_{spec.nested.name}")
                for field in spec.nested.fields
                if field.choices
            ],
        )
        child = ["", "", *text.splitlines()]
    owned = f'models.Index(fields=["{slots["owner"]}", "-created_at", "-id"], name="{index_name(names.label, "owned")}"),'
    text = fill(
        _MODELS,
        **slots,
        choices=", ".join(field.camel for field in spec.all_fields if field.choices),
        docstring=[f'"""{names.article.capitalize()} {names.words}{belongs}."""'],
        fields=[lines.model(field) for field in spec.fields],
        constraints=_constraints(spec.fields, names.label),
        newest=index_name(names.label, "newest"),
        indexes=[owned] if spec.owner else [],
    )
    return (text + "\n".join(child) + "\n").replace(f"from apps.{names.label}.types import \n", "")


def _constraints(fields: Sequence[Field], start: str) -> list[str]:
    """The constraints of choices."""
    found = [f"    {lines.constraint(field, start)}" for field in fields if field.choices]
    return ["constraints = [", *found, "]"] if found else []


def index_name(label: str, end: str) -> str:
    """The name of an index, of at most 30 characters as Django has it."""
    return f"{label[: 29 - len(end)].rstrip('_')}_{end}"
