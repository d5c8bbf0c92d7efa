"""The default permission requires that a guard ran."""

from types import SimpleNamespace

import pytest
from django.test import RequestFactory
from rest_framework.request import Request

from apps.common.callers import ANONYMOUS, Caller, CallerKind
from apps.common.http.authentication import ZoneFloor

USER = Caller(kind=CallerKind.USER, user=SimpleNamespace(pk=1))
SERVICE = Caller(kind=CallerKind.SERVICE, service="billing")


@pytest.mark.parametrize("caller", [ANONYMOUS, USER, SERVICE])
def test_requests_that_passed_a_guard_are_allowed(caller):
    http = RequestFactory().get("/")
    http.zone, http.caller = SimpleNamespace(name="private"), caller
    assert ZoneFloor().has_permission(Request(http), None)


def test_requests_outside_of_zones_are_refused():
    http = RequestFactory().get("/")
    assert not ZoneFloor().has_permission(Request(http), None)
    http.caller = USER
    assert not ZoneFloor().has_permission(Request(http), None)
