"""One mail for each cause, and one Message-ID for all attempts."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from apps.common import mails
from apps.common.models import SentMail
from infrastructure.email import EmailDeliveryError

CAUSE = UUID(int=7)


def send(**given: Any) -> bool:
    return mails.send_once(
        **{
            "template": "password_changed",
            "cause": CAUSE,
            "to": "ada@example.com",
            "subject": "A note",
            "context": {},
            **given,
        }
    )


@pytest.mark.django_db
def test_a_mail_is_sent_once_for_its_cause(settings: Any) -> None:
    settings.DEFAULT_FROM_EMAIL = "Acme <post@bücher.example>"
    assert [send(), send(), send()] == [True, False, False]
    assert send(cause=UUID(int=8))
    first, second = (message.message()["Message-ID"] for message in mail.outbox)
    assert first == "<password_changed.00000000-0000-0000-0000-000000000007@xn--bcher-kva.example>"
    assert second != first


@pytest.mark.django_db
def test_a_mail_that_failed_is_sent_later_with_the_same_id(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def away(*, message_id: str, **_: Any) -> None:
        tried.append(message_id)
        raise EmailDeliveryError

    with monkeypatch.context() as patched:
        patched.setattr("infrastructure.email.send", away)
        with pytest.raises(EmailDeliveryError):
            send()
    assert not SentMail.objects.exists()
    assert send()
    assert mail.outbox[0].message()["Message-ID"].startswith(f"<{tried[0]}@")


@pytest.mark.django_db(transaction=True)
def test_one_of_two_workers_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    sending, may_end = threading.Event(), threading.Event()
    outcomes: list[bool] = []

    def slow(**_: Any) -> None:
        sending.set()
        assert may_end.wait(10)

    def work() -> None:
        outcomes.append(send())
        connection.close()

    monkeypatch.setattr("infrastructure.email.send", slow)
    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    assert sending.wait(10)
    may_end.set()
    for worker in workers:
        worker.join(10)
    assert sorted(outcomes) == [False, True]


@pytest.mark.django_db
def test_old_marks_are_deleted() -> None:
    now = timezone.now()
    send()
    assert mails.prune(now=now + dt.timedelta(days=29)) == 0
    assert mails.prune(now=now + dt.timedelta(days=31)) == 1
