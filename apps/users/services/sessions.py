"""Sessions and their refresh tokens: opening, renewing, ending. An end is effective from the next request on."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from apps.common import audit, events
from apps.common.callers import Caller
from apps.common.http.client_address import network_of
from apps.users import exceptions, policies, selectors
from apps.users.events import RefreshTokenReused
from apps.users.models import OneTimeToken, Purpose, RefreshToken, Session, SessionEnd, User
from apps.users.models.sessions import SessionQuerySet
from apps.users.types import AuditAction, Device, Permission, TokenPair
from infrastructure import realtime, token

_log = structlog.get_logger("security")

# One statement, so nothing can come between using up the old token and making the new one. Of several that bring the
# same token, PostgreSQL lets one update the row; the others wait for it, look again and find the token used.
_ROTATE: Final = """
WITH spent AS (
    UPDATE users_refreshtoken AS old SET used_at = %(now)s
    FROM users_session AS session JOIN users_user AS account ON account.id = session.user_id
    WHERE old.digest = %(old)s AND old.used_at IS NULL AND old.expires_at > %(now)s
        AND session.id = old.session_id AND session.ended_at IS NULL AND session.expires_at > %(now)s
        AND account.is_active
    RETURNING old.session_id
), carried_on AS (
    UPDATE users_session AS session SET last_seen_at = %(now)s, updated_at = %(now)s,
        expires_at = LEAST(%(expires)s, session.created_at + %(age)s)
    FROM spent WHERE session.id = spent.session_id AND session.ended_at IS NULL
    RETURNING session.id, session.user_id, session.expires_at
), made AS (
    INSERT INTO users_refreshtoken (session_id, digest, created_at, expires_at)
    SELECT id, %(new)s, %(now)s, expires_at FROM carried_on
)
SELECT user_id, id FROM carried_on
"""

# The same for the token that was traded last, when its answer got lost: what came of it is spent unseen, at the time
# of its own trade, and a new one takes its place. A session that ended, or moved on by a later trade, is left alone.
_TRADE_AGAIN: Final = """
WITH late AS (
    SELECT old.session_id, old.used_at
    FROM users_refreshtoken AS old
    JOIN users_session AS session ON session.id = old.session_id
    JOIN users_user AS account ON account.id = session.user_id
    WHERE old.digest = %(old)s AND old.used_at > %(since)s AND old.expires_at > %(now)s
        AND session.ended_at IS NULL AND session.expires_at > %(now)s AND account.is_active
        AND NOT EXISTS (
            SELECT FROM users_refreshtoken AS later
            WHERE later.session_id = old.session_id AND later.used_at > old.used_at
        )
), spent AS (
    UPDATE users_refreshtoken AS heir SET used_at = late.used_at
    FROM late WHERE heir.session_id = late.session_id AND heir.used_at IS NULL
    RETURNING heir.session_id
), carried_on AS (
    UPDATE users_session AS session SET last_seen_at = %(now)s, updated_at = %(now)s,
        expires_at = LEAST(%(expires)s, session.created_at + %(age)s)
    FROM spent WHERE session.id = spent.session_id AND session.ended_at IS NULL
    RETURNING session.id, session.user_id, session.expires_at
), made AS (
    INSERT INTO users_refreshtoken (session_id, digest, created_at, expires_at)
    SELECT id, %(new)s, %(now)s, expires_at FROM carried_on
)
SELECT user_id, id FROM carried_on
"""
# Those that come together wait for one another here: each then sees what the one before has made.
_HOLD: Final = """
SELECT id FROM users_refreshtoken
WHERE session_id = (SELECT session_id FROM users_refreshtoken WHERE digest = %(old)s)
    AND (used_at IS NULL OR used_at > %(since)s)
