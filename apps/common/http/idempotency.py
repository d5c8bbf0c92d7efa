"""Idempotency-Key: a repeated call has one effect and one answer (draft-ietf-httpapi-idempotency-key-header).

The answer is stored in the transaction of the effect, encrypted, for a day (docs/guides/idempotency.md).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from apps.common.callers import Caller
from apps.common.database.ids import uuid7
from apps.common.encryption import ciphers
from apps.common.exceptions import Conflict, InvalidInput, Unprocessable
from apps.common.http.client_address import client_address
from apps.common.models import StoredAnswer
from infrastructure.crypto import DecryptionError

_log = structlog.get_logger(__name__)

KEEP: Final = timedelta(hours=24)
# Longer and streamed answers are not stored: a repeated call is answered with IdempotencyAnswerLost.
MAX_KEPT: Final = 1_048_576
REPLAYED: Final = "Idempotency-Replayed"
# Only unsafe methods have a key.
METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_BOUNDARY = re.compile(r"""boundary="?([^";,\s]{1,70})"?""", re.IGNORECASE)
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
# Headers of the content. Others belong to one exchange (ids, dates, limits, cookies).
_KEPT_HEADERS: Final = (
    "Content-Type",
    "Content-Language",
    "Content-Disposition",
    "Location",
    "Link",
    "ETag",
    "Last-Modified",
    "Cache-Control",
    "WWW-Authenticate",
    "Allow",
)


class IdempotencyKeyInvalid(InvalidInput):
    code = "idempotency_key_invalid"
    detail = "Idempotency-Key must be 1 to 128 visible ASCII characters."


class IdempotencyInFlight(Conflict):
    code = "idempotency_in_flight"
    detail = "A call with this Idempotency-Key is still running. Try again in a moment."


class IdempotencyKeyReused(Unprocessable):
    code = "idempotency_key_reused"
    detail = "This Idempotency-Key was used for a different request."


class IdempotencyAnswerLost(Conflict):
    """The call was executed, and its answer was not stored or cannot be decrypted."""

    code = "idempotency_answer_lost"
    detail = "The call with this Idempotency-Key was carried out, but its answer was not stored."


def run(request: HttpRequest, caller: Caller, call: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Run `call`, or return the stored answer if this caller has sent the same request with the same key before.

    Database changes and `on_commit` hooks of `call` are in one transaction with the stored answer. An answer of 5xx is
    rolled back; 5xx and 429 are not stored, so that the caller can try again.

    Raises IdempotencyKeyInvalid, IdempotencyInFlight, IdempotencyKeyReused, IdempotencyAnswerLost.
    """
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None or request.method not in METHODS:
        return call()
    if not _KEY.fullmatch(key):
        raise IdempotencyKeyInvalid
    owner = caller.throttle_key(client_address(request))
    fingerprint = _fingerprint(request)
    with transaction.atomic():
        # A lock does not make a second call wait, as a row would.
        if not _try_lock(owner, key):
            raise IdempotencyInFlight
        stored = StoredAnswer.objects.filter(caller=owner, key=key).first()
        if stored is not None and stored.created_at < timezone.now() - KEEP:
            stored.delete()
            stored = None
        if stored is not None:
            if not hmac.compare_digest(bytes(stored.fingerprint), fingerprint):
                raise IdempotencyKeyReused
            return _restored(stored)
        response = call()
        if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
            # DRF renders responses later, but the content is needed now.
            response = response.render()
        if response.status_code >= 500:
            transaction.set_rollback(True)
        elif response.status_code != 429 and not connection.needs_rollback:
            _store(owner, key, fingerprint, response)
    return response


def prune(*, now: datetime | None = None) -> int:
    """Delete expired answers. Returns their number."""
    return StoredAnswer.objects.filter(created_at__lt=(now or timezone.now()) - KEEP).delete()[0]


def forget(*, caller: Caller) -> int:
    """Delete the stored answers of a user or service. Returns their number."""
    return StoredAnswer.objects.filter(caller=caller.throttle_key("")).delete()[0]


def _fingerprint(request: HttpRequest) -> bytes:
    """A keyed digest of the request. A plain hash would allow guessing the passwords in bodies."""
    digest = hmac.new(settings.SECRET_KEY.encode(), b"idempotency", hashlib.sha256)
    kind, body = request.META.get("CONTENT_TYPE", ""), _body(request)
    # A client that repeats a form generates a new boundary.
    boundary = _BOUNDARY.search(kind) if kind.lower().startswith("multipart/") else None
    if boundary is not None:
        kind = kind.replace(boundary[1], "")
        body = body.replace(b"--" + boundary[1].encode("latin-1", "replace"), b"--")
    for part in (request.method or "", request.get_full_path(), kind):
        digest.update(hashlib.sha256(part.encode()).digest())
    digest.update(body)
    return digest.digest()


def _body(request: HttpRequest) -> bytes:
    """The whole body, also of forms over DATA_UPLOAD_MAX_MEMORY_SIZE. BodyLimitMiddleware has limited its size."""
    if not hasattr(request, "_body"):
        request._body = request.read()  # noqa: SLF001
    return request.body


def _try_lock(owner: str, key: str) -> bool:
    """Lock the key until the end of the transaction. Returns False if another transaction holds the lock."""
    number = int.from_bytes(
        hashlib.sha256(f"idempotency:{owner}:{key}".encode()).digest()[:8], "big", signed=True
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s::bigint)", [number])
        row = cursor.fetchone()
    return bool(row and row[0])


def _store(owner: str, key: str, fingerprint: bytes, response: HttpResponseBase) -> None:
    row = StoredAnswer(
        id=uuid7(),
        caller=owner,
        key=key,
        fingerprint=fingerprint,
        status=response.status_code,
        headers={name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
    )
    if isinstance(response, HttpResponse) and len(response.content) <= MAX_KEPT:
        row.body = ciphers.cipher().encrypt(b64encode(response.content).decode("ascii"), _context(row))
    row.save(force_insert=True)


def _restored(row: StoredAnswer) -> HttpResponse:
    if not row.body:
        raise IdempotencyAnswerLost
    try:
        content = b64decode(ciphers.cipher().decrypt(row.body, _context(row)))
    except DecryptionError:
        # The encryption key was removed within the day. The call must not run again.
        _log.warning("idempotency.answer_unreadable", answer=str(row.pk))
        raise IdempotencyAnswerLost from None
    response = HttpResponse(content, status=row.status, headers=row.headers)
    if "Content-Type" not in row.headers:
        del response.headers["Content-Type"]
    response.headers[REPLAYED] = "true"
    return response


def _context(row: StoredAnswer) -> str:
    return f"{StoredAnswer._meta.db_table}.body:{row.pk}"
