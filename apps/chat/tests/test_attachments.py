"""Files in rooms: upload, download and deletion."""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.utils import timezone
from PIL import Image

from apps.chat import services, tasks
from apps.chat.events import FilesDiscarded
from apps.chat.models import Attachment, Membership, Message, Role
from apps.chat.services import rooms
from apps.chat.tests.callers import CHAT, new_caller, refused
from apps.chat.tests.factories import RoomFactory
from apps.common.models import OutboxEvent
from apps.common.testing.events import tasks_of
from infrastructure import storage
from infrastructure.storage.tests import s3_server
from infrastructure.storage.tests.full_disk import room_for

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7\n<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """A storage for this test alone."""
    private = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = settings.STORAGES | {"private": private}
    return tmp_path


def stored_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def pdf(name: str = "plan.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, PDF, content_type="text/html")


def picture(size: tuple[int, int] = (3000, 1500), format: str = "JPEG") -> SimpleUploadedFile:
    data = io.BytesIO()
    Image.new("RGB", size, "teal").save(data, format)
    return SimpleUploadedFile("moor.jpg", data.getvalue(), content_type="image/jpeg")


def test_a_file_is_uploaded_posted_and_downloaded_by_members(folder: Path) -> None:
    room = RoomFactory.create()
    ada, grace, stranger = new_caller(room), new_caller(room), new_caller()
    uploaded = ada.upload(room, pdf("../../pl\u202ean?.pdf"))
    file = uploaded.json()
    assert (uploaded.status_code, file) == (
        201,
        {
            "id": file["id"],
            "name": "plan_.pdf",
            "type": "application/pdf",
            "size": len(PDF),
            "width": None,
            "height": None,
        },
    )
    path = f"rooms/{room.slug}/attachments/{file['id']}/"
    early = ada("GET", path)
    assert (early.status_code, b"".join(early.streaming_content)) == (200, PDF)
    refused(grace("GET", path), 404, "attachment_not_found")  # not posted yet
    posted = ada.say(room, "", attachments=[file["id"]])
    assert (posted.status_code, posted.json()["message"], posted.json()["attachments"]) == (201, "", [file])
    (read,) = grace("GET", f"rooms/{room.slug}/messages/").json()["results"]
    assert read == posted.json()
    answer = grace("GET", path)
    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, PDF)
    headers = ("Content-Type", "Content-Disposition", "Content-Security-Policy", "X-Content-Type-Options")
    assert [answer[name] for name in headers] == [
        "application/pdf",
        'attachment; filename="plan_.pdf"',
        "default-src 'none'; sandbox",
        "nosniff",
    ]
    refused(stranger("GET", path), 403, "not_a_member")
    Membership.objects.filter(user=grace.user).delete()
    refused(grace("GET", path), 403, "not_a_member")
    other = RoomFactory.create()
    Membership.objects.create(room=other, user=ada.user)
    refused(ada("GET", f"rooms/{other.slug}/attachments/{file['id']}/"), 404, "attachment_not_found")
    assert len(stored_in(folder)) == 1