ORDER BY id FOR UPDATE
"""


def open_session(*, user: User, device: Device, now: datetime) -> TokenPair:
    """Open a session with its first tokens. Runs in the caller's transaction, which has locked the account's row."""
    expires_at = now + min(settings.REFRESH_TOKEN_LIFETIME, settings.SESSION_LIFETIME)
    session = Session.objects.create(
        user_id=user.pk,
        user_agent=device.user_agent[: Session._meta.get_field("user_agent").max_length],
        network=network_of(device.address),
        created_at=now,
        last_seen_at=now,
        expires_at=expires_at,
    )
    plain = token.new_token()
    RefreshToken.objects.create(
        session=session, digest=token.digest(plain), created_at=now, expires_at=expires_at
    )
    return _pair(user_id=user.pk, session_id=session.pk, refresh_token=plain)


def refresh(*, refresh_token: str, now: datetime | None = None) -> TokenPair:
    """Exchange a refresh token for a new pair: once, and no later than SESSION_LIFETIME after the sign-in.

    Reuse ends the session at once: either this caller or the earlier one is a thief (RFC 9700, section 4.14.2).
    REFRESH_GRACE, off by default, exempts the token that was used last, for as long after that; only one token is valid at
    any time.

    Raises:
        RefreshTokenRefused: it is unknown, expired or used, or its session or account is no longer active.
    """
    now = now or timezone.now()
    plain = token.new_token()
    values: dict[str, Any] = {
        "old": token.digest(refresh_token),
        "new": token.digest(plain),
        "now": now,
        "expires": now + settings.REFRESH_TOKEN_LIFETIME,
        "age": settings.SESSION_LIFETIME,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ROTATE, values)
        row = cursor.fetchone()
    if row is None and settings.REFRESH_GRACE:
        row = _trade_again({**values, "since": now - settings.REFRESH_GRACE})
    if row is None:
        _end_if_reused(refresh_token=refresh_token, now=now)
        raise exceptions.RefreshTokenRefused
    user_id, session_id = row
    return _pair(user_id=user_id, session_id=session_id, refresh_token=plain)


def _trade_again(values: dict[str, Any]) -> Any:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_HOLD, values)
        cursor.execute(_TRADE_AGAIN, values)
        return cursor.fetchone()


def logout(*, refresh_token: str, now: datetime | None = None) -> None:
    """End the session of a refresh token, used or not. An unknown token ends nothing (RFC 7009)."""
    sessions = Session.objects.filter(refresh_tokens__digest=token.digest(refresh_token))
    with transaction.atomic():
        for user_id, session_id in end_sessions(
            sessions=sessions, reason=SessionEnd.LOGOUT, now=now or timezone.now()
        ):
            _record(AuditAction.SIGNED_OUT, actor_id=user_id, user_id=user_id, session=str(session_id))


def logout_everywhere(*, actor: Caller, now: datetime | None = None) -> None:
    """End every session of the actor, the current one and cookies of the admin site included."""
    with transaction.atomic():
        end_all_sessions(user_id=actor.user.pk, reason=SessionEnd.LOGOUT, now=now or timezone.now())
        _record(AuditAction.SIGNED_OUT_EVERYWHERE, actor_id=actor.user.pk, user_id=actor.user.pk)


def revoke_session(*, actor: Caller, session_id: UUID, now: datetime | None = None) -> None:
    """End one of the actor's sessions. Raises SessionNotFound."""
    _revoke(actor=actor, user=actor.user, session_id=session_id, reason=SessionEnd.REVOKED, now=now)


def revoke_session_of(*, actor: Caller, user_id: UUID, session_id: UUID, now: datetime | None = None) -> None:
    """As an admin, end a session of another account. Raises UserNotFound, RankTooLow, SessionNotFound."""
    user = _managed(actor=actor, user_id=user_id)
    _revoke(actor=actor, user=user, session_id=session_id, reason=SessionEnd.ADMIN, now=now)


def revoke_all_sessions_of(*, actor: Caller, user_id: UUID, now: datetime | None = None) -> None:
    """As an admin, end all sessions of an account, its cookies of the admin site included.

    Raises UserNotFound, RankTooLow.
    """
    user = _managed(actor=actor, user_id=user_id)
    with transaction.atomic():
        end_all_sessions(user_id=user.pk, reason=SessionEnd.ADMIN, now=now or timezone.now())
        _record(AuditAction.SESSIONS_REVOKED, actor_id=actor.user.pk, user_id=user.pk)


