"""Protection of the admin site: second factor, limits, idle sessions, audit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session as CookieSession
from django.test import Client
from django.utils import timezone

from apps.common import tasks
from apps.common.models import AuditEvent, OutboxEvent
from apps.common.testing.users import PASSWORD, AdminFactory, UserFactory
from apps.users.models import SecondFactor, User
from apps.users.tests.test_second_factor import code, enrolled

pytestmark = pytest.mark.django_db
SIGN_IN = "/admin/login/?next=/admin/"


@pytest.fixture
def boss() -> User:
    return AdminFactory.create()


@pytest.fixture
def site(client: Client, boss: User) -> Client:
    assert sign_in(client, boss).status_code == 302
    return client


def sign_in(client: Client, user: User, **values: str) -> Any:
    return client.post(SIGN_IN, {"username": user.email, "password": PASSWORD, **values})


def audited(*actions: str) -> list[tuple[str, str, str, Any]]:
    rows = AuditEvent.objects.filter(action__in=actions).order_by("id")
    return list(rows.values_list("action", "target", "target_id", "details"))


class TestSecondFactor:
    def test_an_account_with_one_needs_a_code(self, client: Client, boss: User) -> None:
        enrolled(boss)
        page = client.get(SIGN_IN).content
        assert b'name="second_factor"' in page and b"one-time-code" in page
        for values, words in (({}, b"Enter a code"), ({"second_factor": "000000"}, b"code is wrong")):
            response = sign_in(client, boss, **values)
            assert response.status_code == 200
            assert words in response.content
            assert client.get("/admin/").status_code == 302
        used = code(boss)
        assert sign_in(client, boss, second_factor=used).status_code == 302
        assert client.get("/admin/").status_code == 200
        assert sign_in(Client(), boss, second_factor=used).status_code == 200

    def test_a_recovery_code_is_accepted(self, client: Client, boss: User) -> None:
        recovery = enrolled(boss)[0]
        assert sign_in(client, boss, second_factor=recovery).status_code == 302

    def test_a_required_second_factor_is_enforced(self, client: Client, boss: User, settings: Any) -> None:
        assert sign_in(client, boss).status_code == 302
        settings.ADMIN_SECOND_FACTOR = True
        # Neither with an older cookie.
        assert client.get("/admin/").status_code == 302
        response = sign_in(Client(), boss)
        assert b"asks for a second factor" in response.content
        assert not SecondFactor.objects.exists()


class TestHostileForms:
    @pytest.mark.parametrize(
        "page", ["users/user", "users/session", "common/outboxevent", "common/deadtask", "users/role"]
    )
    @pytest.mark.parametrize("chosen", ["nothing", "\x00"])
    def test_malformed_keys_are_refused(self, site: Client, page: str, chosen: str) -> None:
        if (page, chosen) == ("users/role", "nothing"):
            chosen = "a\x00b"  # the key of a role is any text
        sent = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
        response = site.post(f"/admin/{page}/", sent)
        assert (response.status_code, response["Content-Type"]) == (400, "text/plain")
        assert audited("users.site_changed") == []

    def test_numbers_may_be_too_large(self, site: Client) -> None:
        sent = {"action": "delete_selected", "_selected_action": "9" * 30}
        assert site.post("/admin/django_celery_beat/solarschedule/", sent).status_code == 400

    @pytest.mark.parametrize(
        "query",
        ["name__range=", "scopes=%25", "digest=9", "id__in=1", "name__nothing=1", "prefix__regex=("],
    )
    def test_lists_accept_only_their_own_filters(self, site: Client, query: str) -> None:
        response = site.get(f"/admin/api/servicekey/?{query}")
        assert (response.status_code, response.content) == (400, b"The list is not filtered by this.\n")
        offered = site.get("/admin/users/user/?is_active__exact=1&role__exact=admin&o=1&q=a&p=1")
        assert offered.status_code == 200


class TestLimits:
    def test_of_signing_in(self, boss: User, settings: Any, clean_limits: None) -> None:
        settings.IDENTITY_LIMITS = {"login": {}, "site": {"address": ("2/minute",)}}
        users = [UserFactory.create(), UserFactory.create(), boss]
        answers = [sign_in(Client(), one) for one in users]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert 0 < int(answers[2]["Retry-After"]) <= 66
        assert b"Too many attempts" in answers[2].content
        elsewhere = Client(REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR="192.0.2.1")
        assert sign_in(elsewhere, boss).status_code == 302

    def test_of_pages(self, site: Client, settings: Any, clean_limits: None) -> None:
        settings.SITE_RATES = ("3/minute",)
        answers = [site.get("/admin/users/user/") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[3]["RateLimit-Policy"] == '"site";q=3;w=60'
        assert 0 < int(answers[3]["Retry-After"]) <= 66
        # Anonymous clients are counted by address.
        statuses = [Client().get("/admin/login/").status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]


class TestSessions:
    def seen(self, site: Client, **ago: float) -> None:
        session = site.session
        for key, seconds in ago.items():
            session[key] = timezone.now().timestamp() - seconds
        session.save()

    def test_a_session_ends_when_it_is_idle(self, site: Client, settings: Any) -> None:
        cookie = site.cookies[settings.SESSION_COOKIE_NAME]
        assert cookie["max-age"] == settings.SITE_IDLE_SECONDS
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
        [row] = CookieSession.objects.all()
        assert (
            timedelta(0) < row.expire_date - timezone.now() <= timedelta(seconds=settings.SITE_IDLE_SECONDS)
        )
        before = row.expire_date
        site.get("/admin/")
        row.refresh_from_db()
        assert row.expire_date == before
        self.seen(site, site_seen=120)
        site.get("/admin/")
        row.refresh_from_db()
        assert row.expire_date > before
        CookieSession.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
        assert site.get("/admin/").status_code == 302
        assert CookieSession.objects.count() == 1
        tasks.prune.apply()
        assert not CookieSession.objects.exists()

    def test_a_session_ends_after_a_day_of_work(self, site: Client, settings: Any) -> None:
        self.seen(site, site_since=settings.SITE_SESSION_SECONDS - 5)
        assert site.get("/admin/").status_code == 200
        self.seen(site, site_since=settings.SITE_SESSION_SECONDS + 5)
        assert site.get("/admin/").status_code == 302

    def test_a_session_of_another_sign_in_is_refused(self, client: Client, boss: User) -> None:
        client.force_login(boss)
        assert client.get("/admin/").status_code == 302


class TestAudit:
    def test_signing_in_and_out(self, site: Client, boss: User) -> None:
        site.post("/admin/logout/")
        assert site.get("/admin/").status_code == 302
        sign_in(site, boss, password="wrong and wrong")
        assert audited("users.signed_in", "users.signed_out", "users.sign_in_refused") == [
            ("users.signed_in", "user", str(boss.pk), {"by": "site"}),
            ("users.signed_out", "user", str(boss.pk), {"by": "site"}),
            ("users.sign_in_refused", "user", str(boss.pk), {}),
        ]

    def test_changes_are_audited(self, site: Client, boss: User, user: User) -> None:
        page = f"/admin/users/user/{user.pk}/change/"
        assert site.post(page, {"name": "", "role": "user", "is_active": "on"}).status_code == 200
        assert audited("users.site_changed") == []
        assert site.post(page, {"name": "Ada", "role": "user", "is_active": "on"}).status_code == 302
        event = OutboxEvent.objects.create(name="widgets.raised", dead_at=timezone.now())
        chosen = {"action": "replay", "_selected_action": [str(event.pk)]}
        assert site.post("/admin/common/outboxevent/", chosen).status_code == 302
        assert audited("users.site_changed") == [
            ("users.site_changed", "users_user", str(user.pk), {"page": "users_user_change"}),
            (
                "users.site_changed",
                "page",
                "",
                {
                    "page": "common_outboxevent_changelist",
                    "action": "replay",
                    "count": 1,
                    "chosen": [str(event.pk)],
                },
            ),
        ]
        assert set(
            AuditEvent.objects.filter(action="users.site_changed").values_list("actor_id", flat=True)
        ) == {boss.pk}

    def test_posts_of_outsiders_change_and_audit_nothing(self, client: Client, user: User) -> None:
        page = f"/admin/users/user/{user.pk}/change/"
        assert client.post(page, {"name": "Ada", "role": "admin"}).status_code == 302
        assert audited("users.site_changed") == []
        user.refresh_from_db()
        assert user.role == "user"

    def test_the_log_is_shown(self, site: Client, boss: User) -> None:
        page = site.get("/admin/common/auditevent/?action=users.signed_in")
        assert str(boss.pk).encode() in page.content
        [row] = AuditEvent.objects.all()
        assert site.get(f"/admin/common/auditevent/{row.pk}/change/").status_code == 200
        assert site.post(f"/admin/common/auditevent/{row.pk}/delete/", {"post": "yes"}).status_code == 403
        assert AuditEvent.objects.count() == 1
