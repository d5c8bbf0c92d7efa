"""The export of all data about a user, for that user alone, without secrets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from apps.common import data_export
from apps.common.models import AuditEvent
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import UserFactory, pair_for
from apps.users.models import Identity, RecoveryCode, SecondFactor, User
from apps.users.tests.test_second_factor import enrolled

pytestmark = pytest.mark.django_db
As = Callable[[User], Api]


def content(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


def test_an_export_is_one_file_of_all_slices(private: As, user: User) -> None:
    user.phone = "5550100"
    user.save()
    Identity.objects.create(user=user, provider="henge", issuer="https://x.example", subject="widget-1")
    UserFactory.create(name="Another user")
    response = private(user).get("users/me/export/")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response["Content-Disposition"] == f'attachment; filename="{user.pk}.json"'
    assert response["Cache-Control"] == "no-store"
    text = content(response)
    data = json.loads(text)
    assert set(data) == set(data_export.exports()) >= {"users"}
    account = data["users"]["account"]
    assert (account["id"], account["email"], account["phone"]) == (str(user.pk), user.email, "5550100")
    assert [row["subject"] for row in data["users"]["identities"]] == ["widget-1"]
    assert len(data["users"]["sessions"]) == 1
    assert data["users"]["change_of_address"] is None
    assert [row["action"] for row in data["users"]["security_events"]] == ["users.exported"]
    assert "Another user" not in text
    assert AuditEvent.objects.get().actor_id == user.pk


def test_an_export_has_no_secret(private: As, user: User) -> None:
    enrolled(user)
    pair = pair_for(user)
    text = content(private(user).get("users/me/export/"))
    factor = SecondFactor.objects.get()
    for secret in (user.password, "argon2", factor.secret, pair.refresh, pair.access):
        assert secret not in text
    assert all(bytes(row.digest).hex() not in text for row in RecoveryCode.objects.all())
    assert "second_factor_since" in text


def test_exports_are_limited(private: As, user: User, settings: Any, clean_limits: None) -> None:
    settings.IDENTITY_LIMITS = {"export": {"account": ("2/hour",)}}
    api = private(user)
    assert [api.get("users/me/export/").status_code for _ in range(3)] == [200, 200, 429]
    assert code_of(api.get("users/me/export/")) == (429, "too_many_attempts")
    assert code_of(Api("private").get("users/me/export/")) == (401, "not_authenticated")


def test_long_parts_are_written_while_they_are_read(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def many() -> Any:
        for number in range(3):
            read.append(number)
            yield {"number": number, "at": timezone.now(), "id": user.pk}

    monkeypatch.setattr(
        data_export, "exports", lambda: {"widgets": lambda _: {"all": many(), "none": iter(())}}
    )
    pieces = data_export.stream(user.pk)
    begun = b""
    while not read:
        begun += next(pieces)
    assert read == [0]
    data = json.loads(begun + b"".join(pieces))
    assert [row["number"] for row in data["widgets"]["all"]] == [0, 1, 2]
    assert data["widgets"]["none"] == []
