"""Authentication: a valid token, a live session and an active account, in one query that is compiled once.

This is on the path of every request and of every socket. The ORM defines the query, once for each process; then the same
prepared statement goes to PostgreSQL, and a row becomes an instance as the ORM would create it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import DEFERRED
from django.db.models.expressions import RawSQL
from django.utils import timezone

from apps.common.callers import Caller, CallerKind
from apps.common.encryption.fields import EncryptedCharField
from apps.users import exceptions
from apps.users.models import Session, User
from apps.users.selectors.tokens import access_tokens as token_reader
from apps.users.types import Introspection, SessionReference, SessionUser
from infrastructure import token as tokens

# Not needed for authentication. Loaded on access.
LEFT_OUT: Final = ("password", "phone_index")
# Asked every few seconds for all who listen: one parameter however many they are, and no row for those who are fine.
_DEAD: Final = """SELECT asked.id FROM (SELECT value::uuid AS id FROM json_array_elements_text(%s::json)) AS asked
WHERE NOT EXISTS (
    SELECT FROM users_session JOIN users_user ON users_user.id = users_session.user_id
    WHERE users_session.id = asked.id AND ended_at IS NULL AND expires_at > %s AND is_active
)
"""
_SUBJECT: Final = UUID(int=1)
_SESSION: Final = UUID(int=2)
_NOW: Final = datetime(1, 1, 1, tzinfo=UTC)
_SESSIONS: Final = "the ids of many sessions"


@dataclass(frozen=True, slots=True)
class _Statement:
    """SQL with parameters, and the fields of a row; the role's permissions are last. `encrypted` are fields by position."""

    sql: str
    arguments: tuple[Any, ...]
    fields: tuple[str, ...]
    encrypted: tuple[tuple[int, EncryptedCharField], ...] = ()

    def parameters(self, values: dict[Any, Any]) -> list[Any]:
        """Values for the parameters; others stay."""
        return [values.get(argument, argument) for argument in self.arguments]


@cache
def _statement() -> _Statement:
    """Compile the query.

    Raises TypeError when a selected field needs more than the driver's own conversion, or decryption.
    """
    query = (
        User.objects.with_permissions()
        .filter(
            pk=_SUBJECT,
            is_active=True,
            sessions__id=_SESSION,
            sessions__ended_at=None,
            sessions__expires_at__gt=_NOW,
        )
        .order_by()
        .defer(*LEFT_OUT)
        .query
    )
    compiler = query.get_compiler(DEFAULT_DB_ALIAS)
    sql, arguments = compiler.as_sql()
    columns = [column for column, _, _ in compiler.select]
    converted = [
        (position, columns[position].target) for position in sorted(compiler.get_converters(columns))
    ]
    encrypted = tuple(
        (position, field) for position, field in converted if isinstance(field, EncryptedCharField)
    )
    if len(encrypted) < len(converted):
        raise TypeError(f"Of {converted} some need a conversion: add these fields to LEFT_OUT.")
    if list(compiler.annotation_col_map.values()) != [len(columns) - 1]:
        raise TypeError("The permissions of the role are not the last column.")
    fields = tuple(column.target.attname for column in columns[:-1])
    return _Statement(sql, tuple(arguments), fields, encrypted)


@cache
def _session_users_statement() -> _Statement:
    """Compile the query for many. Raises TypeError as `_statement` does."""
    query = (
        # One array of any length: the statement stays the same and is prepared once.
        Session.objects.live(_NOW)
        .filter(id__in=RawSQL("SELECT unnest(%s::uuid[])", (_SESSIONS,)), user__is_active=True)
        .order_by()
        .values_list("id", "user_id", "user__name")
        .query
    )
    compiler = query.get_compiler(DEFAULT_DB_ALIAS)
    sql, arguments = compiler.as_sql()
    if converters := compiler.get_converters([column for column, _, _ in compiler.select]):
        raise TypeError(f"Columns {sorted(converters)} need a conversion.")
    return _Statement(sql, tuple(arguments), ("id", "user_id", "name"))


