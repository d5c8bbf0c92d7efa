"""Each mistake of a table is one error with zone, slice and remedy; none is mounted."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.urls import include, path, re_path
from django.views import View

from apps.api.tests.conftest import ALL, CLOSED, FAKES, GIZMOS, OPEN, WIDGETS, but
from apps.api.zones import checks
from apps.api.zones.mounting import mount
from apps.api.zones.table import Cors, Version, ZoneTable
from apps.api.zones.validation import find_mistakes
from apps.common.http import operation as operations
from apps.common.slices import Slice

V1, V2 = Version(name="v1"), Version(name="v2")


def view(request):
    return HttpResponse("ok")


class Page(View):
    """A class where a view belongs."""


class Thing(operations.View, tag="things"):
    @operations.operation("thing", "Read a thing")
    def get(self, request, number):
        """Its route brings a number."""


class Made(Slice):
    """A slice with the routes that a test gives it."""

    __slots__ = ("made",)

    def module(self, name):
        return SimpleNamespace(zones=self.made) if name == "urls" else None


def made(label="made", **zones):
    slice_ = Made(label, f"{FAKES}.made")
    object.__setattr__(slice_, "made", {name.replace("__", "/"): routes for name, routes in zones.items()})
    return slice_


def alone(**changes):
    """A zone for the slice `made`."""
    return replace(CLOSED, **{"slices": ("made",), "versions": (V1,), **changes})


GOOD = [path("x/", view, name="x")]


def found(zones, slices):
    mistakes = find_mistakes(zones, slices)
    # Every mistake has a location, a message and a remedy.
    for mistake in mistakes:
        assert mistake.hint.endswith(".")
        assert mistake.message
        for kind in ("zone", "slice"):
            for name in filter(None, getattr(mistake, kind).split(", ")):
                assert f"'{name}'" in str(mistake)
    return [(mistake.id, mistake.zone, mistake.slice) for mistake in mistakes]


def test_a_table_is_frozen() -> None:
    for wrong in (lambda: setattr(OPEN, "floor", CLOSED.floor), lambda: setattr(V1, "name", "v3")):
        with pytest.raises(FrozenInstanceError):
            wrong()


def test_a_valid_table_has_no_mistakes() -> None:
    assert found(ALL, (WIDGETS,)) == []
    assert found((but(OPEN, slices=("widgets", "gizmos")), *ALL[1:]), (GIZMOS, WIDGETS)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "Closed"}, "E002"),
        ({"name": "clo sed"}, "E002"),
        ({"name": "x--y"}, "E002"),
        ({"name": ""}, "E002"),
        ({"name": "a" * 33}, "E002"),
        ({"name": "problems"}, "E002"),
        ({"name": "v1"}, "E002"),
        ({"title": " "}, "E018"),
        ({"description": ""}, "E018"),
        ({"versions": ()}, "E004"),
        ({"versions": ("v1",)}, "E004"),
        ({"versions": (Version(name="1.0"),)}, "E004"),
        ({"versions": (V1, V1)}, "E004"),
        ({"versions": (V2, V1)}, "E004"),
        ({"versions": (Version(name="v1", sunset=date(2030, 1, 1)),)}, "E004"),
        ({"versions": (Version(name="v1", deprecated=date(2030, 1, 2), sunset=date(2030, 1, 1)),)}, "E004"),
        ({"authentication": ("palm reading",)}, "E012"),
        ({"authentication": ()}, "E013"),
        ({"floor": "user"}, "E013"),
        ({"docs": "open"}, "E013"),
        ({"rates_by": "caller"}, "E013"),
        ({"rates": ()}, "E014"),
        ({"rates": ("often",)}, "E014"),
        ({"refused_rates": ("1/fortnight",)}, "E014"),
        ({"cors": Cors(origins=("app.example",))}, "E015"),
        ({"cors": Cors(origins=("https://app.example/path",))}, "E015"),
        ({"middleware": ("nowhere.hook",)}, "E016"),
        ({"middleware": (f"{FAKES}.broken.urls.hook",)}, "E016"),
        ({"middleware": (f"{FAKES}.standard_views.views.touched",)}, "E016"),
        ({"title": None}, "E023"),
        ({"slices": "made"}, "E023"),
        ({"authentication": "bearer"}, "E023"),
        ({"rates": "60/minute"}, "E023"),
        ({"refused_rates": ["60/minute"]}, "E023"),
        ({"middleware": (print,)}, "E023"),
        ({"versions": [V1]}, "E023"),
        ({"cors": ("https://app.example",)}, "E023"),
        ({"cors": Cors(origins=cast("Any", ["https://app.example"]))}, "E023"),
        ({"exposed": "no"}, "E023"),
    ],
)
def test_mistakes_of_a_zone(changes, expected) -> None:
    zone = alone(**{key: value for key, value in changes.items() if key != "versions"})
    zone = replace(zone, versions=changes.get("versions", zone.versions))
    mistakes = find_mistakes((zone,), (made(**{zone.name or "none": GOOD}),))
    ours = [mistake for mistake in mistakes if mistake.id == expected]
    assert len(ours) == 1
    assert ours[0].zone == zone.name
    assert ours[0].hint
    # Nothing else is wrong, except that a slice cannot offer routes to a zone without a name.
    assert {mistake.id for mistake in mistakes} - {"E008", "E009"} == {expected}


def test_invalid_tables_are_reported() -> None:
    assert found((), ()) == [("E001", "", "")]
    assert found(("private",), ()) == [("E001", "", "")]


def test_two_zones_of_one_name() -> None:
    assert found((alone(), alone()), (made(closed=GOOD),)) == [("E003", "closed", "")]


def test_unknown_duplicate_broken_and_empty_slices_are_reported() -> None:
    zone = alone()
    assert found((replace(zone, slices=("made", "ghost")),), (made(closed=GOOD),)) == [
        ("E005", "closed", "ghost")
    ]
    assert found((replace(zone, slices=("made", "made")),), (made(closed=GOOD),)) == [
        ("E006", "closed", "made")
    ]
    twins = (made(closed=GOOD), made(closed=GOOD))
    assert found((zone,), twins) == [("E006", "closed", "made")]
    broken = Slice("broken", f"{FAKES}.broken")
    mistakes = find_mistakes((replace(zone, slices=("made", "broken")),), (broken, made(closed=GOOD)))
    assert [(mistake.id, mistake.zone, mistake.slice) for mistake in mistakes] == [
        ("E007", "closed", "broken")
    ]
    assert str(mistakes[0]).startswith("zone 'closed' slice 'broken': Its urls cannot be imported")
    everywhere = (replace(zone, slices=("broken",)), replace(zone, name="other", slices=("broken",)))
    assert found(everywhere, (broken,)) == [("E007", "closed, other", "broken")]
    assert "RuntimeError: the quarry is closed" in mistakes[0].message
    bare = Slice("bare", f"{FAKES}.no_routes")
    assert found((replace(zone, slices=("made", "bare")),), (bare, made(closed=GOOD))) == [
        ("E008", "closed", "bare")
    ]


def test_routes_that_no_zone_takes() -> None:
    assert found((alone(),), (made(closed=GOOD, secret=GOOD),)) == [("E009", "", "made")]
    assert found((alone(),), (made("other", closed=GOOD), made(closed=GOOD))) == [("E009", "closed", "other")]
    assert found((alone(),), (made(closed=GOOD, closed__v2=GOOD),)) == [("E020", "closed", "made")]


@pytest.mark.parametrize(
    ("routes", "expected", "words"),
    [
        ([path("x/", view, name="a"), path("x/", view, name="b")], "E010", "mounted 2 times"),
        ([path("<uuid:a>/", view, name="a"), path("<uuid:b>/", view, name="b")], "E010", "mounted 2 times"),
        ([path("x/", view, name="a"), re_path(r"^x/$", view, name="b")], "E010", "mounted 2 times"),
        ([path("<str:any>/", view, name="a"), path("me/", view, name="b")], "E010", "hidden by '<str:any>/'"),
        ([path("a/", view, name="same"), path("b/", view, name="same")], "E011", "'a/', 'b/'"),
        ([path("a/", view)], "E011", "no name"),
        ([path("", view, name="root")], "E021", "taken by the router"),
        ([path("schema.yaml", view, name="mine")], "E021", "taken by the router"),
        ([path("/x/", view, name="x")], "E021", "begins with a slash"),
        ([path("x/", cast("Any", Page), name="x")], "E017", "the class Page"),
        (
            [path("in/", include([path("x/", view, name="a")])), path("in/x/", view, name="b")],
            "E010",
            "2 times",
        ),
        (
            [path("x/<uuid:pk>/", Thing.as_view(), name="x")],
            "E024",
            "brings 'pk'; 'thing' takes 'number'",
        ),
        ([path("x/", Thing.as_view(), name="x")], "E024", "brings no parameters"),
        ([path("x/<number>/<uuid:more>/", Thing.as_view(), name="x")], "E024", "brings 'more', 'number'"),
    ],
)
def test_mistakes_of_routes(routes, expected, words) -> None:
    mistakes = find_mistakes((alone(),), (made(closed=routes),))
    assert [(mistake.id, mistake.zone, mistake.slice) for mistake in mistakes] == [
        (expected, "closed", "made")
    ]
    assert words in mistakes[0].message
    assert mistakes[0].hint


@pytest.mark.parametrize("export", [None, [], {"closed": "x"}, {1: []}, {"closed": ["x/"]}])
def test_exports_of_a_wrong_type_are_reported(export) -> None:
    slice_ = made()
    object.__setattr__(slice_, "made", export)
    assert ("E017", "closed", "made") in found((alone(),), (slice_,))


def test_a_route_may_give_its_parameters_in_any_way() -> None:
    routes = [
        path("a/<int:number>/", Thing.as_view(), name="a"),
        path("b/<number>/", include([path("c/", Thing.as_view(), name="b")])),
        re_path(r"^d/(?P<number>[0-9]+)/$", Thing.as_view(), name="d"),
        path("e/", Thing.as_view(), {"number": 1}, name="e"),
    ]
    assert found((alone(),), (made(closed=routes),)) == []


def test_one_path_of_two_slices() -> None:
    zone = replace(alone(), slices=("made", "other"))
    assert found((zone,), (made(closed=GOOD), made("other", closed=GOOD))) == [("E010", "closed", "other")]


def test_a_mistake_of_two_versions_is_reported_once() -> None:
    zone = replace(alone(), versions=(V1, V2))
    assert found((zone,), (made(closed=[path("a/", view)]),)) == [("E011", "closed", "made")]


def test_a_wrong_table_is_not_mounted_and_all_mistakes_are_reported() -> None:
    table = ZoneTable((alone(rates=()), alone(title="")))
    with pytest.raises(ImproperlyConfigured) as refused:
        mount(table, (made(closed=GOOD),))
    words = str(refused.value)
    assert "3 mistakes; nothing is mounted" in words
    assert all(f"api.{id_}" in words for id_ in ("E003", "E014", "E018"))
    assert "zone 'closed': rates is empty" in words


def test_the_checks_report_the_installed_table(settings, monkeypatch) -> None:
    settings.ZONES = "nowhere.ZONES"
    assert [error.id for error in checks.check_zones(None)] == ["api.E001"]
    settings.ZONES = "apps.api.tests.conftest.ALL"
    monkeypatch.setattr("apps.common.slices.installed", lambda: (WIDGETS,))
    assert checks.check_zones(None) == []
    settings.ZONES = "apps.api.tests.test_validation.WRONG"
    errors = checks.check_zones(None)
    assert [error.id for error in errors] == ["api.E005"]
    assert errors[0].hint
    assert errors[0].msg == "zone 'closed' slice 'ghost': There is no such slice."


WRONG = (but(CLOSED, slices=("widgets", "ghost")), OPEN, *ALL[2:])


def test_a_route_outside_of_the_zones_is_found(monkeypatch) -> None:
    mounted = mount(ZoneTable(ALL), (WIDGETS,))
    patterns = [path("api/", include(list(mounted.patterns))), path("elsewhere/", view)]
    monkeypatch.setattr(checks, "get_resolver", lambda: SimpleNamespace(url_patterns=patterns))
    assert checks.check_ownership(None) == []
    patterns.append(path("api/unlisted/", view))
    assert [(error.id, "api/unlisted/" in error.msg) for error in checks.check_ownership(None)] == [
        ("api.E019", True)
    ]


def test_codes_with_two_statuses_are_an_error(monkeypatch) -> None:
    monkeypatch.setattr("apps.api.openapi.error_codes.clashes", lambda: [("same", [409, 410])])
    assert [error.id for error in checks.check_codes(None)] == ["api.E022"]
