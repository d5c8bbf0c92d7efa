"""Files in rooms: uploading them before a message is posted, and deleting those that no message has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import IO, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.chat import limits, selectors
from apps.chat.exceptions import FileNotTaken, Muted, TooManyUploads
from apps.chat.models import MAX_FILE_NAME, Attachment, Membership
from apps.chat.services import rooms
from apps.common import text
from infrastructure import storage

FOLDER: Final = "attachments"
KEEP_UNUSED: Final = timedelta(days=1)
_BATCH: Final = 200
_LONGEST_NAME: Final = 1_000  # longer names lose their beginning
_log = structlog.get_logger(__name__)


def upload_file(
    *, actor_id: UUID, slug: str, file: IO[bytes], name: str, now: datetime | None = None
) -> Attachment:
    """Store a file for a message that the actor posts in this room within a day.

    Raises RoomNotFound, NotAMember, Muted, TooOften, TooManyUploads, FileNotTaken, StorageUnavailable.
    """
    now = now or timezone.now()
    _require_voice(selectors.get_membership(user_id=actor_id, slug=slug), now)
    limits.count("uploads", actor_id)
    _require_quota(actor_id)  # before the upload is processed; counted again with the new row
    try:
        stored = storage.files.save(
            file,
            folder=FOLDER,
            max_bytes=settings.MAX_UPLOAD_BYTES,
            max_pixels=settings.CHAT_ATTACHMENT_MAX_PIXELS,
        )
    except storage.files.FileRefused as error:
        raise FileNotTaken(str(error)) from error
    try:
        with transaction.atomic():
            rooms.lock_quota("uploads", actor_id)
            _require_quota(actor_id)
            # The room may have been deleted, and the actor removed, while the file was stored.
            membership = rooms.lock_membership(actor_id, slug)
            _require_voice(membership, now)
            return Attachment.objects.create(
                room_id=membership.room_id,
                uploader_id=actor_id,
                file=stored.key,
                name=storage.files.clean_name(
                    text.fit_line(name, _LONGEST_NAME), type=stored.type, length=MAX_FILE_NAME
                ),
                type=stored.type,
                size=stored.size,
                width=stored.width,
                height=stored.height,
                created_at=now,
            )
    except BaseException:
        storage.files.delete(stored.key)
        raise


def _require_voice(membership: Membership, now: datetime) -> None:
    """Raises Muted."""
    if membership.muted_until is not None and membership.muted_until > now:
        raise Muted(membership.muted_until)


def _require_quota(uploader_id: UUID) -> None:
    """Raises TooManyUploads."""
    pending = Attachment.objects.filter(uploader_id=uploader_id, message__isnull=True, discarded_at=None)
    if pending.count() >= settings.CHAT_PENDING_ATTACHMENTS:
        raise TooManyUploads


def delete_discarded_files(*, now: datetime | None = None) -> int:
    """Delete files whose message or room is deleted, and uploads that were not posted within a day.

    Idempotent; can be interrupted and run again. Returns the number of files deleted. Raises StorageUnavailable.
    """
    now = now or timezone.now()
    unwanted = Attachment.objects.filter(
        Q(discarded_at__isnull=False) | Q(room_id=None) | Q(message_id=None, created_at__lt=now - KEEP_UNUSED)
    ).order_by("pk")
    count = 0
    while True:
        with transaction.atomic():
            # Locked, so that none of them is posted meanwhile. Rows that another worker has locked are skipped.
            rows = list(unwanted.select_for_update(skip_locked=True)[:_BATCH])
            for row in rows:
                storage.files.delete(row.file)
            Attachment.objects.filter(pk__in=[row.pk for row in rows]).delete()
        count += len(rows)
        if len(rows) < _BATCH:
            break
    if count:
        _log.info("chat.files_deleted", count=count)
    return count


def delete_orphaned_files(*, now: datetime | None = None) -> int:
    """Delete files without a row a day after they were written, left behind by processes that died.

    Returns the number of files deleted. Raises StorageUnavailable.
    """
    return storage.files.sweep(
        folder=FOLDER,
        before=(now or timezone.now()) - KEEP_UNUSED,
        known=Attachment.objects.values_list("file", flat=True).iterator(),
    )
