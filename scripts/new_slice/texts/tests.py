"""Tests of the slice, and the factory that they use."""

from __future__ import annotations

from scripts.new_slice.spec import Spec
from scripts.new_slice.texts import fill, lines, listed, names_of, rest_tests
from scripts.new_slice.texts.faces import mail_fields

_FACTORY = '''
"""$Many for tests."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

import factory
from factory.declarations import SubFactory

from apps.$label.models import $Model$and_child
from apps.common.testing.users import $User


class ${Model}Factory(factory.django.DjangoModelFactory[$Model]):
    class Meta:
        model = $Model

    $values
'''
_CHILD_FACTORY = """
class ${Child}Factory(factory.django.DjangoModelFactory[$Child]):
    class Meta:
        model = $Child

    $one = SubFactory(${Model}Factory)
    position = 0
    $values
"""
_LIVE = """
def test_the_sockets_of_the_owner_are_told_of_changes(
    pushed: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    $one = ${Model}Factory.create()
    actor = caller_for($one.$owner)
    with django_capture_on_commit_callbacks(execute=True):
        created = services.create_$one(actor=actor, $values)
        services.update_$one(actor=actor, ${one}_id=$one.pk, changes={"$field": $other})
        services.delete_$one(actor=actor, ${one}_id=$one.pk)
    assert pushed == [
        (f"user:{actor.user.pk}", {"type": "event", "name": "$label.changed", "data": {"id": str(changed)}})
        for changed in (created.pk, $one.pk, $one.pk)
    ]


"""
_SERVICES_OWNED = '''
"""What follows from $a $words: the mail, export, erasure, demo data, and the pages that show it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.test import Client

from apps.$label import data_export, demo, examples, selectors, services, tasks
from apps.$label.events import ${Model}Created
from apps.$label.exceptions import ${Model}NotFound
from apps.$label.models import $Model
from apps.$label.tests.factories import ${Model}Factory$child_factory
from apps.common.callers import ANONYMOUS
from apps.common.testing.events import tasks_of
from apps.users.events import UserErased
from apps.common.testing.users import PASSWORD, AdminFactory, UserFactory, caller_for

pytestmark = pytest.mark.django_db


def test_the_owner_gets_one_mail() -> None:
    $one = ${Model}Factory.create(${owner}__name="Ada")
    event = ${Model}Created(${one}_id=$one.pk)
    assert tasks_of(event) == {tasks.send_created_mail.name: {"${one}_id": str($one.pk)}}
    for _ in range(2):
        services.send_created_mail(${one}_id=$one.pk)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == ([$one.$owner.email], "Your $words")
    assert sent.body.startswith("Hello Ada,\\n\\nyour $words was created.")
    $mailed


$live
def test_unverified_owners_and_deleted_${list}_get_no_mail() -> None:
    $one = ${Model}Factory.create(${owner}__email_verified_at=None)
    services.send_created_mail(${one}_id=$one.pk)
    services.delete_$one(actor=caller_for($one.$owner), ${one}_id=$one.pk)
    services.send_created_mail(${one}_id=$one.pk)
    assert mail.outbox == []


def test_callers_without_an_account_see_and_change_nothing() -> None:
    $one = ${Model}Factory.create()
    assert not selectors.list_$list(actor=ANONYMOUS).exists()
    with pytest.raises(${Model}NotFound):
        services.delete_$one(actor=ANONYMOUS, ${one}_id=$one.pk)


def test_erasure_deletes_the_${list}_of_the_account() -> None:
    $one, other = ${Model}Factory.create(), ${Model}Factory.create()
    event = UserErased(user_id=$one.$owner.pk)
    assert tasks_of(event)[tasks.forget_user.name] == {"user_id": str($one.$owner.pk)}
    services.forget_user(user_id=$one.$owner.pk)
    assert list($Model.objects.all()) == [other]


def test_the_export_has_the_${list}_of_the_account() -> None:
    $one, _ = $exported_factory, ${Model}Factory.create()
    (exported,) = data_export.export($one.$owner.pk)["$list"]
    assert exported["id"] == $one.pk
    assert {*examples.FIELDS, "id", "created_at", "updated_at"}$minus == exported.keys()
    $exported


def test_demo_data_is_created_once() -> None:
    user = UserFactory.create(email="ada@example.com")
    for _ in range(2):
        demo.seed({"urls": []})
    assert $Model.objects.get().$owner == user


'''
_SERVICES = '''
"""Demo data of $many, and the pages that show them."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.$label import demo, services
from apps.$label.models import $Model
from apps.$label.tests.factories import ${Model}Factory
from apps.common.callers import ANONYMOUS
from apps.common.exceptions import Denied
from apps.common.testing import personal_columns
from apps.common.testing.users import PASSWORD, AdminFactory

pytestmark = pytest.mark.django_db


def test_no_row_belongs_to_a_user() -> None:
    assert $Model not in personal_columns.personal_models(personal_columns.Register.of_slices())


def test_callers_without_the_permission_change_nothing() -> None:
    $one = ${Model}Factory.create()
    with pytest.raises(Denied):
        services.delete_$one(actor=ANONYMOUS, ${one}_id=$one.pk)
    assert $Model.objects.get() == $one


def test_demo_data_is_created_once() -> None:
    for _ in range(2):
        demo.seed({"urls": []})
    assert $Model.objects.count() == 1


'''
_PAGES = """
def test_the_${list}_are_in_the_admin_site$and_console(client: Client) -> None:
    $one = ${Model}Factory.create()
    client.post("/admin/login/", {"username": AdminFactory.create().email, "password": PASSWORD})
    for path in ("", f"{$one.pk}/change/"):
        assert str($one.pk) in client.get(f"/admin/$label/$lower/{path}").content.decode()
    $console
"""


