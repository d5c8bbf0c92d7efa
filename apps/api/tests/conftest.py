"""Zones and slices of the tests, served through the whole stack: middleware, resolver, guard, view."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client

from apps.api import problems
from apps.api.tests.fakes.standard_views import views
from apps.api.zones import mounting
from apps.api.zones.mounting import Mounted, mount
from apps.api.zones.table import CountBy, Docs, Floor, Version, Zone, ZoneTable
from apps.common.callers import Caller, CallerKind
from apps.common.exceptions import NotAuthenticated
from apps.common.http.authentication import authenticator_names, register_authenticator
from apps.common.slices import Slice
from infrastructure.cache import redis

FAKES = "apps.api.tests.fakes"


@dataclass(frozen=True)
class Account:
    """The attributes of an account that the guard reads."""

    pk: str
    is_admin: bool = False


def authenticate_test(request: HttpRequest) -> Caller | None:
    """`Authorization: Test user|admin|service`; anything else after the scheme is a bad credential."""
    scheme, _, who = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme != "Test":
        return None
    match who:
        case "user":
            return Caller(kind=CallerKind.USER, user=Account("ada"))
        case "admin":
            return Caller(kind=CallerKind.USER, user=Account("grace", is_admin=True))
        case "service":
            return Caller(kind=CallerKind.SERVICE, service="robot")
        case _:
            raise NotAuthenticated


if "test" not in authenticator_names():
    register_authenticator("test", authenticate_test)


def zone(name: str, floor: Floor, **more: Any) -> Zone:
    """A zone over the slice of the tests."""
    values: dict[str, Any] = {
        "title": name.title(),
        "description": f"The zone {name}.",
        "slices": ("widgets",),
        "authentication": ("test",),
        "rates": ("10000/minute",),
    }
    return Zone(name=name, floor=floor, **(values | more))


OPEN = zone("open", Floor.ANYONE, docs=Docs.OPEN, rates_by=CountBy.ADDRESS)
CLOSED = zone("closed", Floor.USER, versions=(Version(name="v1"), Version(name="v2")))
MACHINE = zone("machine", Floor.SERVICE)
OFFICE = zone("office", Floor.ADMIN)
ALL = (OPEN, CLOSED, MACHINE, OFFICE)
WIDGETS = Slice("widgets", f"{FAKES}.standard_views")
GIZMOS = Slice("gizmos", f"{FAKES}.shared_names")

Serve = Callable[..., Client]


@pytest.fixture(autouse=True)
def _clean() -> None:
    """Resets limits and counters."""
    redis.client().flushdb()
    views.touched.clear()


@pytest.fixture
def serve(settings: Any) -> Iterator[Serve]:
    """Mount ALL as the site's API, with some zones changed: returns a client that gets failures as answers."""
    made: list[str] = []

    def serve(*changed: Zone, slices: tuple[Slice, ...] = (WIDGETS,)) -> Client:
        by_name = {zone.name: zone for zone in (*ALL, *changed)}
        return client_of(mount(ZoneTable(tuple(by_name.values())), slices))

    def client_of(mounted: Mounted) -> Client:
        from django.urls import include, path

        module = ModuleType(f"zone_test_urls_{len(made)}_{id(mounted)}")
        module.__dict__.update(
            urlpatterns=[path("api/", include(list(mounted.patterns)))],
            handler400=problems.bad_request,
            handler403=problems.permission_denied,
            handler404=problems.not_found,
            handler500=problems.server_error,
        )
        sys.modules[module.__name__] = module
        made.append(module.__name__)
        settings.ROOT_URLCONF = module.__name__
        return Client(raise_request_exception=False)

    yield serve
    for name in made:
        del sys.modules[name]


@pytest.fixture
def installed(settings: Any, monkeypatch: pytest.MonkeyPatch, serve: Serve) -> Iterator[None]:
    """ALL over the slice of the tests, as if it were the project's own table."""
    settings.ZONES = f"{__name__}.ALL"
    monkeypatch.setattr("apps.common.slices.installed", lambda: (WIDGETS,))
    forget = mounting.mounted.cache_clear
    forget()
    serve()
    yield
    forget()


def but(original: Zone, **changes: Any) -> Zone:
    """A zone with changes."""
    return replace(original, **changes)
