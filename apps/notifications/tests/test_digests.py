"""Digests: one mail per user and period about new unread notifications, and the link to unsubscribe."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.common.testing.events import tasks_of
from apps.common.testing.users import UserFactory
from apps.notifications import services, tasks
from apps.notifications.models import Inbox, Notification, RemovedNotification
from apps.notifications.services import digests
from apps.users.events import UserErased
from infrastructure.email import EmailDeliveryError

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
PUBLIC = "/api/public/v1/notifications/unsubscribe/"


def tell(user: Any, title: str = "Hello", **more: Any) -> None:
    services.notify(user_id=user.pk, kind="test.kind", title=title, **more)


def test_a_daily_digest_contains_new_unread_notifications() -> None:
    ada = UserFactory.create(name="Ada")
    tell(ada, "Grace <mentioned> you", body="a & b", link="/#/rooms/moor")
    assert services.due_for_digest(now=MONDAY) == [ada.pk]
    assert services.send_digest(user_id=ada.pk, now=MONDAY)
    assert not services.send_digest(user_id=ada.pk, now=MONDAY)
    (sent,) = mail.outbox
    assert (sent.subject, sent.to) == ("1 unread notification", [ada.email])
    assert "Grace <mentioned> you\n  a & b\n  http://127.0.0.1:8000/#/rooms/moor" in sent.body
    assert isinstance(sent, EmailMultiAlternatives)
    html = str(sent.alternatives[0][0])
    assert "Grace &lt;mentioned&gt; you" in html and "<mentioned>" not in html
    tomorrow = MONDAY + timedelta(days=1)
    assert services.due_for_digest(now=tomorrow) == []  # unread, but not new
    tell(ada)
    assert services.due_for_digest(now=MONDAY) == []  # the digest of this day was sent
    assert services.due_for_digest(now=tomorrow) == [ada.pk]
    services.mark_all_read(actor_id=ada.pk)
    assert services.due_for_digest(now=tomorrow) == []
    assert not services.send_digest(user_id=ada.pk, now=tomorrow)
    assert len(mail.outbox) == 1


def test_digests_can_be_weekly_or_off() -> None:
    ada, grace = UserFactory.create(), UserFactory.create()
    for user, digest in ((ada, "weekly"), (grace, "never")):
        services.set_preferences(actor_id=user.pk, digest=digest)
        tell(user)
    assert services.due_for_digest(now=MONDAY) == [ada.pk]
    assert services.send_digest(user_id=ada.pk, now=MONDAY)
    assert not services.send_digest(user_id=grace.pk, now=MONDAY)
    tell(ada)
    assert services.due_for_digest(now=MONDAY + timedelta(days=6)) == []
    assert services.due_for_digest(now=MONDAY + timedelta(days=7)) == [ada.pk]
    assert digests.period_of("weekly", datetime(2027, 1, 1, tzinfo=UTC)) == "2026-W53"


def test_long_digests_are_truncated_and_sent_to_verified_addresses_only() -> None:
    ada, grace = UserFactory.create(), UserFactory.create(email_verified_at=None)
    for number in range(22):
        tell(ada, str(number))
    tell(grace)
    assert services.send_digest(user_id=ada.pk)
    assert not services.send_digest(user_id=grace.pk)
    (sent,) = mail.outbox
    assert sent.subject == "22 unread notifications"
    assert "and 2 more" in sent.body


def test_a_failed_mail_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = UserFactory.create()
    tell(ada)

    def away(**_: Any) -> None:
        raise EmailDeliveryError

    with monkeypatch.context() as patched:
        patched.setattr("infrastructure.email.send", away)
        with pytest.raises(EmailDeliveryError):
            services.send_digest(user_id=ada.pk)
    assert Inbox.objects.get().digested_for == ""
    tasks.send_digest(user_id=str(ada.pk))
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = UserFactory.create()
    tell(ada)
    sending, sent_by_other = threading.Event(), threading.Event()
    mails: list[str] = []

    def slow(*, to: str, **_: Any) -> None:
        mails.append(to)
        sending.set()
        assert sent_by_other.wait(10)

    monkeypatch.setattr("infrastructure.email.send", slow)
    outcomes: list[bool] = []

    def work() -> None:
        outcomes.append(services.send_digest(user_id=ada.pk))
        connection.close()

    first = threading.Thread(target=work)
    first.start()
    assert sending.wait(10)
    assert services.send_digest(user_id=ada.pk) is False  # the other worker is sending it
    tell(ada)  # does not wait for the mail
    sent_by_other.set()
    first.join(10)
    assert (outcomes, mails, services.send_digest(user_id=ada.pk)) == ([True], [ada.email], False)


def test_the_schedule_starts_a_task_for_each_user(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(tasks.send_digest, "delay", lambda *, user_id: asked.append(user_id))
    ada = UserFactory.create()
    tell(ada)
    UserFactory.create()
    tasks.send_digests()
    assert asked == [str(ada.pk)]


def test_the_link_of_a_digest_unsubscribes() -> None:
    ada = UserFactory.create()
    tell(ada)
    services.send_digest(user_id=ada.pk)
    found = re.search(r"/notifications/unsubscribe/\?token=(\S+)", str(mail.outbox[0].body))
    assert found is not None
    token = found[1]
    assert f"?token={token}>" in mail.outbox[0].extra_headers["List-Unsubscribe"]
    for wrong in ("", "x", token[:-1] + ("A" if token[-1] != "A" else "B"), token.replace("-", "_", 1)):
        answer = Client().post(PUBLIC, {"token": wrong}, content_type="application/json")
        assert answer.status_code == 400
    assert Inbox.objects.get().digest == "daily"
    form = "application/x-www-form-urlencoded"
    one_click = Client().post(f"{PUBLIC}?token={token}", "List-Unsubscribe=One-Click", content_type=form)
    assert (one_click.status_code, Inbox.objects.get().digest) == (204, "never")
    assert Client().post(PUBLIC, {"token": token}, content_type="application/json").status_code == 204


def test_the_page_of_the_link_asks_before_it_unsubscribes() -> None:
    ada = UserFactory.create()
    tell(ada)
    token = digests.unsubscribe_token(ada.pk)
    client = Client(enforce_csrf_checks=True)
    page = client.get("/notifications/unsubscribe/", {"token": token})
    assert (page.status_code, Inbox.objects.get().digest) == (200, "daily")
    assert b"Unsubscribe" in page.content
    assert client.post("/notifications/unsubscribe/", {"token": token}).status_code == 403
    secret = page.cookies["csrftoken"].value
    done = client.post("/notifications/unsubscribe/", {"token": token, "csrfmiddlewaretoken": secret})
    assert (done.status_code, Inbox.objects.get().digest) == (200, "never")
    assert b"Done" in done.content
    assert client.get("/notifications/unsubscribe/", {"token": "x"}).status_code == 400
    unknown = digests.unsubscribe_token(uuid4())
    lost = client.post("/notifications/unsubscribe/", {"token": unknown, "csrfmiddlewaretoken": secret})
    assert lost.status_code == 400


def test_old_notifications_and_those_of_erased_accounts_are_deleted() -> None:
    ada, grace = UserFactory.create(), UserFactory.create()
    for user in (ada, ada, grace):
        tell(user)
    now = timezone.now()
    services.mark_all_read(actor_id=ada.pk, up_to=1, now=now)
    assert services.delete_old_notifications(now=now + timedelta(days=31)) == 1
    assert services.delete_old_notifications(now=now + timedelta(days=181)) == 2
    tell(grace, key="test:1")
    assert Notification.objects.get().seq == 2
    services.retract(keys=["test:1"])
    assert RemovedNotification.objects.get().seq == 2
    assert services.delete_old_notifications(now=now + timedelta(days=179)) == 0
    assert services.delete_old_notifications(now=now + timedelta(days=181)) == 1
    tell(grace, key="test:2")
    services.retract(keys=["test:2"])
    arguments = tasks_of(UserErased(user_id=grace.pk))["apps.notifications.tasks.forget_user"]
    assert arguments == {"user_id": str(grace.pk)}
    tasks.forget_user(**arguments)
    assert not Inbox.objects.filter(pk=grace.pk).exists()
    assert not RemovedNotification.objects.exists()
    tasks.delete_old()
