"""The bricks narrow what the guard let in, and refuse where no guard ran."""

from types import SimpleNamespace

import pytest
from django.test import RequestFactory
from rest_framework.request import Request

from apps.common.callers import ANONYMOUS, Caller, CallerKind
from apps.common.http.permissions import IsAdmin, IsService, IsUser, IsVerified, ZoneFloor, caller_of

USER = Caller(kind=CallerKind.USER, user=SimpleNamespace(pk=1, is_admin=False, email_verified_at=None))
VERIFIED = Caller(kind=CallerKind.USER, user=SimpleNamespace(pk=1, is_admin=False, email_verified_at=1))
ADMIN = Caller(kind=CallerKind.USER, user=SimpleNamespace(pk=2, is_admin=True, email_verified_at=1))
SERVICE = Caller(kind=CallerKind.SERVICE, service="billing")


def guarded(caller):
    http = RequestFactory().get("/")
    http.zone, http.caller = SimpleNamespace(name="private"), caller
    return Request(http)


@pytest.mark.parametrize(
    ("permission", "admitted"),
    [
        (ZoneFloor, [ANONYMOUS, USER, VERIFIED, ADMIN, SERVICE]),
        (IsUser, [USER, VERIFIED, ADMIN]),
        (IsVerified, [VERIFIED, ADMIN]),
        (IsAdmin, [ADMIN]),
        (IsService, [SERVICE]),
    ],
)
def test_who_passes(permission, admitted):
    for caller in (ANONYMOUS, USER, VERIFIED, ADMIN, SERVICE):
        assert permission().has_permission(guarded(caller), None) is (caller in admitted)


@pytest.mark.parametrize("permission", [ZoneFloor, IsUser, IsVerified, IsAdmin, IsService])
def test_outside_of_zones_nobody_passes(permission):
    http = RequestFactory().get("/")
    assert permission().has_permission(Request(http), None) is False
    http.caller = ADMIN
    assert permission().has_permission(Request(http), None) is False
    assert caller_of(Request(RequestFactory().get("/"))) is ANONYMOUS
