"""The test kit: callers of each zone, time, pushed frames and events, as a slice's tests use them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpRequest, JsonResponse
from django.test import Client
from django.urls import path
from django.utils import timezone
from time_machine import TimeMachineFixture
from zeal import NPlusOneError

from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import PASSWORD, AdminFactory, UserFactory, session_for
from apps.users.models import Session, User
from config.env import BASE_DIR
from infrastructure import realtime

pytestmark = pytest.mark.django_db


def addresses(request: HttpRequest, kind: str) -> JsonResponse:
    """The addresses of the users of all sessions."""
    sessions = Session.objects.select_related("user") if kind == "joined" else Session.objects.all()
    return JsonResponse({"addresses": [session.user.email for session in sessions.order_by("id")]})


urlpatterns = [path("<str:kind>/", addresses)]


def test_each_zone_has_a_caller(
    public: Api, private: Callable[[User], Api], admin: Callable[[User], Api], service: Any, user: User
) -> None:
    boss = AdminFactory.create()
    assert public.post("auth/login/", {"email": user.email, "password": PASSWORD}).status_code == 200
    assert private(user).get("users/me/").json()["id"] == str(user.pk)
    assert admin(boss).get(f"users/{user.pk}/").json()["email"] == user.email
    assert service().get(f"users/{user.pk}/").json()["id"] == str(user.pk)
    assert code_of(service("api:internal:v1:users:other").get(f"users/{user.pk}/")) == (403, "out_of_scope")
    assert code_of(private(user).get("/api/admin/v1/users/")) == (403, "permission_denied")


def test_time_moves_for_tokens(
    private: Callable[[User], Api], user: User, time_machine: TimeMachineFixture
) -> None:
    api = private(user)
    assert api.get("users/me/").status_code == 200
    time_machine.move_to(timezone.now() + timedelta(minutes=11))
    assert code_of(api.get("users/me/")) == (401, "token_expired")


def test_pushed_frames_are_collected_after_the_commit(
    pushed: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    user_id = uuid4()
    with django_capture_on_commit_callbacks(execute=True):
        realtime.push_to_user(user_id, {"type": "notification"})
        assert pushed == []
    assert pushed == [(f"user:{user_id}", {"type": "notification"})]


def test_events_are_relayed_and_their_mails_returned(public: Api, relay: Callable[[], list[Any]]) -> None:
    body = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}
    assert public.post("auth/register/", body).status_code == 201
    assert [(mail.to, mail.subject[:7]) for mail in relay()] == [(["ada@example.com"], "Welcome")]
    assert relay() == []


def test_related_rows_that_are_loaded_one_by_one_fail_the_request(client: Client, settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    users = [UserFactory.create() for _ in range(3)]
    for one in users:
        session_for(one)
    assert sorted(client.get("/joined/").json()["addresses"]) == sorted(one.email for one in users)
    with pytest.raises(NPlusOneError, match=r"users\.Session\.user at .*test_testing_kit\.py"):
        client.get("/lazy/")


def test_images_leave_it_out() -> None:
    assert "apps/common/testing" in (BASE_DIR / ".dockerignore").read_text(encoding="utf-8").splitlines()
