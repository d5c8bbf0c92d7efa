"""Every URL that the resolver knows × every sort of caller: the zone table alone decides which callers are admitted.

The expectation is derived from the table, never from the views. A path below /api/ that is in no zone fails the test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, get_resolver

from apps.api import services
from apps.api.zones import mounting
from apps.api.zones import table as zones
from apps.api.zones.routes import leaves
from apps.api.zones.table import Docs, Floor, Zone
from apps.common.testing.users import AdminFactory, UserFactory, access_token_for, pair_for, session_for
from apps.users import selectors
from apps.users.models import Session, User

pytestmark = pytest.mark.django_db

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")
# Values for converters and expressions so that the route matches.
SAMPLES = {
    "uuid": "0190a5b2-7c1e-7d3a-8b4f-123456789abc",
    "int": "1",
    "str": "lobby",
    "slug": "lobby",
    "path": "a/b",
}


@dataclass(frozen=True)
class Endpoint:
    """One path below /api/, and its view."""

    path: str
    zone: Zone | None
    kind: str


def sample(route: str) -> str:
    filled = re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES[found[1] or "str"], route)
    return "/" + re.sub(r"\(\?P<\w+>[^)]*\)", "1", filled)


def endpoints() -> list[Endpoint]:
    table = {zone.name: zone for zone in zones.table()}
    found = []
    for leaf in leaves(get_resolver().url_patterns):
        if not leaf.route.startswith("api/"):
            continue
        zone = table.get(leaf.route.split("/")[1])
        route = leaf.route.replace(".*", "no/such/thing")
        kind = "index" if zone is None else ("docs" if is_docs(leaf.pattern) else "route")
        found.append(Endpoint(sample(route), zone, kind))
    return found


def is_docs(pattern: URLPattern) -> bool:
    return not hasattr(pattern.callback, "guard")


def credentials() -> dict[str, str]:
    """One of each kind."""
    user: User = UserFactory()  # type: ignore[assignment]
    admin: User = AdminFactory()  # type: ignore[assignment]
    ended = session_for(user)
    dead = selectors.access_tokens().issue(user.pk, ended.pk, settings.ACCESS_TOKEN_LIFETIME)
    Session.objects.filter(pk=ended.pk).delete()
    expired = selectors.access_tokens().issue(user.pk, session_for(user).pk, timedelta(seconds=-60))
    return {
        "anonymous": "",
        "user": f"Bearer {access_token_for(user)}",
        "admin": f"Bearer {access_token_for(admin)}",
        "service": f"Api-Key {services.create_key(name='matrix', scopes=['*']).plain}",
        "narrow service": f"Api-Key {services.create_key(name='matrix', scopes=['api:none']).plain}",
        "expired": f"Bearer {expired}",
        "ended": f"Bearer {dead}",
        "refresh as access": f"Bearer {pair_for(user).refresh}",
        "garbage": "Bearer garbage",
        "garbage key": "Api-Key garbage.garbage",
    }


def fresh(caller: str, credential: str) -> str:
    """New credentials for admitted callers: a call may end its session or account."""
    factory = {"user": UserFactory, "admin": AdminFactory}.get(caller)
    return f"Bearer {access_token_for(factory())}" if factory else credential  # type: ignore[arg-type]


def expected(endpoint: Endpoint, caller: str) -> set[int] | None:
    """The only statuses that the table allows; None: the caller is admitted, and the view decides."""
    zone = endpoint.zone
    if zone is None or (endpoint.kind == "docs" and zone.docs is Docs.OPEN):
        return None
    reads_bearer, reads_key = "bearer" in zone.authentication, "service" in zone.authentication
    if caller in ("expired", "ended", "refresh as access", "garbage"):
        caller = "bad" if reads_bearer else "anonymous"
    elif (caller in ("user", "admin") and not reads_bearer) or ("service" in caller and not reads_key):
        caller = "anonymous"
    elif caller == "garbage key":
        caller = "bad" if reads_key else "anonymous"
    if caller == "bad":
        return {401}
    if zone.floor is Floor.ANYONE:
        return None
    if caller == "anonymous":
        return {401}
    if caller == "narrow service":
        return {403}
    admitted = {
        Floor.USER: {"user", "admin"},
        Floor.ADMIN: {"admin"},
        Floor.SERVICE: {"service"},
    }[zone.floor]
    return None if caller in admitted else {403}


def test_every_url_answers_every_caller_by_the_zone_table() -> None:
    client = Client(raise_request_exception=False)
    everywhere, callers = endpoints(), credentials()
    assert len(everywhere) > len(mounting.mounted().endpoints)
    wrong: list[object] = []
    calls = 0
    for endpoint in everywhere:
        for caller, credential in callers.items():
            allowed = expected(endpoint, caller)
            inside = allowed is None and endpoint.zone is not None and endpoint.zone.floor is not Floor.ANYONE
            for method in ("GET", "HEAD") if endpoint.kind == "docs" else METHODS:
                calls += 1
                shown = fresh(caller, credential) if inside and endpoint.kind == "route" else credential
                response = client.generic(
                    method,
                    endpoint.path,
                    headers={"Authorization": shown} if shown else {},
                    # Refused calls are counted by address; this test makes many.
                    REMOTE_ADDR=f"198.18.{calls // 250}.{calls % 250}",
                )
                status = response.status_code
                if (
                    status >= 500
                    or (allowed is not None and status not in allowed)
                    or (inside and status == 401)
                ):
                    wrong.append((method, endpoint.path, caller, status, allowed))
                if status == 401:
                    challenge = endpoint.zone.challenge if endpoint.zone else "Bearer"
                    assert response.headers["WWW-Authenticate"] == challenge
                if status >= 400 and method != "HEAD":
                    assert response.headers["Content-Type"] == "application/problem+json", endpoint.path
    assert wrong == []
    assert calls > 2000


def test_the_shipped_zones_are_those_of_the_contract() -> None:
    table = {zone.name: zone for zone in zones.table()}
    assert {name: (zone.floor, zone.docs, zone.exposed) for name, zone in table.items()} == {
        "public": (Floor.ANYONE, Docs.OPEN, True),
        "private": (Floor.USER, Docs.FLOOR, True),
        "internal": (Floor.SERVICE, Docs.FLOOR, False),
        "admin": (Floor.ADMIN, Docs.FLOOR, True),
    }
    assert table["public"].rates == ("120/minute",)
    assert table["internal"].challenge == "Api-Key"


def test_the_projects_own_table_passes_its_audit_and_validation() -> None:
    from apps.api.commands import audit, schemas, validate

    def silent(step: str) -> None:
        """Shows no progress."""

    report = validate.validate(silent)
    assert report.findings == []
    found = audit.audit(mounting.mounted(), silent)
    assert found.findings == []
    committed = schemas.check_schemas(mounting.mounted())
    assert committed.findings == []


def test_garbage_tokens_are_throttled() -> None:
    client = Client()
    zone = zones.table().get("private")
    limit = int(zone.refused_rates[0].partition("/")[0])
    statuses = [
        client.get("/api/private/v1/users/me/", headers={"Authorization": f"Bearer {number}"}).status_code
        for number in range(limit + 20)
    ]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert set(statuses) == {401, 429}
    user: User = UserFactory()  # type: ignore[assignment]
    headers = {"Authorization": f"Bearer {access_token_for(user)}"}
    assert client.get("/api/private/v1/users/me/", headers=headers).status_code == 200
