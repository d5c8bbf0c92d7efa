"""Every page of the admin site with hostile addresses: no response is a server error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from apps.common.models import AuditEvent
from apps.common.testing.users import PASSWORD, AdminFactory

pytestmark = pytest.mark.django_db
VALUES = [
    "",
    "0",
    "-1",
    "1",
    "13",
    "10000",
    "99999999999999999999999999",
    "1e400",
    "nan",
    "NaT",
    "٣",
    "x",
    "True",
    "null",
    "'",
    "%",
    "\x00",
    "a\x00b",
    "\ud800".encode("utf-8", "surrogatepass"),
    b"\xff",
    "\u202e",
    "2026-13-45",
    "2026-01-01T99:99",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "00000000-0000-0000-0000-00000000000g",
    "1,2,3",
    "x" * 3000,
]
OF_EVERY_LIST = (
    "q",
    "o",
    "p",
    "all",
    "e",
    "_popup",
    "_to_field",
    "_facets",
    "_changelist_filters",
    "action",
    "csv",
)
SUFFIXES = (
    "",
    "__exact",
    "__id__exact",
    "__pk__exact",
    "__isnull",
    "__isempty",
    "__gte",
    "__lt",
    "__year",
    "__month",
    "__day",
    "__in",
    "__regex",
    "__range",
)


@pytest.fixture
def site(client: Client, settings: Any) -> Client:
    """A signed-in client without limits."""
    settings.SITE_RATES = ("1000000/minute",)
    boss = AdminFactory.create()
    client.post("/admin/login/?next=/admin/", {"username": boss.email, "password": PASSWORD})
    client.raise_request_exception = False
    return client


def offered_by(model_admin: Any) -> list[str]:
    """The parameters of the filters of this list."""
    filters = [*model_admin.list_filter, model_admin.date_hierarchy]
    names = (
        one[0] if isinstance(one, tuple | list) else getattr(one, "parameter_name", one) for one in filters
    )
    return [name for name in names if name]


def some(number: int) -> list[Any]:
    """A third of the values, different for each page and name, so that all are used."""
    return VALUES[number % 3 :: 3]


def hostile(model_admin: Any, number: int) -> Iterator[tuple[str, Any]]:
    """Parameters with values: those of every list, those of its filters, and lookups that it does not offer."""
    for position, name in enumerate(OF_EVERY_LIST):
        yield from ((name, value) for value in some(number + position))
    for name in offered_by(model_admin):
        for position, suffix in enumerate(SUFFIXES):
            yield from ((f"{name}{suffix}", value) for value in some(number + position))
            yield f"{name}{suffix}", "10000"
    for field in model_admin.model._meta.concrete_fields:
        yield f"{field.name}{SUFFIXES[number % len(SUFFIXES)]}", "10000"


def faults(site: Client, addresses: Iterator[str]) -> list[tuple[str, int]]:
    return [
        (address[:200], answer.status_code)
        for address in addresses
        if (answer := site.get(address)).status_code >= 500
    ]


@pytest.mark.campaign
@pytest.mark.parametrize(("number", "model"), list(enumerate(admin.site._registry)), ids=str)
def test_no_page_of_a_model_fails(site: Client, number: int, model: Any) -> None:
    page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    model_admin = admin.site._registry[model]
    assert site.get(page).status_code == 200
    assert faults(site, (f"{page}?{urlencode([pair])}" for pair in hostile(model_admin, number))) == []
    rows = (
        f"{page}{quote(value)}/{end}"
        for end in ("", "change/", "delete/", "history/")
        for value in some(number)
    )
    assert faults(site, rows) == []
    names = (
        "_changelist_filters",
        "_popup",
        "_to_field",
        *(field.name for field in model._meta.concrete_fields),
    )
    forms = (
        f"{page}add/?{urlencode({name: value})}"
        for position, name in enumerate(names)
        for value in some(number + position)
    )
    assert faults(site, forms) == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"at__year": "2026"}, 200),
        ({"at__year": "2026", "at__month": "2", "at__day": "28"}, 200),
        ({"at__year": "2026", "at__month": "2", "at__day": "30"}, 400),
        ({"at__year": "10000"}, 400),
        ({"at__year": "9999"}, 400),
        ({"at__year": "2"}, 200),
        ({"at__year": "1"}, 400),
        ({"at__year": "0"}, 400),
        ({"at__year": "-1"}, 400),
        ({"at__year": "9" * 5000}, 400),
        ({"at__month": "13"}, 400),
        ({"at__day": "x"}, 400),
        ({"at__year__gte": "1"}, 400),
    ],
)
def test_date_hierarchies_take_days_of_the_calendar(
    site: Client, monkeypatch: pytest.MonkeyPatch, query: dict[str, str], status: int
) -> None:
    page = reverse("admin:common_auditevent_changelist")
    assert site.get(page, query).status_code == 400  # it has none
    monkeypatch.setattr(admin.site._registry[AuditEvent], "date_hierarchy", "at")
    assert site.get(page, query).status_code == status