TEN = b"0123456789"
WHOLE = (200, TEN, None)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, WHOLE),
        ({"Range": "bytes=0-"}, (206, TEN, "bytes 0-9/10")),
        ({"Range": "bytes=0-0"}, (206, b"0", "bytes 0-0/10")),
        ({"Range": "bytes=2-4"}, (206, b"234", "bytes 2-4/10")),
        ({"Range": "BYTES=2-4"}, (206, b"234", "bytes 2-4/10")),
        ({"Range": "bytes=7-99"}, (206, b"789", "bytes 7-9/10")),
        ({"Range": "bytes=-3"}, (206, b"789", "bytes 7-9/10")),
        ({"Range": "bytes=-99"}, (206, TEN, "bytes 0-9/10")),
        ({"Range": "bytes=10-"}, (416, None, "bytes */10")),
        ({"Range": "bytes=99-100"}, (416, None, "bytes */10")),
        ({"Range": "bytes=-0"}, (416, None, "bytes */10")),
        # Several ranges, and invalid ones, are answered with the whole file.
        ({"Range": "bytes=0-1,4-5"}, WHOLE),
        ({"Range": "bytes=4-2"}, WHOLE),
        ({"Range": "bytes=-"}, WHOLE),
        ({"Range": "bytes=a-b"}, WHOLE),
        ({"Range": "bytes=٣-٤"}, WHOLE),
        ({"Range": "bytes=" + "9" * 5000 + "-"}, WHOLE),
        ({"Range": "lines=0-1"}, WHOLE),
        ({"Range": "bytes=0-1", "If-Range": '"{id}"'}, (206, b"01", "bytes 0-1/10")),
        ({"Range": "bytes=0-1", "If-Range": 'W/"{id}"'}, WHOLE),
        ({"Range": "bytes=0-1", "If-Range": '"another"'}, WHOLE),
        ({"Range": "bytes=0-1", "If-Range": "Wed, 21 Oct 2026 07:28:00 GMT"}, WHOLE),
        ({"Range": "bytes=99-", "If-Range": '"another"'}, WHOLE),
        ({"If-None-Match": '"{id}"'}, (304, b"", None)),
        ({"If-None-Match": '"{id}"', "Range": "bytes=0-1"}, (304, b"", None)),
        ({"If-None-Match": '"another"'}, WHOLE),
    ],
)
def test_ranges_of_files_are_served(
    headers: dict[str, str], expected: tuple[int, bytes | None, str | None]
) -> None:
    room = RoomFactory.create()
    ada = new_caller(room)
    file = ada.upload(room, SimpleUploadedFile("a.txt", TEN)).json()["id"]
    asked = {name: value.replace("{id}", file.replace("-", "")) for name, value in headers.items()}
    answer = ada.client.get(f"{CHAT}rooms/{room.slug}/attachments/{file}/", headers={**ada.headers, **asked})
    status, content, span = expected
    assert (answer.status_code, answer.headers.get("Content-Range")) == (status, span)
    if content is None:
        assert answer.json()["code"] == "range_not_satisfiable"
    else:
        assert answer.getvalue() == content
        assert answer["ETag"] == f'"{file.replace("-", "")}"'
        assert status == 304 or answer["Content-Length"] == str(len(content))


def test_files_are_stored_on_s3(settings: Any) -> None:
    with s3_server.running() as (stores, moto, _):
        settings.STORAGES = settings.STORAGES | stores
        room = RoomFactory.create()
        ada = new_caller(room)
        file = ada.upload(room, SimpleUploadedFile("a.txt", TEN)).json()["id"]
        path = f"rooms/{room.slug}/attachments/{file}/"
        assert ada("GET", path).getvalue() == TEN
        part = ada.client.get(CHAT + path, headers={**ada.headers, "Range": "bytes=2-4"})
        assert (part.status_code, part.getvalue()) == (206, b"234")
        message = ada.say(room, "look", attachments=[file]).json()["id"]
        assert ada("DELETE", f"rooms/{room.slug}/messages/{message}/").status_code == 204
        tasks.delete_discarded_files()
        assert Attachment.objects.count() == 0
        kept = ada.upload(room, pdf()).json()["id"]
        moto.stop()
        refused(ada.upload(room, pdf()), 503, "unavailable")
        refused(ada("GET", f"rooms/{room.slug}/attachments/{kept}/"), 503, "unavailable")


def test_a_head_request_has_the_length_of_the_whole_file() -> None:
    room = RoomFactory.create()
    ada = new_caller(room)
    file = ada.upload(room, SimpleUploadedFile("a.txt", TEN)).json()["id"]
    answer = ada.client.head(
        f"{CHAT}rooms/{room.slug}/attachments/{file}/", headers={**ada.headers, "Range": "bytes=0-1"}
    )
    answer.close()
    assert (answer.status_code, answer["Content-Length"], answer["Accept-Ranges"]) == (200, "10", "bytes")


