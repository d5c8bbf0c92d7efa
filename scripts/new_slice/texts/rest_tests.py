"""The tests of a slice's routes."""

from __future__ import annotations

from scripts.new_slice.fields import Field
from scripts.new_slice.spec import Spec
from scripts.new_slice.texts import fill, lines, listed

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
_GONE = """
assert client.patch(path, {"$field": $other_json}).status_code == 404
assert [client.get(path).status_code, client.delete(path).status_code] == [404, 404]
"""
_OTHER_UUID = "01a211b7-7572-77ad-9044-ed1873e2ee24"


def text(spec: Spec, slots: dict[str, str]) -> str:
    """tests/test_rest.py."""
    nested = spec.nested
    is_covered_by_others = spec.owner is not None and not spec.root.is_for_admins
    return fill(
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


def _nested(spec: Spec, slots: dict[str, str]) -> list[str]:
    """The test of nested objects."""
    if spec.nested is None:
        return []
    first, second = (lines.json_object(spec.nested.fields, is_other=is_other) for is_other in (False, True))
    return [*fill(_NESTED, **slots, first=first, second=second).splitlines(), "", ""]


def changed(field: Field) -> dict[str, str]:
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