def files(spec: Spec) -> dict[str, str]:
    """The folder of tests."""
    nested = spec.nested
    slots = names_of(spec) | _callers(spec) | rest_tests.changed(spec.values[0])
    slots |= {
        "and_child": f", {nested.model}" if nested else "",
        "child_factory": f", {nested.model}Factory" if nested else "",
    }
    console = f'assert "{spec.names.label}/console/index.js" in client.get("/").content.decode()'
    services = fill(
        _SERVICES_OWNED if spec.owner else _SERVICES,
        **slots,
        **_exported(spec),
        mailed=list(_mailed(spec)),
        live=_live(spec, slots),
    )
    pages = fill(
        _PAGES,
        **slots,
        lower=spec.names.model.lower(),
        and_console="_and_in_the_console" if spec.has_console else "",
        console=[console] if spec.has_console else [],
    )
    values = [
        f"{field.name} = {lines.python(field)}"
        for field in spec.values
        if field.kind.name != "choice" or field.is_optional
    ]
    owner = [f"{spec.owner.name} = SubFactory({slots['User']})"] if spec.owner else []
    return {
        "tests/__init__.py": f'"""Tests of {spec.names.many}."""\n',
        "tests/factories.py": fill(_FACTORY, **slots, values=[*values, *owner], child=[])
        + _child_factory(spec, slots),
        "tests/test_rest.py": rest_tests.text(spec, slots),
        "tests/test_services.py": f"{services}\n\n{pages}",
    }


def _child_factory(spec: Spec, slots: dict[str, str]) -> str:
    if spec.nested is None:
        return ""
    values = [
        f"{field.name} = {lines.python(field)}"
        for field in spec.nested.fields
        if field.kind.name != "choice" or field.is_optional
    ]
    return "\n\n" + fill(_CHILD_FACTORY, **slots, values=values)


def _live(spec: Spec, slots: dict[str, str]) -> list[str]:
    """The test of what sockets are told."""
    if not spec.is_live:
        return []
    values = ", ".join(f"{field.name}={lines.python(field)}" for field in spec.values)
    return [*fill(_LIVE, **slots, values=values).splitlines(), "", ""]


def _exported(spec: Spec) -> dict[str, str | list[str]]:
    """How the export is tested: nested objects have rows of their own."""
    model, one, nested = spec.names.model, spec.names.one, spec.nested
    if nested is None or spec.owner is None:
        return {"exported_factory": f"{model}Factory.create()", "minus": "", "exported": []}
    names = listed([f"{one}_id", "position", *(field.name for field in nested.fields)])
    return {
        "exported_factory": f"{nested.model}Factory.create().{one}",
        "minus": f" - {{{listed([nested.name])}}}",
        "exported": [
            f'(row,) = data_export.export({one}.{spec.owner.name}.pk)["{nested.name}"]',
            f'assert (row.keys(), row["{one}_id"]) == ({{{names}}}, {one}.pk)',
        ],
    }


def _callers(spec: Spec) -> dict[str, str]:
    """Which accounts the tests use: any in a zone for users, admins elsewhere and where only they may write."""
    user = "AdminFactory" if spec.root.is_for_admins else "UserFactory"
    return {
        "User": user,
        "Reader": user,
        "Writer": user if spec.owner else "AdminFactory",
        "writer": f"{spec.names.one}.{spec.owner.name}" if spec.owner else "AdminFactory.create()",
        "see": f"{spec.names.one}.{spec.owner.name}" if spec.owner else f"{user}.create()",
        "reader": "user" if spec.owner else f"{user}.create()",
    }


def _mailed(spec: Spec) -> list[str]:
    """What the test finds in the mail: the first field that is shown as it is."""
    for field in mail_fields(spec):
        if field.kind.name in ("str", "email", "url", "int", "decimal"):
            value = lines.json(field).strip('"')
            return [f'assert "{field.title}: {value}" in sent.body']
    return []
