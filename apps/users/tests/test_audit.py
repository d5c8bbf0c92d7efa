"""Events of this slice in the audit log: every change of an account's security, by ids and codes alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail

from apps.common.models import AuditEvent
from apps.common.testing.clients import Api
from apps.common.testing.users import PASSWORD, AdminFactory, caller_for, pair_for
from apps.users import exceptions, services
from apps.users.models import Session, User
from apps.users.tests.test_registration import token_in

pytestmark = pytest.mark.django_db
As = Callable[[User], Api]
Row = tuple[str, Any, str, Any]
Rows = Callable[[], list[Row]]


@pytest.fixture
def rows() -> Callable[[], list[Row]]:
    """Action, actor, target and details of what was written since the last call."""
    seen: set[Any] = set()

    def new() -> list[Row]:
        found = [row for row in AuditEvent.objects.order_by("id") if row.pk not in seen]
        seen.update(row.pk for row in found)
        return [
            (row.action.removeprefix("users."), row.actor_id, row.target_id, row.details) for row in found
        ]

    return new


def test_sign_in_and_out(public: Api, private: As, user: User, rows: Rows) -> None:
    me = str(user.pk)
    public.post("auth/login/", {"email": user.email, "password": "wrong and wrong"})
    public.post("auth/login/", {"email": "nobody@example.com", "password": "wrong and wrong"})
    assert rows() == [("sign_in_refused", None, me, {}), ("sign_in_refused", None, "", {})]
    pair = public.post("auth/login/", {"email": user.email, "password": PASSWORD}).json()
    session = Session.objects.get()
    assert rows() == [("signed_in", user.pk, me, {"by": "password"})]
    for _ in range(2):
        public.post("auth/logout/", {"refresh": pair["refresh"]})
    assert rows() == [("signed_out", user.pk, me, {"session": str(session.pk)})]
    private(user).post("users/me/logout-all/")
    assert rows() == [("signed_out_everywhere", user.pk, me, {})]


def test_ended_sessions(private: As, admin: As, user: User, rows: Rows) -> None:
    boss, me = AdminFactory.create(), str(user.pk)
    for _ in range(3):
        pair_for(user)
    first, second, _ = Session.objects.order_by("id")
    private(user).delete(f"users/me/sessions/{first.pk}/")
    assert rows() == [("session_revoked", user.pk, me, {"session": str(first.pk)})]
    admin(boss).delete(f"users/{user.pk}/sessions/{second.pk}/")
    assert rows() == [("session_revoked", boss.pk, me, {"session": str(second.pk)})]
    admin(boss).delete(f"users/{user.pk}/sessions/")
    assert rows() == [("sessions_revoked", boss.pk, me, {})]
    pair = pair_for(user)
    session = Session.objects.order_by("-id")[0]
    services.refresh(refresh_token=pair.refresh)
    for _ in range(2):
        with pytest.raises(exceptions.RefreshTokenRefused):
            services.refresh(refresh_token=pair.refresh)
    assert rows() == [("refresh_token_reused", None, me, {"session": str(session.pk)})]


def test_passwords_and_addresses(
    public: Api, private: As, user: User, rows: Rows, relay: Callable[[], list[mail.EmailMessage]]
) -> None:
    me, new = str(user.pk), "another circle, far away"
    private(user).post("users/me/password/", {"current_password": PASSWORD, "new_password": new})
    assert rows() == [("password_changed", user.pk, me, {"by": "old password"})]
    public.post("auth/password/reset/", {"email": user.email})
    token = token_in(relay()[-1])
    public.post("auth/password/reset/confirm/", {"token": token, "password": PASSWORD})
    assert rows() == [("password_changed", user.pk, me, {"by": "link"})]
    services.send_welcome_mail(user_id=user.pk)
    public.post("auth/email/verify/", {"token": token_in(mail.outbox[-1])})
    assert rows() == [("email_verified", user.pk, me, {})]


def test_a_refused_change_is_not_audited(private: As, user: User, rows: Rows) -> None:
    private(user).post("users/me/password/", {"current_password": "x", "new_password": "y"})
    assert rows() == []
    with pytest.raises(exceptions.SessionNotFound):
        services.revoke_session(actor=caller_for(user), session_id=user.pk)
    assert rows() == []
