"""Registration."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common import audit, events
from apps.common.database.ids import uuid7
from apps.users import email_addresses, exceptions, limits
from apps.users.events import RegistrationRepeated, UserRegistered
from apps.users.models import User
from apps.users.services import names, password_rules
from apps.users.types import AuditAction, Device

_log = structlog.get_logger("security")


def register_user(
    *, email: str, name: str, password: str, device: Device, now: datetime | None = None
) -> User | None:
    """Create an account; a mail with the verification link follows.

    With REGISTRATION_UNIFORM the result is None, for new and for known addresses: only the mail tells the outcome.

    Raises:
        InvalidEmail, InvalidLine, InvalidInput, PasswordRefused, TooManyAttempts, HashingBusy: see there.
        EmailTaken: the address has an account, and REGISTRATION_UNIFORM is off.
    """
    address = email_addresses.mailable(email)
    # The owner of a known address gets a mail, and must not be flooded from many client addresses.
    account = address if settings.REGISTRATION_UNIFORM else ""
    limits.count_attempt("register", address=device.address, account=account)
    user = User(email=address, name=names.clean_name(name), created_at=now or timezone.now())
    password_rules.check_new_password(password, user=user)
    if not settings.REGISTRATION_UNIFORM and User.objects.filter(email=address).exists():
        raise exceptions.EmailTaken
    user.password = make_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            events.publish(UserRegistered(user_id=user.pk))
            audit.record(action=AuditAction.REGISTERED, actor_id=user.pk, target="user", target_id=user.pk)
    except IntegrityError:
        # The unique constraint decides, also between concurrent registrations.
        if not settings.REGISTRATION_UNIFORM:
            raise exceptions.EmailTaken from None
        _tell_owner(address)
    else:
        _log.info("users.registered", user_id=str(user.pk))
    return None if settings.REGISTRATION_UNIFORM else user


def _tell_owner(address: str) -> None:
    with transaction.atomic():
        user_id = User.objects.values_list("pk", flat=True).get(email=address)
        events.publish(RegistrationRepeated(user_id=user_id, request_id=uuid7()))
