"""Tests of the slice, and the factory that they use."""

from __future__ import annotations

from scripts.new_slice.fields import Field
from scripts.new_slice.spec import Spec
from scripts.new_slice.texts import fill, lines, listed, names_of
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
_NESTED = """
def test_${nested}_are_replaced_as_a_whole() -> None:
    child = ${Child}Factory.create()
    $one = child.$one
    assert str(child) == f"$child_words {child.pk}"
    client, path = client_of($writer), f"{ROOT}{$one.pk}/"
    $nested = [$second, $first]
    response = client.patch(path, {"$nested": $nested})
    assert (response.status_code, response.json()["$nested"]) == (200, $nested)
    assert client.get(path).json()["$nested"] == $nested
    refused = client.patch(path, {"$nested": [{"unknown": 1}]})
    assert refused.status_code == 400
    assert client.get(path).json()["$nested"] == $nested
    assert $one.$nested.count() == 2


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
_REST = '''
"""$Many over REST: answers, filters, pages, and who may do what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from apps.$label import examples
from apps.$label.models import $Model
from apps.$label.tests.factories import ${Model}Factory$child_factory
from apps.common.testing.clients import Api
from apps.users.models import User
from apps.common.testing.users import AdminFactory, UserFactory, bearer

pytestmark = pytest.mark.django_db
ROOT = "$root"


def client_of(user: User) -> Api:
    return Api("$zone", bearer(user))


def ids(response: Any) -> list[str]:
    return [row["id"] for row in response.json()["results"]]


def test_${a}_${one}_is_created_and_read() -> None:
    user = $Writer.create()
    client = client_of(user)
    response = client.post(ROOT, examples.FIELDS)
    $one = $Model.objects.get()
    assert (response.status_code, response.json()) == (
        201,
        {
            **examples.FIELDS,
            "id": str($one.pk),
            $owner_answer
            "created_at": $one.created_at.isoformat().replace("+00:00", "Z"),
            "updated_at": $one.updated_at.isoformat().replace("+00:00", "Z"),
        },
    )
    assert client.get(f"{ROOT}{$one.pk}/").json() == response.json()
    assert client.get(ROOT).json()["results"] == [response.json()]


$defaults
@pytest.mark.parametrize(
    ("field", "value"),
    [
        $invalid
    ],
)
def test_invalid_fields_are_refused_by_name(field: str, value: Any) -> None:
    body = {**examples.FIELDS, field: value}
    response = client_of($Writer.create()).post(ROOT, body)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field)
    assert not $Model.objects.exists()


def test_${a}_${one}_is_changed_and_deleted() -> None:
    $one = ${Model}Factory.create()
    client, path = client_of($writer), f"{ROOT}{$one.pk}/"
    response = client.patch(path, {"$field": $other_json})
    assert (response.status_code, response.json()["$field"]) == (200, $other_json)
    assert $Model.objects.get().$field $is $other
    assert client.delete(path).status_code == 204
    assert not $Model.objects.exists()
    $gone


$nested_test
$others
def test_lists_have_pages(django_assert_num_queries: Callable[..., Any]) -> None:
    $user_line
    newest = [str(one.pk) for one in reversed(${Model}Factory.create_batch(25$owned_by))]
    $foreign
    client = client_of($reader)
    with django_assert_num_queries($queries):  # $of
        page = client.get(ROOT)
    assert ids(page) + ids(client.get(page.json()["next"])) == newest
    $foreign_seen


@pytest.mark.parametrize(
    ("query", "count"),
    [
        $cases
        ("created_after=2026-01-01T00:00:00Z", 1),
        ("created_before=2026-01-01T00:00:00Z", 0),
    ],
)
def test_lists_are_filtered(query: str, count: int) -> None:
    $one = ${Model}Factory.create()
    assert ids(client_of($see).get(f"{ROOT}?{query}")) == [str($one.pk)] * count


@pytest.mark.parametrize("name", [$ordered])
def test_lists_are_ordered(name: str) -> None:
    $user_line
    ${Model}Factory.create(${owned_first}created_at=timezone.now() - dt.timedelta(days=1))
    ${Model}Factory.create($different)
    client = client_of($reader)
    for ordering, last in ((name, "id"), (f"-{name}", "-id")):
        first = client.get(f"{ROOT}?ordering={ordering}&limit=1")
        found = ids(first) + ids(client.get(first.json()["next"]))
        assert found == [str(one.pk) for one in $Model.objects.order_by(ordering, last)]


