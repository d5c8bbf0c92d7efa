"""Changes of notifications are numbered for each user."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, connection

from apps.common.testing.users import UserFactory
from apps.notifications import services
from apps.notifications.models import Inbox, Notification, RemovedNotification


def notify(user: Any, key: str, **more: Any) -> Any:
    return services.notify(user_id=user.pk, kind="test.kind", title=key, body="once", key=key, **more)


@pytest.mark.django_db
def test_a_revision_and_a_removal_take_the_next_number_with_the_head() -> None:
    ada = UserFactory.create()
    first, second = notify(ada, "test:1"), notify(ada, "test:2")
    services.revise(key="test:1", body="once", keep=[ada.pk])  # the same text
    assert Inbox.objects.get().changes == 0
    services.revise(key="test:1", body="twice", keep=[ada.pk])
    notify(ada, "test:3")
    services.retract(keys=["test:2", "test:0"])
    changed = Notification.objects.values_list("change", "changed_at_head").get(pk=first.pk)
    removed = RemovedNotification.objects.values_list("pk", "seq", "change", "changed_at_head").get()
    assert (changed, removed) == ((1, 2), (second.pk, 2, 2, 3))
    assert Inbox.objects.get().changes == 2


@pytest.mark.django_db
def test_a_revision_removes_the_notifications_of_other_users() -> None:
    ada, grace = UserFactory.create(), UserFactory.create()
    kept, removed = notify(ada, "test:1"), notify(grace, "test:1")
    services.revise(key="test:1", body="twice", keep=[ada.pk])
    assert list(Notification.objects.values_list("pk", "body", "change")) == [(kept.pk, "twice", 1)]
    assert list(RemovedNotification.objects.values_list("pk", "user_id", "change")) == [
        (removed.pk, grace.pk, 1)
    ]


@pytest.mark.django_db(transaction=True)
def test_parallel_changes_take_distinct_numbers_and_do_not_deadlock() -> None:
    users = [UserFactory.create() for _ in range(3)]
    keys = [f"test:{number}" for number in range(40)]
    for number, key in enumerate(keys):
        for user in users if number % 2 else reversed(users):
            notify(user, key)
    ids = [user.pk for user in users]
    calls: list[Callable[[], Any]] = [
        *(partial(services.retract, keys=keys[begin : begin + 5]) for begin in range(0, 20, 5)),
        *(partial(services.revise, key=key, body="twice", keep=ids) for key in keys[20:30]),
        *(partial(services.revise, key=key, body="twice", keep=ids[:1]) for key in keys[30:40]),
        *(partial(notify, user, "test:new") for user in users),
    ]
    barrier, errors = threading.Barrier(len(calls)), []

    def run(call: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            call()
        except DatabaseError as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for user in users:
        inbox = Inbox.objects.get(pk=user.pk)
        changed = Notification.objects.filter(user=user, change__isnull=False).values_list(
            "change", flat=True
        )
        removed = RemovedNotification.objects.filter(user=user).values_list("change", flat=True)
        assert (inbox.head, inbox.changes) == (41, 40)
        assert {*changed, *removed} == set(range(1, 41))


@pytest.mark.django_db
def test_notifications_of_a_removed_slice_are_retracted() -> None:
    ada = UserFactory.create()
    for kind in ("dogs.fed", "dogs2.fed"):
        services.notify(user_id=ada.pk, kind=kind, title=kind, key=kind)
    Inbox.objects.update(muted_kinds=["dogs2.fed", "dogs.fed"])
    services.retract_slice(label="dogs")
    assert list(Notification.objects.values_list("kind", flat=True)) == ["dogs2.fed"]
    assert RemovedNotification.objects.count() == 1
    assert Inbox.objects.get().muted_kinds == ["dogs2.fed"]