def test_images_are_encoded_again_within_limits(folder: Path) -> None:
    room = RoomFactory.create()
    file = new_caller(room).upload(room, picture()).json()
    assert (file["name"], file["type"], file["width"], file["height"]) == (
        "moor.webp",
        "image/webp",
        2560,
        1280,
    )
    (name,) = stored_in(folder)
    stored = (folder / name).read_bytes()
    assert (stored[:4], stored[8:12], len(stored)) == (b"RIFF", b"WEBP", file["size"])


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"MZ\x90\x00" + bytes(40), "kind"),
        (b"\x7fELF" + bytes(40), "kind"),
        (b"\xff\xd8\xff" + b"no picture", "image"),
        (b"\x00\x00\x00\x20ftypavif" + bytes(40), "AVIF"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "HEIF"),
        (b"\x00\x00\x00\x18ftypmif1" + bytes(40), "HEIF"),
        (b"x" * 6_000_000, "bytes"),
    ],
)
def test_unsupported_files_are_refused(folder: Path, content: bytes, word: str) -> None:
    room = RoomFactory.create()
    answer = new_caller(room).upload(room, SimpleUploadedFile("x.png", content, content_type="image/png"))
    assert answer.status_code in (400, 413), answer.content
    assert word in answer.content.decode() or answer.status_code == 413
    assert (Attachment.objects.count(), stored_in(folder)) == (0, [])


def test_an_image_with_too_many_pixels_is_refused(folder: Path, settings: Any) -> None:
    settings.CHAT_ATTACHMENT_MAX_PIXELS = 100
    room = RoomFactory.create()
    refused(new_caller(room).upload(room, picture((20, 20), "PNG")), 400, "file_not_taken")
    assert stored_in(folder) == []


def test_markup_is_stored_as_text() -> None:
    room = RoomFactory.create()
    ada = new_caller(room)
    svg = SimpleUploadedFile("x.svg", b"<svg onload=alert(1)>", content_type="image/svg+xml")
    assert ada.upload(room, svg).json()["type"] == "text/plain"


def test_files_of_others_and_attached_files_cannot_be_posted() -> None:
    room, other = RoomFactory.create(), RoomFactory.create()
    ada, grace = new_caller(room), new_caller(room)
    Membership.objects.create(room=other, user=ada.user)
    mine, elsewhere, theirs = (
        who.upload(where, pdf()).json()["id"] for who, where in ((ada, room), (ada, other), (grace, room))
    )
    for ids in ([theirs], [elsewhere], [mine, theirs], [mine, mine], [str(uuid4())]):
        refused(ada.say(room, "look", attachments=ids), 400, "invalid_attachment")
    assert ada.say(room, "look", attachments=[mine] * 11).status_code == 400
    assert not Message.objects.exists()
    client_id = str(uuid4())
    first = ada.say(room, "look", attachments=[mine], client_id=client_id)
    again = ada.say(room, "look", attachments=[mine], client_id=client_id)
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    refused(ada.say(room, "look again", attachments=[mine]), 400, "invalid_attachment")
    assert Message.objects.count() == 1


