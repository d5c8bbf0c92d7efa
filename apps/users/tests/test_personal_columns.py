"""Every personal column of every slice is exported and erased, or declared as an exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.test.utils import isolate_apps
from django.utils import timezone

from apps.common import data_export
from apps.common.callers import Caller, CallerKind
from apps.common.models import AuditEvent, BaseModel
from apps.common.testing import personal_columns
from apps.common.testing.users import AdminFactory, UserFactory
from apps.users import data_export as users_export
from apps.users.models import User
from apps.users.services import administration

pytestmark = pytest.mark.django_db
Erase = Callable[[UUID], None]


@pytest.fixture
def erase(relay: Callable[[], Any]) -> Erase:
    """Erases an account with its content, and its consequences in other slices."""
    AdminFactory.create()  # the last admin cannot be erased

    def erased(user_id: UUID) -> None:
        actor = Caller(kind=CallerKind.USER, user=User.objects.get(pk=user_id))
        administration.erase(actor=actor, user_id=user_id, now=timezone.now(), with_content=True)
        relay()

    return erased


def test_personal_columns_are_exported_and_erased(erase: Erase) -> None:
    problems = personal_columns.problems(erase=erase)
    assert not problems, "\n".join(problems)


@pytest.fixture
def planted(db: None) -> type[models.Model]:
    """A table of another slice, whose rows belong to users, with a column of each usual type."""
    with isolate_apps("apps.users"), connection.schema_editor() as editor:

        class Planted(BaseModel):
            owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
            note = models.TextField()
            total = models.DecimalField(max_digits=8, decimal_places=2)
            is_gift = models.BooleanField(default=False)
            due = models.DateField(null=True)

            class Meta:
                app_label = "users"
                constraints = (
                    models.CheckConstraint(
                        name="planted_due_of_gift", condition=models.Q(due=None) | models.Q(is_gift=True)
                    ),
                )

        editor.create_model(Planted)
    return Planted


def check(model: type[models.Model], erase: Erase, **declared: Any) -> list[str]:
    register = personal_columns.Register(**declared)
    found = personal_columns.problems(erase=erase, models_=[model], register=register)
    return [problem.partition(". ")[0] for problem in found]


COLUMNS = ("created_at", "updated_at", "note", "total", "is_gift", "due")


def test_a_column_that_is_neither_exported_nor_erased_is_found(
    planted: type[models.Model], erase: Erase
) -> None:
    missing = {f"users.Planted.{name}: is missing in the user's data export" for name in COLUMNS}
    kept = {f"users.Planted.{name}: remains after the account is erased" for name in (*COLUMNS, "owner")}
    assert {*check(planted, erase)} == missing | kept


def test_a_column_that_is_exported_and_erased_passes(
    planted: type[models.Model], erase: Erase, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: Any = planted._base_manager
    monkeypatch.setattr(
        data_export,
        "exports",
        lambda: {"x": lambda id_: {"all": rows.filter(owner_id=id_).values().iterator()}},
    )

    def erase_all(user_id: UUID) -> None:
        rows.filter(owner_id=user_id).delete()
        erase(user_id)

    assert check(planted, erase_all) == []
    assert check(planted, erase_all, not_exported={"users.Planted.note"}) == [
        "users.Planted.note: is exported, though NOT_EXPORTED lists it"
    ]
    assert check(planted, erase_all, not_erased={"users.Planted.due"}) == [
        "users.Planted.due: is erased, though NOT_ERASED lists it"
    ]


def test_a_declared_column_passes(planted: type[models.Model], erase: Erase) -> None:
    names = {f"users.Planted.{name}" for name in (*COLUMNS, "owner")}
    assert check(planted, erase, not_personal=names) == []
    assert check(planted, erase, not_exported=names - {"users.Planted.owner"}, not_erased=names) == []


def test_a_row_whose_only_link_is_declared_belongs_to_no_user(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "common.AuditEvent.actor_id"
    assert AuditEvent in personal_columns.personal_models(personal_columns.Register())
    register = personal_columns.Register(not_personal={name})
    assert AuditEvent not in personal_columns.personal_models(register)
    monkeypatch.setattr(personal_columns, "personal_models", lambda _: [])
    found = personal_columns.problems(erase=lambda _: None, register=register)
    assert found == []


def test_a_column_of_the_account_that_no_code_handles_is_found(
    erase: Erase, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = User.save

    def save_all_but_phone(self: User, *args: Any, **fields: Any) -> None:
        if self.erased_at is not None:
            self.phone = User.objects.get(pk=self.pk).phone
        save(self, *args, **fields)

    monkeypatch.setattr(User, "save", save_all_but_phone)
    export = users_export.export

    def export_all_but_name(user_id: UUID) -> Any:
        exported: Any = export(user_id)
        del exported["account"]["name"]
        return exported

    monkeypatch.setattr(users_export, "export", export_all_but_name)
    register = personal_columns.Register.of_slices()
    found = personal_columns.problems(erase=erase, models_=[User], register=register)
    assert [problem.partition(". ")[0] for problem in found] == [
        "users.User.name: is missing in the user's data export",
        "users.User.phone: remains after the account is erased",
    ]
    assert found[0].endswith(
        "Return it from `export` in apps/users/data_export.py, or list it there in NOT_EXPORTED with the reason, or in "
        "NOT_PERSONAL."
    )


def test_a_declaration_of_no_column_is_found(erase: Erase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users_export, "NOT_PERSONAL", {"gone": ("User.shoe_size",)})
    register = personal_columns.Register.of_slices()
    monkeypatch.setattr(personal_columns, "personal_models", lambda _: [])
    found = personal_columns.problems(erase=erase, register=register)
    assert (
        "users.User.shoe_size: declared in data_export, but there is no such column of a personal model. Remove the line."
        in found
    )


def test_the_log_of_the_admin_site_forgets_the_name(erase: Erase) -> None:
    user = UserFactory.create(name="Ada")
    LogEntry.objects.create(
        user=AdminFactory.create(),
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=str(user),
        action_flag=2,
    )
    erase(user.pk)
    assert LogEntry.objects.get().object_repr == "Deleted account"