def _managed(*, actor: Caller, user_id: UUID) -> User:
    policies.require(actor=actor, permission=Permission.MANAGE)
    user = selectors.get_user(user_id=user_id)
    policies.require_rank(actor=actor, role=user.role)
    return user


def _revoke(*, actor: Caller, user: User, session_id: UUID, reason: SessionEnd, now: datetime | None) -> None:
    now = now or timezone.now()
    session = selectors.get_session_of(user=user, session_id=session_id, now=now)
    with transaction.atomic():
        end_sessions(sessions=Session.objects.filter(pk=session.pk), reason=reason, now=now)
        _record(AuditAction.SESSION_REVOKED, actor_id=actor.user.pk, user_id=user.pk, session=str(session.pk))


def _record(action: AuditAction, *, actor_id: UUID | None, user_id: UUID, **details: str) -> None:
    audit.record(action=action, actor_id=actor_id, target="user", target_id=user_id, details=details)


def end_sessions(*, sessions: SessionQuerySet, reason: SessionEnd, now: datetime) -> list[tuple[UUID, UUID]]:
    """End those of the sessions that have not ended, and notify their sockets after the commit.

    Returns the accounts and the sessions.
    """
    with transaction.atomic():
        open_ones = sessions.filter(ended_at=None).order_by("pk").select_for_update(of=("self",))
        found = list(open_ones.values_list("user_id", "pk"))
        ended = [session_id for _, session_id in found]
        Session.objects.filter(pk__in=ended).update(ended_at=now, end_reason=reason, updated_at=now)
        announce_end(ended)
    if ended:
        _log.info(
            "users.sessions_ended", sessions=[str(session_id) for session_id in ended], reason=reason.value
        )
    return found


def end_all_sessions(*, user_id: UUID, reason: SessionEnd, now: datetime) -> None:
    """End all sessions and pending sign-ins of an account."""
    with transaction.atomic():
        User.objects.filter(pk=user_id).update(signed_out_at=now)
        # A pending sign-in would open a new one.
        OneTimeToken.objects.usable(now).filter(user_id=user_id, purpose=Purpose.SECOND_FACTOR).update(
            used_at=now
        )
        end_sessions(sessions=Session.objects.filter(user_id=user_id), reason=reason, now=now)


def end_other_sessions(*, actor: Caller, reason: SessionEnd, now: datetime) -> None:
    """End every session of the actor but the current one, and cookies of the admin site."""
    others = Session.objects.filter(user_id=actor.user.pk)
    if actor.session_id is not None:
        others = others.exclude(pk=actor.session_id)
    with transaction.atomic():
        User.objects.filter(pk=actor.user.pk).update(signed_out_at=now)
        end_sessions(sessions=others, reason=reason, now=now)


def announce_end(session_ids: list[UUID]) -> None:
    """Notify the sockets of these sessions after the commit."""
    for session_id in session_ids:
        transaction.on_commit(partial(realtime.publish, f"session:{session_id}", {"type": "session.ended"}))


def _pair(*, user_id: UUID, session_id: UUID, refresh_token: str) -> TokenPair:
    lifetime = settings.ACCESS_TOKEN_LIFETIME
    return TokenPair(
        access=selectors.access_tokens().issue(user_id, session_id, lifetime),
        refresh=refresh_token,
        expires_in=int(lifetime.total_seconds()),
    )


def _end_if_reused(*, refresh_token: str, now: datetime) -> None:
    used = (
        RefreshToken.objects.filter(digest=token.digest(refresh_token), used_at__isnull=False)
        .values_list("session_id", "session__user_id")
        .first()
    )
    if used is None:
        return
    session_id, user_id = used
    with transaction.atomic():
        ended = end_sessions(
            sessions=Session.objects.filter(pk=session_id), reason=SessionEnd.REUSED, now=now
        )
        if ended:
            events.publish(RefreshTokenReused(user_id=user_id, session_id=session_id))
            _record(AuditAction.REFRESH_TOKEN_REUSED, actor_id=None, user_id=user_id, session=str(session_id))
    if ended:
        _log.warning("users.refresh_token_reused", user_id=str(user_id), session_id=str(session_id))
