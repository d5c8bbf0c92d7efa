"""Finds columns that hold personal data and are not exported, or remain after an erasure.

A model is personal if a row of it belongs to a user: by a foreign key to the user model, directly or over other models, by a
plain UUID column that is not listed in `NOT_PERSONAL`, or because a slice says so in `PERSONAL_ROWS`. A column is exported if a change of its value changes the
user's export. A column is erased if its value is gone after the account is erased, whatever it was. `apps.common.data_export`
describes how a slice declares exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models, transaction

from apps.common import data_export
from apps.common.testing.sample_rows import SampleRows, Values, columns, is_link

Erase = Callable[[UUID], None]


@dataclass(slots=True)
class Register:
    """The declarations of the slices in `data_export`, by `label.Model.column`."""

    not_personal: set[str] = field(default_factory=set)
    not_exported: set[str] = field(default_factory=set)
    not_erased: set[str] = field(default_factory=set)
    rows: dict[str, Callable[[UUID], Values]] = field(default_factory=dict)

    @classmethod
    def of_slices(cls) -> Register:
        register = cls()
        for label, module in data_export.modules():
            for kind in ("not_personal", "not_exported", "not_erased"):
                for names in getattr(module, kind.upper(), {}).values():
                    getattr(register, kind).update(_full(label, name, parts=2) for name in names)
            for name, values in getattr(module, "PERSONAL_ROWS", {}).items():
                register.rows[_full(label, name, parts=1)] = values
        return register

    def declared(self) -> set[str]:
        return self.not_personal | self.not_exported | self.not_erased


def problems(
    *, erase: Erase, models_: Iterable[type[models.Model]] | None = None, register: Register | None = None
) -> list[str]:
    """One line for each personal column that is neither handled nor declared, and for each outdated declaration.

    `erase` erases the account of that id for good, with its content and all consequences in other slices. Needs a test
    database, and leaves nothing in it.
    """
    register = register or Register.of_slices()
    chosen = list(models_ if models_ is not None else personal_models(register))
    found: list[str] = []
    with transaction.atomic():
        rows = SampleRows(register.rows)
        for model in chosen:
            found += _judge(model, rows, register, erase)
        transaction.set_rollback(True)
    if models_ is None:
        links = {
            _name(model, column)
            for model in apps.get_models()
            for column in columns(model)
            if is_link(column)
        }
        known = links | {_name(model, column) for model in chosen for column in columns(model)}
        found += [
            f"{name}: declared in data_export, but there is no such column of a personal model. Remove the line."
            for name in sorted(register.declared() - known)
        ]
    return found


def personal_models(register: Register) -> list[type[models.Model]]:
    """The installed models whose rows belong to a user."""
    every = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ]
    found = {
        model
        for model in every
        if model is get_user_model()
        or model._meta.label in register.rows
        or any(
            is_link(column) and _name(model, column) not in register.not_personal for column in columns(model)
        )
    }
    while (
        more := {model for model in every if any(column.related_model in found for column in columns(model))}
        - found
    ):
        found |= more
    return sorted(found, key=lambda model: model._meta.label)


def _judge(model: type[models.Model], rows: SampleRows, register: Register, erase: Erase) -> Iterator[str]:
    base = rows.base(model)
    if base is None:
        yield f"{model._meta.label}: no row could be made for the check ({rows.refusal}). Extend PERSONAL_ROWS."
        return
    left = _left(model, rows, erase, _varied(model, base, rows, register)) & _left(model, rows, erase, base)
    for column in columns(model):
        name = _name(model, column)
        if name in register.not_personal:
            continue
        pair = (base, base) if is_link(column) else rows.pair(model, column)
        if pair is None:
            yield (
                f"{name}: the check found no two values that the table accepts ({rows.refusal}). "
                f"Give it one in PERSONAL_ROWS, or list it in NOT_PERSONAL, both in {_file(model)}."
            )
            continue
        exported = is_link(column) or _export(model, pair[0], rows) != _export(model, pair[1], rows)
        if exported == (name in register.not_exported):
            yield _remark(name, model, "NOT_EXPORTED", handled=exported)
        erased = column.name not in left
        if not erased and name not in register.not_erased:  # perhaps because of the other values
            erased = any(column.name not in _left(model, rows, erase, values) for values in pair)
        if erased == (name in register.not_erased):
            yield _remark(name, model, "NOT_ERASED", handled=erased)


def _varied(model: type[models.Model], base: Values, rows: SampleRows, register: Register) -> Values:
    """The values of `base`, with as many others as the table accepts in one row."""
    values = base
    for column in columns(model):
        if not is_link(column) and _name(model, column) not in register.not_personal:
            values = rows.replace(model, column, values) or values
    return values


def _remark(name: str, model: type[models.Model], constant: str, *, handled: bool) -> str:
    if handled:
        done = "exported" if constant == "NOT_EXPORTED" else "erased"
        return f"{name}: is {done}, though {constant} lists it. Remove the line."
    problem, remedy = {
        "NOT_EXPORTED": ("is missing in the user's data export", "Return it from `export` in"),
        "NOT_ERASED": (
            "remains after the account is erased",
            "Delete or overwrite it in a handler of the event `users.erased`, or list it under NOT_ERASED in",
        ),
    }[constant]
    listed = f", or list it there in {constant}" if constant == "NOT_EXPORTED" else ""
    return f"{name}: {problem}. {remedy} {_file(model)}{listed} with the reason, or in NOT_PERSONAL."


def _export(model: type[models.Model], values: Values, rows: SampleRows) -> bytes:
    with transaction.atomic():
        owner = rows.owner(model, rows.insert(model, values))
        exported = b"".join(data_export.stream(owner))
        transaction.set_rollback(True)
    return exported


def _left(model: type[models.Model], rows: SampleRows, erase: Erase, values: Values) -> set[str]:
    """The columns of a row that an erasure does not change; none if it deletes the row."""
    with transaction.atomic():
        row = rows.insert(model, values)
        before = model._base_manager.get(pk=row.pk)
        erase(rows.owner(model, row))
        after = model._base_manager.filter(pk=row.pk).first()
        transaction.set_rollback(True)
    if after is None:
        return set()
    return {
        column.name
        for column in columns(model)
        if getattr(after, column.attname) == getattr(before, column.attname)
    }


def _full(label: str, name: str, *, parts: int) -> str:
    return name if name.count(".") == parts else f"{label}.{name}"


def _name(model: type[models.Model], column: Any) -> str:
    return f"{model._meta.label}.{column.name}"


def _file(model: type[models.Model]) -> str:
    name = model._meta.app_config.name
    return (
        f"{name.replace('.', '/')}/data_export.py"
        if name.startswith("apps.")
        else "the slice's data_export.py"
    )
