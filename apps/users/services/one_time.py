"""Tokens of links in mails: created with the mail, valid once. Only their digests are stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from apps.users import exceptions
from apps.users.models import OneTimeToken, Purpose, User
from infrastructure import token as tokens


def issue(
    *, user: User, purpose: Purpose, request_id: UUID, lifetime: timedelta, now: datetime
) -> str | None:
    """Create a token, or return None when the request has one already. Runs in the caller's transaction."""
    plain = tokens.new_token()
    row = OneTimeToken(
        id=request_id,
        user=user,
        purpose=purpose,
        digest=tokens.digest(plain),
        created_at=now,
        expires_at=now + lifetime,
        updated_at=now,
    )
    # A second worker with the same request waits here for the first, and then finds its row.
    OneTimeToken.objects.bulk_create([row], ignore_conflicts=True)
    is_ours = OneTimeToken.objects.filter(pk=request_id, digest=row.digest).exists()
    return plain if is_ours else None


def find(*, token: str, purpose: Purpose, now: datetime) -> UUID:
    """The account of a token. Raises OneTimeTokenRefused."""
    usable = OneTimeToken.objects.usable(now).filter(digest=tokens.digest(token), purpose=purpose)
    able = User.objects.able_to_sign_in()
    user_id = usable.filter(user__in=able).values_list("user_id", flat=True).first()
    if user_id is None:
        raise exceptions.OneTimeTokenRefused
    return user_id


def redeem(*, token: str, purpose: Purpose, now: datetime) -> UUID:
    """Use a token up and return its account. Raises OneTimeTokenRefused, also for all but one of concurrent uses."""
    user_id = find(token=token, purpose=purpose, now=now)
    if (
        not OneTimeToken.objects.usable(now)
        .filter(digest=tokens.digest(token))
        .update(used_at=now, updated_at=now)
    ):
        raise exceptions.OneTimeTokenRefused
    return user_id