def test_pending_uploads_are_limited(settings: Any) -> None:
    settings.CHAT_PENDING_ATTACHMENTS = 1
    room = RoomFactory.create()
    ada = new_caller(room)
    first = ada.upload(room, pdf()).json()["id"]
    refused(ada.upload(room, pdf()), 409, "too_many_uploads")
    ada.say(room, "", attachments=[first])
    assert ada.upload(room, pdf()).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_parallel_uploads_do_not_exceed_the_limit(settings: Any, folder: Path) -> None:
    settings.CHAT_PENDING_ATTACHMENTS = 5
    room = RoomFactory.create()
    ada = new_caller(room)

    def upload(_: int) -> int:
        try:
            return int(ada.upload(room, pdf()).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        statuses = sorted(pool.map(upload, range(12)))
    assert statuses == [201] * 5 + [409] * 7
    assert (Attachment.objects.count(), len(stored_in(folder))) == (5, 5)


def test_uploads_are_rate_limited(settings: Any, folder: Path) -> None:
    settings.CHAT_LIMITS = settings.CHAT_LIMITS | {"uploads": ("1/hour",)}
    room = RoomFactory.create()
    ada = new_caller(room)
    assert ada.upload(room, pdf()).status_code == 201
    refused(ada.upload(room, pdf()), 429, "too_often")
    assert len(stored_in(folder)) == 1


def test_files_are_deleted_with_their_message(folder: Path) -> None:
    room = RoomFactory.create()
    ada, grace = new_caller(room), new_caller(room)
    file = ada.upload(room, pdf()).json()["id"]
    message = ada.say(room, "look", attachments=[file]).json()["id"]
    assert ada("DELETE", f"rooms/{room.slug}/messages/{message}/").status_code == 204
    refused(grace("GET", f"rooms/{room.slug}/attachments/{file}/"), 404, "attachment_not_found")
    assert Message.objects.get().attachments is None
    assert OutboxEvent.objects.filter(name=FilesDiscarded.name).count() == 1
    tasks.delete_discarded_files()
    assert (Attachment.objects.count(), stored_in(folder)) == (0, [])


def test_files_are_deleted_with_their_room_or_when_they_are_not_posted(folder: Path) -> None:
    room, doomed = RoomFactory.create(), RoomFactory.create()
    ada, owner = new_caller(room), new_caller(doomed, Role.OWNER)
    used, unused = (ada.upload(room, pdf()).json()["id"] for _ in range(2))
    ada.say(room, "", attachments=[used])
    lost = owner.upload(doomed, pdf()).json()["id"]
    owner.say(doomed, "", attachments=[lost])
    assert owner("DELETE", f"rooms/{doomed.slug}/").status_code == 204
    assert services.delete_discarded_files() == 1
    assert services.delete_discarded_files(now=timezone.now() + timedelta(days=2)) == 1
    assert services.delete_discarded_files() == 0
    assert [str(pk) for pk in Attachment.objects.values_list("pk", flat=True)] == [used]
    assert (len(stored_in(folder)), unused != used) == (1, True)


def test_discarded_files_start_the_task() -> None:
    assert tasks_of(FilesDiscarded(room_id=uuid4())) == {"apps.chat.tasks.delete_discarded_files": {}}


def aged(folder: Path, key: str, **ago: int) -> Path:
    """A stored file with an older modification time."""
    path = folder / key
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(PDF)
    moment = (timezone.now() - timedelta(**ago)).timestamp()
    os.utime(path, (moment, moment))
    return path


def test_files_without_a_row_are_deleted_after_a_day(folder: Path) -> None:
    room = RoomFactory.create()
    new_caller(room).upload(room, pdf())
    (kept,) = stored_in(folder)
    aged(folder, kept, days=9)
    orphan, young = aged(folder, "attachments/orphan", hours=25), aged(folder, "attachments/young", hours=23)
    tasks.delete_orphaned_files()
    assert stored_in(folder) == sorted([kept, "attachments/young"])
    assert (orphan.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize(("size", "room_left"), [(200_000, 100_000), (1_000_000, 400_000)])
def test_a_full_disk_is_an_error_and_leaves_no_file(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, settings: Any, size: int, room_left: int
) -> None:
    """The first does not fit into the storage, the second not into the folder of temporary uploads."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path_factory.mktemp("waiting"))
    room = RoomFactory.create()
    ada = new_caller(room)
    with room_for(room_left):
        answer = ada.upload(room, SimpleUploadedFile("a.txt", b"x" * size))
    refused(answer, 503, "unavailable")
    assert answer["Retry-After"] == "30"
    assert (Attachment.objects.count(), stored_in(folder)) == (0, [])
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []
    assert ada.upload(room, SimpleUploadedFile("a.txt", b"x" * size)).status_code == 201


def test_an_upload_that_the_database_refuses_leaves_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = RoomFactory.create()
    ada = new_caller(room)

    def gone(*_: Any) -> None:
        raise OperationalError("the server closed the connection unexpectedly")

    monkeypatch.setattr(rooms, "lock_quota", gone)
    refused(ada.upload(room, pdf()), 503, "unavailable")
    assert stored_in(folder) == []


@pytest.mark.parametrize(
    ("happens", "status", "code"),
    [
        (lambda room, _: room.delete(), 404, "room_not_found"),
        (lambda room, user: Membership.objects.filter(room=room, user=user).delete(), 403, "not_a_member"),
        (
            lambda room, user: Membership.objects.filter(room=room, user=user).update(
                muted_until=timezone.now() + timedelta(hours=1)
            ),
            403,
            "muted",
        ),
    ],
    ids=["deleted", "removed", "muted"],
)
def test_changes_during_an_upload_are_respected(
    folder: Path, monkeypatch: pytest.MonkeyPatch, happens: Any, status: int, code: str
) -> None:
    room = RoomFactory.create()
    ada = new_caller(room)
    save = storage.files.save

    def slow(*arguments: Any, **options: Any) -> Any:
        stored = save(*arguments, **options)
        happens(room, ada.user)
        return stored

    monkeypatch.setattr(storage.files, "save", slow)
    refused(ada.upload(room, pdf()), status, code)
    assert (Attachment.objects.count(), stored_in(folder)) == (0, [])