def authenticate_access(*, token: str, now: datetime | None = None) -> Caller:
    """The caller of an access token. One query; the result is not cached.

    Raises:
        AccessTokenExpired, AccessTokenRefused: for the token itself.
        SessionEnded: for a valid token whose session has ended or whose account is not active.
    """
    try:
        claims = token_reader().read(token)
    except tokens.TokenExpired:
        raise exceptions.AccessTokenExpired from None
    except tokens.TokenError:
        raise exceptions.AccessTokenRefused from None
    reference = SessionReference(user_id=claims.subject, session_id=claims.session)
    return authenticate_session(reference=reference, now=now)


def authenticate_session(*, reference: SessionReference, now: datetime | None = None) -> Caller:
    """The caller of a session. One query. Raises SessionEnded when it has ended or the account is not active."""
    user = _live_user(reference, now or timezone.now())
    if user is None:
        raise exceptions.SessionEnded
    return Caller(kind=CallerKind.USER, user=user, session_id=reference.session_id)


def _live_user(reference: SessionReference, now: datetime) -> User | None:
    statement = _statement()
    values: dict[Any, Any] = {_SUBJECT: reference.user_id, _SESSION: reference.session_id, _NOW: now}
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(statement.sql, statement.parameters(values))
        row = cursor.fetchone()
    if row is None:
        return None
    *values, held = row
    for position, _ in statement.encrypted:
        if values[position] is not None:
            values[position] = DEFERRED
    user = User.from_db(DEFAULT_DB_ALIAS, statement.fields, values)
    for position, field in statement.encrypted:
        if row[position] is not None:
            field.leave_encrypted(user, row[position])
    vars(user)["held"] = held
    return user


def introspect(*, token: str, now: datetime | None = None) -> Introspection:
    """The facts about a token for a service (RFC 7662). Never raises for a token."""
    try:
        caller = authenticate_access(token=token, now=now)
        claims = token_reader().read(token)
    except (
        exceptions.AccessTokenRefused,
        exceptions.AccessTokenExpired,
        exceptions.SessionEnded,
        tokens.TokenError,
    ):
        return Introspection(active=False)
    return Introspection(
        active=True, sub=claims.subject, sid=claims.session, exp=claims.expires_at, role=caller.user.role
    )


def list_dead_sessions(*, session_ids: Collection[UUID], now: datetime | None = None) -> set[UUID]:
    """Those of the given sessions that have ended, are unknown, or whose account is not active."""
    if not session_ids:
        return set()
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_DEAD, [orjson.dumps([*session_ids]).decode(), now or timezone.now()])
        return {id_ for (id_,) in cursor.fetchall()}


def list_session_users(
    *, proofs: Sequence[str | SessionReference | None], now: datetime | None = None
) -> list[SessionUser | None]:
    """Maps access tokens, and sessions that tickets stand for, to their users, by one query.

    None for a token that is not valid, and for a session that has ended.
    """
    reader = token_reader()
    references = [_reference(reader, proof) for proof in proofs]
    session_ids = [one.session_id for one in references if one is not None]
    if not session_ids:
        return [None] * len(proofs)
    statement = _session_users_statement()
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(
            statement.sql, statement.parameters({_SESSIONS: session_ids, _NOW: now or timezone.now()})
        )
        found = {id_: (user_id, name) for id_, user_id, name in cursor.fetchall()}
    users: list[SessionUser | None] = []
    for one in references:
        user_id, name = found.get(one.session_id, (None, "")) if one is not None else (None, "")
        if one is None or user_id != one.user_id:
            users.append(None)
        else:
            users.append(SessionUser(user_id=user_id, name=name, session_id=one.session_id))
    return users


def _reference(reader: tokens.AccessTokens, proof: str | SessionReference | None) -> SessionReference | None:
    if not isinstance(proof, str):
        return proof
    try:
        claims = reader.read(proof)
    except tokens.TokenError:
        return None
    return SessionReference(user_id=claims.subject, session_id=claims.session)