@pytest.mark.parametrize("query", [$bad])
def test_invalid_filters_are_refused(query: str) -> None:
    assert client_of($Reader.create()).get(f"{ROOT}?{query}").status_code == 400
'''
_DEFAULTS = """
def test_optional_fields_have_defaults() -> None:
    body: dict[str, Any] = {$required}
    response = client_of($Writer.create()).post(ROOT, body)
    assert response.status_code == 201
    $one = $Model.objects.get()
    $checks


"""
_OTHERS_OWNED = """
@pytest.mark.parametrize(("role", "sees"), [("user", 404), ("moderator", 200)])
def test_others_change_nothing(role: str, sees: int) -> None:
    $one = ${Model}Factory.create()
    client, path = client_of(UserFactory.create(role=role)), f"{ROOT}{$one.pk}/"
    assert client.get(path).status_code == sees
    response = client.patch(path, {"$field": $other_json})
    assert (response.status_code, response.json()["code"]) == (404, "${one}_not_found")
    assert client.delete(path).status_code == 404
    assert $Model.objects.get().$field == $one.$field


"""
_ADMIN_OWNED = """
@pytest.mark.parametrize("root", [$roots])
def test_an_admin_changes_those_of_others(root: str) -> None:
    $one = ${Model}Factory.create()
    client, path = client_of(AdminFactory.create()), f"{root}{$one.pk}/"
    assert client.patch(path, {"$field": $other_json}).status_code == 200
    assert client.delete(path).status_code == 204


"""
_OTHERS = """
def test_users_without_the_permission_change_nothing() -> None:
    $one = ${Model}Factory.create()
    client, path = client_of(UserFactory.create()), f"{ROOT}{$one.pk}/"
    assert client.get(path).status_code == 200
    for response in (
        client.post(ROOT, examples.FIELDS),
        client.patch(path, {"$field": $other_json}),
        client.delete(path),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    assert $Model.objects.get().$field == $one.$field


"""
_OTHERS_FLOOR = """
@pytest.mark.parametrize("role", ["user", "moderator"])
def test_only_admins_may_call(role: str) -> None:
    $one = ${Model}Factory.create()
    client, path = client_of(UserFactory.create(role=role)), f"{ROOT}{$one.pk}/"
    assert [client.get(ROOT).status_code, client.get(path).status_code, client.delete(path).status_code] == [403] * 3
    assert $Model.objects.get() == $one


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

_GONE = """
assert client.patch(path, {"$field": $other_json}).status_code == 404
assert [client.get(path).status_code, client.delete(path).status_code] == [404, 404]
"""
_OTHER_UUID = "01a211b7-7572-77ad-9044-ed1873e2ee24"


def files(spec: Spec) -> dict[str, str]:
    """The folder of tests."""
    nested = spec.nested
    slots = names_of(spec) | _callers(spec) | _changed(spec.values[0])
    slots |= {
        "and_child": f", {nested.model}" if nested else "",
        "child_factory": f", {nested.model}Factory" if nested else "",
    }
    is_covered_by_others = spec.owner is not None and not spec.root.is_for_admins
    rest = fill(
        _REST,
        **slots,
        **_owned(spec, slots),
        zone=next(name for name, zone in spec.zones.items() if zone is spec.root),
        root=f"{spec.root.path}{spec.names.path}/",
        defaults=_defaults(spec, slots),
        invalid=list(_invalid(spec)),
        gone=[] if is_covered_by_others else fill(_GONE, **slots).splitlines(),
        others=_others(spec, slots),
        nested_test=_nested(spec, slots),
        queries="3" if nested else "2",
        of=f"the caller, the page, and its {nested.name}" if nested else "the caller, and the page",
        cases=list(_cases(spec)),
        ordered=listed(["created_at", *(field.name for field in spec.values if field.kind.is_ordered)]),
        bad=listed(
            [
                *(
                    f"{field.name}{field.filters[0].suffix}={field.kind.bad_filter}"
                    for field in spec.values
                    if field.filters
                ),
                *([f"{spec.owner.name}=x"] if spec.owner else []),
                "ordering=id",
            ]
        ),
    )
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
        "tests/test_rest.py": rest,
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


def _nested(spec: Spec, slots: dict[str, str]) -> list[str]:
    """The test of nested objects."""
    if spec.nested is None:
        return []
    first, second = (lines.json_object(spec.nested.fields, is_other=is_other) for is_other in (False, True))
    return [*fill(_NESTED, **slots, first=first, second=second).splitlines(), "", ""]


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


def _changed(field: Field) -> dict[str, str]:
    """The field that tests change."""
    return {
        "field": field.name,
        "is": "is" if field.kind.name == "bool" else "==",
        "other": lines.python(field, is_other=True),
        "other_json": lines.json(field, is_other=True),
    }


def _owned(spec: Spec, slots: dict[str, str]) -> dict[str, str | list[str]]:
    """What is about owners: whose objects they are, and those of others in lists."""
    different = ", ".join(f"{field.name}={lines.python(field, is_other=True)}" for field in spec.values)
    if spec.owner is None:
        empty: list[str] = []
        return {
            "owner_answer": empty,
            "user_line": empty,
            "owned_by": "",
            "owned_first": "",
            "foreign": empty,
            "foreign_seen": empty,
            "different": different,
        }
    owner = f"{spec.owner.name}=user"
    seen = 'assert ids(client_of(UserFactory.create(role="moderator")).get(f"{ROOT}?limit=1")) == [str(other.pk)]'
    return {
        "owner_answer": [f'"{spec.owner.name}": str(user.pk),'],
        "user_line": [f"user = {slots['User']}.create()"],
        "owned_by": f", {owner}",
        "owned_first": f"{owner}, ",
        "foreign": [] if spec.root.is_for_admins else [f"other = {spec.names.model}Factory.create()"],
        "foreign_seen": [] if spec.root.is_for_admins else [seen],
        "different": f"{owner}, {different}",
    }


def _others(spec: Spec, slots: dict[str, str]) -> list[str]:
    """Tests of callers who are not the owner."""
    roots = listed([f"{zone.path}{spec.names.path}/" for zone in spec.zones.values()])
    text = _OTHERS_FLOOR if spec.root.is_for_admins else _OTHERS_OWNED if spec.owner else _OTHERS
    admin = fill(_ADMIN_OWNED, **slots, roots=roots).splitlines() if spec.owner else []
    return [*fill(text, **slots).splitlines(), "", "", *admin, *([""] * 2 if admin else [])]


def _defaults(spec: Spec, slots: dict[str, str]) -> list[str]:
    optional = [field for field in spec.values if not field.is_required]
    if not optional:
        return []
    required = ", ".join(f'"{field.name}": {lines.json(field)}' for field in spec.values if field.is_required)
    checks = [lines.default_check(field, spec.names.one) for field in optional]
    return [*fill(_DEFAULTS, **slots, required=required, checks=checks).splitlines(), "", ""]


def _invalid(spec: Spec) -> list[str]:
    """Fields with values that are refused."""
    found = [f"{case}," for field in spec.values for case in lines.invalid(field)]
    if spec.nested:
        found += [f'("{spec.nested.name}", "x"),', f'("{spec.nested.name}", None),']
    return [*found, f'("{spec.owner.name}", "{_OTHER_UUID}"),'] if spec.owner else found


def _cases(spec: Spec) -> list[str]:
    """Queries of lists, each with the number of rows that it finds."""
    found: list[str] = []
    searched = next((field for field in spec.values if field.kind.is_searched), None)
    if searched:
        finds = {"email": "ADA@", "url": "example"}.get(searched.kind.name, searched.title.split()[0].lower())
        found += [f'("search={finds}", 1),', '("search=nowhere", 0),']
    found += [f"{case}," for field in spec.values for case in lines.filter_cases(field)]
    return [*found, f'("{spec.owner.name}={_OTHER_UUID}", 0),'] if spec.owner else found


def _mailed(spec: Spec) -> list[str]:
    """What the test finds in the mail: the first field that is shown as it is."""
    for field in mail_fields(spec):
        if field.kind.name in ("str", "email", "url", "int", "decimal"):
            value = lines.json(field).strip('"')
            return [f'assert "{field.title}: {value}" in sent.body']
    return []
