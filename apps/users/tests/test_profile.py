"""The caller's account: reading, changes, pictures, erasure."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from PIL import Image

from apps.common.models import OutboxEvent, StoredAnswer
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import PASSWORD, AdminFactory, UserFactory, bearer, pair_for
from apps.users import tasks
from apps.users.events import AvatarDiscarded
from apps.users.models import OneTimeToken, Session, User
from config.wsgi import application
from infrastructure.server.wsgi_bridge import WsgiBridge
from infrastructure.storage import images
from infrastructure.storage.tests import s3_server
from infrastructure.storage.tests.full_disk import room_for

pytestmark = pytest.mark.django_db
As = Callable[[User], Api]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


PROOF = {"current_password": PASSWORD}


def picture(kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (30, 30), "blue").save(file, kind)
    return file.getvalue()


def upload(user: User, content: bytes, name: str = "me.png", field: str = "avatar") -> Any:
    api = Api("private", bearer(user))
    from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

    body = encode_multipart(BOUNDARY, {field: SimpleUploadedFile(name, content, "image/png")})
    return api.client.put(
        f"{api.root}users/me/avatar/", body, content_type=MULTIPART_CONTENT, headers=api.headers
    )


@pytest.fixture
async def threaded() -> AsyncIterator[WsgiBridge]:
    """The product, served by eight threads."""
    bridge = WsgiBridge(application, threads=8, max_body=10_000_000, at_end=connections.close_all)
    yield bridge
    await bridge.aclose()


@pytest.fixture
def headers(user: User) -> dict[str, str]:
    return bearer(user)


def test_me(private: As, user: User) -> None:
    answer = private(user).get("users/me/").json()
    assert answer.pop("created_at").endswith("Z")
    assert answer == {
        "id": str(user.pk),
        "email": user.email,
        "name": user.name,
        "role": "user",
        "email_verified": True,
        "avatar": None,
        "phone": None,
    }


def test_name_and_phone_are_changed_and_nothing_else(private: As, user: User) -> None:
    body = {"name": "  Grace  ", "phone": "+44 20 7946-0958"}
    others = {
        "role": "admin",
        "email": "other@example.com",
        "is_active": False,
        "email_verified": False,
        "password": "x",
    }
    refused = private(user).patch("users/me/", body | others)
    assert refused.status_code == 400
    assert {(error["field"], error["code"]) for error in refused.json()["errors"]} == {
        (name, "unknown") for name in others
    }
    assert User.objects.get().name == user.name
    response = private(user).patch("users/me/", body)
    assert response.status_code == 200
    assert (response.json()["name"], response.json()["phone"]) == ("Grace", "+44 20 7946-0958")
    changed = User.objects.get()
    assert (changed.name, changed.phone) == ("Grace", "+44 20 7946-0958")
    assert (changed.role, changed.email, changed.is_active, changed.is_verified) == (
        "user",
        user.email,
        True,
        True,
    )
    assert changed.password == user.password
    assert changed.updated_at > user.updated_at
    with connection.cursor() as cursor:
        cursor.execute("SELECT phone FROM users_user")
        assert "7946" not in cursor.fetchone()[0]


def test_omitted_fields_stay(private: As, user: User) -> None:
    api = private(user)
    api.patch("users/me/", {"phone": "5550100"})
    assert api.patch("users/me/", {"name": "Grace"}).json()["phone"] == "5550100"
    assert api.patch("users/me/", {}).json()["name"] == "Grace"
    assert api.patch("users/me/", {"phone": ""}).json()["phone"] is None
    api.patch("users/me/", {"phone": "5550100"})
    assert api.patch("users/me/", {"phone": None}).json()["phone"] is None


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"phone": "call me"}, "phone", "invalid_phone"),
        ({"phone": "1" * 33}, "phone", "max_length"),
        ({"phone": 5550100}, "phone", "invalid"),
        ({"phone": "555\u0661\u0662\u0663\u0664"}, "phone", "invalid_phone"),
        ({"phone": "5550100\n"}, "phone", None),
        ({"name": ""}, "name", "blank"),
        ({"name": None}, "name", "null"),
    ],
)
def test_bad_changes_are_refused(private: As, user: User, body: Any, field: str, code: str | None) -> None:
    response = private(user).patch("users/me/", body)
    if code is None:  # trimmed
        assert response.status_code == 200
        return
    assert code_of(response) == (400, "invalid_input")
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [(field, code)]


def test_a_full_disk_is_an_error_and_changes_nothing(user: User, folder: Path) -> None:
    noise = io.BytesIO()
    Image.effect_noise((600, 600), 100).save(noise, "PNG")
    with room_for(50_000):
        answer = upload(user, noise.getvalue())
    assert code_of(answer) == (503, "unavailable")
    assert answer["Retry-After"] == "30"
    assert (User.objects.get().avatar, [path for path in folder.rglob("*") if path.is_file()]) == ("", [])


@pytest.fixture
def busy_decoders() -> Iterator[Callable[[], None]]:
    """Occupies all decoders until it is called."""
    images._semaphores.cache_clear()
    _, decoding = images._semaphores()
    slots = contextlib.ExitStack()
    for _ in range(settings.IMAGE_DECODERS):
        slots.enter_context(decoding)
    yield slots.close
    slots.close()


@pytest.mark.django_db(transaction=True)
async def test_uploads_that_wait_leave_threads_for_everyone_else(
    threaded: WsgiBridge, headers: dict[str, str], busy_decoders: Callable[[], None]
) -> None:
    me = "/api/private/v1/users/me/"
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=cast("Any", threaded)),
        base_url="http://testserver",
        headers=headers,
    ) as client:
        uploads = [
            asyncio.create_task(client.put(f"{me}avatar/", files={"avatar": picture()})) for _ in range(12)
        ]
        for refused in itertools.islice(asyncio.as_completed(uploads), 8):
            await refused
        assert (await client.get(me)).status_code == 200
        assert [upload.done() for upload in uploads].count(False) == 4  # they occupy half of the threads
        busy_decoders()
        answers = await asyncio.gather(*uploads)
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [503] * 8
    told = {
        (answer.json()["code"], answer.headers["Retry-After"])
        for answer in answers
        if answer.status_code == 503
    }
    assert told == {("unavailable", "2")}


def test_pictures_on_s3(user: User, client: Client, settings: Any) -> None:
    with s3_server.running() as (stores, moto, origin):
        settings.STORAGES = settings.STORAGES | stores
        first = upload(user, picture()).json()["avatar"]
        assert first.startswith(f"{origin}/{s3_server.BUCKET}/avatars/")
        assert httpx.get(first).headers["Content-Type"] == "image/webp"
        # The policy of pages allows this image, and nothing else of that origin.
        policy = client.get("/admin/login/").headers["Content-Security-Policy"].split("; ")
        assert [rule for rule in policy if origin in rule] == [f"img-src 'self' data: {origin}"]
        second = upload(user, picture()).json()["avatar"]
        (discarded,) = OutboxEvent.objects.filter(name=AvatarDiscarded.name)
        tasks.delete_avatar(file=discarded.payload["file"])
        assert (httpx.get(first).status_code, httpx.get(second).status_code) == (404, 200)
        moto.stop()
        late = upload(user, picture())
        assert (code_of(late), late["Retry-After"]) == ((503, "unavailable"), "30")
        assert User.objects.get().avatar in second


def test_unused_pictures_are_deleted_after_a_day(user: User, folder: Path) -> None:
    shown = upload(user, picture()).json()["avatar"].removeprefix("/media/")
    day = (timezone.now() - timedelta(hours=25)).timestamp()
    for name in (shown, "avatars/orphan.webp", "avatars/young.webp"):
        (folder / name).touch()
        if "young" not in name:
            os.utime(folder / name, (day, day))
    tasks.delete_orphaned_avatars()
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == sorted(
        [shown, "avatars/young.webp"]
    )


def test_a_picture_is_reencoded_and_replaces_the_previous_one(
    user: User, relay: Callable[[], Any], folder: Path
) -> None:
    response = upload(user, picture("JPEG"), name="../../evil.html")
    assert response.status_code == 200
    first = User.objects.get().avatar
    assert response.json()["avatar"] == f"/media/{first}"
    assert upload(user, picture()).status_code == 200
    second = User.objects.get().avatar
    assert default_storage.exists(first)
    relay()
    assert not default_storage.exists(first)
    assert default_storage.exists(second)
    assert [path.name for path in folder.rglob("*") if path.is_file()] == [second.removeprefix("avatars/")]


def test_a_picture_is_removed(private: As, user: User, relay: Callable[[], Any]) -> None:
    upload(user, picture())
    name = User.objects.get().avatar
    api = private(user)
    assert api.delete("users/me/avatar/").status_code == 204
    assert api.delete("users/me/avatar/").status_code == 204
    assert api.get("users/me/").json()["avatar"] is None
    relay()
    assert not default_storage.exists(name)


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"GIF89a", picture()[:40], b"\x00"])
def test_files_that_are_no_picture_are_refused(user: User, content: bytes, folder: Path) -> None:
    response = upload(user, content)
    assert code_of(response) == (400, "avatar_refused")
    assert User.objects.get().avatar == ""
    assert not list(folder.iterdir())


def test_a_picture_has_to_be_sent_as_a_file(private: As, user: User) -> None:
    assert code_of(upload(user, b"")) == (400, "invalid_input")
    assert code_of(upload(user, picture(), field="file")) == (400, "invalid_input")
    assert code_of(private(user).put("users/me/avatar/", {"avatar": "x"})) == (415, "unsupported_media_type")


def test_an_account_is_seen_by_itself_and_admins_only(private: As, user: User) -> None:
    other, boss = UserFactory.create(), AdminFactory.create()
    own = private(user).get(f"users/{user.pk}/")
    assert own.status_code == 200
    assert set(own.json()) == {"id", "email", "name", "role", "created_at", "email_verified", "avatar"}
    assert private(boss).get(f"users/{user.pk}/").json() == own.json()
    unseen = private(other).get(f"users/{user.pk}/")
    missing = private(other).get("users/01900000-0000-7000-8000-000000000000/")
    assert code_of(unseen) == code_of(missing) == (404, "user_not_found")
    assert code_of(private(boss).get("users/01900000-0000-7000-8000-000000000000/")) == (
        404,
        "user_not_found",
    )
    assert private(user).get("users/not-an-id/").status_code == 404


def test_an_erased_account_has_no_personal_data(
    private: As, public: Api, user: User, relay: Callable[[], Any], settings: Any
) -> None:
    settings.ERASURE_GRACE = timedelta(0)
    api = private(user)
    api.call("patch", "users/me/", {"phone": "5550100"}, **{"Idempotency-Key": "phone"})
    assert StoredAnswer.objects.count() == 1
    upload(user, picture())
    avatar, email = User.objects.get().avatar, user.email
    pair_for(user)
    public.post("auth/password/reset/", {"email": email})
    relay()
    assert OneTimeToken.objects.count() == 1
    assert api.delete("users/me/", PROOF).status_code == 204
    shell = User.objects.get()
    assert (shell.email, shell.name, shell.phone, shell.avatar) == (
        f"erased-{user.pk}@erased.invalid",
        "Deleted account",
        None,
        "",
    )
    assert (shell.is_active, shell.email_verified_at, shell.has_usable_password()) == (False, None, False)
    assert shell.erased_at is not None
    assert not Session.objects.exists()
    assert not OneTimeToken.objects.exists()
    assert not StoredAnswer.objects.exists()
    assert "users.erased" in OutboxEvent.objects.values_list("name", flat=True)
    assert code_of(api.get("users/me/")) == (401, "session_ended")
    assert code_of(public.post("auth/login/", {"email": email, "password": PASSWORD})) == (
        401,
        "invalid_credentials",
    )
    assert code_of(private(AdminFactory.create()).get(f"users/{user.pk}/")) == (404, "user_not_found")
    relay()
    assert not default_storage.exists(avatar)
    again = public.post("auth/register/", {"email": email, "name": "Ada", "password": PASSWORD})
    assert again.status_code == 201
    assert again.json()["id"] != str(user.pk)


def test_the_last_admin_cannot_be_erased(private: As) -> None:
    boss = AdminFactory.create()
    api = private(boss)
    assert code_of(api.delete("users/me/", PROOF)) == (409, "last_admin")
    assert api.get("users/me/").status_code == 200
    AdminFactory.create(is_active=False)
    assert code_of(api.delete("users/me/", PROOF)) == (409, "last_admin")
    AdminFactory.create()
    assert api.delete("users/me/", PROOF).status_code == 204
