"""Tables without models: export and erasure of accounts follow their register."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection

from apps.common import data_export, events
from apps.common.testing.users import UserFactory
from apps.removed import services, tables
from apps.removed.events import FolderLeft
from apps.removed.types import KeptSlice, KeptTable
from apps.users.events import UserErased
from apps.users.models import User
from infrastructure.storage import store

pytestmark = pytest.mark.django_db

# Walks belong to a dog; a dog may have a parent, and a walk a guide. `dogs_toy` is not in the database.
KEPT = KeptSlice(
    folders=("dogs",),
    tables=(
        KeptTable(
            name="dogs_dog",
            key="id",
            columns=("id", "name", "weight"),
            accounts=("owner_id",),
            mentions=("about_id",),
            parents=(("mother_id", "dogs_dog"),),
        ),
        KeptTable(
            name="dogs_walk",
            key="id",
            columns=("place",),
            parents=(("dog_id", "dogs_dog"), ("before_id", "dogs_walk")),
            references=(("guide_id", "users_user"), ("friend_id", "dogs_dog")),
        ),
        KeptTable(name="dogs_toy", key="id", columns=("id",), accounts=("owner_id",)),
        KeptTable(name="dogs_breed", key="id", columns=("id",)),
    ),
)
SCHEMA = """
CREATE TABLE dogs_breed (id int PRIMARY KEY);
CREATE TABLE dogs_dog (
    id int PRIMARY KEY, owner_id uuid REFERENCES users_user DEFERRABLE INITIALLY DEFERRED, about_id uuid, name text,
    weight numeric, file text, mother_id int REFERENCES dogs_dog DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE dogs_walk (
    id int PRIMARY KEY, dog_id int REFERENCES dogs_dog, guide_id uuid REFERENCES users_user,
    friend_id int REFERENCES dogs_dog, before_id int REFERENCES dogs_walk, place text
);
"""


@pytest.fixture(autouse=True)
def _register(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "register", lambda: {"dogs": KEPT})
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA)


@pytest.fixture
def ada() -> User:
    return UserFactory.create()


@pytest.fixture(autouse=True)
def _no_files() -> Iterator[None]:
    yield
    for key in files():
        storages["private"].delete(f"dogs/{key}")


def files() -> list[str]:
    try:
        return sorted(storages["private"].listdir("dogs")[1])
    except FileNotFoundError:
        return []


def add(table: str, **values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})",
            [*values.values()],
        )


def rows(query: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def exported(user_id: UUID) -> object:
    return orjson.loads(b"".join(data_export.stream(user_id)))["dogs"]


def test_an_export_has_rows_of_the_account_and_those_that_go_with_them(ada: User) -> None:
    add("dogs_dog", id=1, owner_id=ada.pk, name="Rex", weight="12.5")
    add("dogs_dog", id=2, owner_id=UserFactory.create().pk, about_id=ada.pk, name="Max", weight=3)
    add("dogs_walk", id=1, dog_id=1, place="wood")
    add("dogs_walk", id=2, dog_id=2, guide_id=ada.pk, place="lake")
    assert exported(ada.pk) == {
        "dogs_dog": [{"id": 1, "name": "Rex", "weight": 12.5}],
        "dogs_walk": [{"place": "wood"}],
        "dogs_breed": [],
    }


def test_an_erasure_deletes_rows_of_the_account_with_what_goes_with_them(ada: User) -> None:
    grace = UserFactory.create()
    add("dogs_dog", id=1, owner_id=ada.pk)
    add("dogs_dog", id=2, owner_id=grace.pk, mother_id=1)
    add("dogs_dog", id=3, owner_id=grace.pk, about_id=ada.pk)
    add("dogs_dog", id=4, owner_id=grace.pk)
    add("dogs_walk", id=1, dog_id=2)
    add("dogs_walk", id=2, dog_id=4, guide_id=ada.pk, friend_id=1)
    add("dogs_walk", id=3, dog_id=4, before_id=1)
    assert services.forget_user(user_id=ada.pk) == 5
    assert rows("SELECT id FROM dogs_dog") == [(4,)]
    assert rows("SELECT id, guide_id, friend_id FROM dogs_walk") == [(2, None, None)]
    assert services.forget_user(user_id=ada.pk) == 0


def test_rows_that_go_with_each_other_are_deleted_together(ada: User) -> None:
    add("dogs_dog", id=1, owner_id=ada.pk, mother_id=2)
    add("dogs_dog", id=2, owner_id=UserFactory.create().pk, mother_id=1)
    assert services.forget_user(user_id=ada.pk) == 2
    assert rows("SELECT count(*) FROM dogs_dog") == [(0,)]


def test_more_rows_than_one_transaction_deletes_are_all_deleted(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_BATCH", 2)
    for number in range(5):
        add("dogs_dog", id=number, owner_id=ada.pk)
    assert services.forget_user(user_id=ada.pk) == 5


def test_private_files_go_with_their_rows_and_others_stay(ada: User) -> None:
    for key in ("hers", "mine"):
        store.save("private", f"dogs/{key}", ContentFile(b"x"))
    add("dogs_dog", id=1, owner_id=ada.pk, file="dogs/hers", name="cats/mine")
    services.forget_user(user_id=ada.pk)
    assert files() == ["mine"]
    assert services.delete_folder(folder="dogs") == 1
    assert files() == []
    assert services.delete_folder(folder="dogs") == 0


@pytest.mark.parametrize(
    ("event", "handler", "arguments"),
    [
        (UserErased(user_id=UUID(int=1)), "apps.removed.tasks.forget_user", {"user_id": str(UUID(int=1))}),
        (FolderLeft(folder="dogs"), "apps.removed.tasks.delete_folder", {"folder": "dogs"}),
    ],
)
def test_tasks_follow_from_events(event: events.Event, handler: str, arguments: dict[str, str]) -> None:
    found = events.handlers_of(event.name)[handler]
    assert isinstance(found, events.TaskHandler)
    assert found.arguments(event, event_id=uuid4()) == arguments
