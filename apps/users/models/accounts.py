"""Accounts, their sign-ins, and the tokens of both. Rules of one row; what spans rows or time is in services."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Final

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.common.callers import ALL
from apps.common.encryption.blind_indexes import BlindIndexField
from apps.common.encryption.fields import EncryptedCharField
from apps.common.models import BaseModel
from apps.users import phone_numbers
from apps.users.email_addresses import CanonicalEmailField
from apps.users.managers import OneTimeTokenQuerySet, RefreshTokenQuerySet, SessionQuerySet, UserManager
from apps.users.models.roles import CODE_LENGTH, Role
from apps.users.types import Permission

NAME_LENGTH: Final = 100
PHONE_LENGTH: Final = 32


# Who holds one of these has to have a second factor (ADMIN_SECOND_FACTOR).
_PRIVILEGED: Final = frozenset({ALL, Permission.ENTER_ADMIN, Permission.USE_SITE})


class User(AbstractBaseUser, BaseModel):
    """A person's account.

    `is_active` is what an admin switches; `erased_at` is set for good and leaves a shell without personal data, so
    that what others wrote to this person still has somebody to point at.
    """

    email = CanonicalEmailField(
        unique=True, error_messages={"unique": "An account with this address exists."}
    )
    name = models.CharField(max_length=NAME_LENGTH)
    phone = EncryptedCharField(max_length=PHONE_LENGTH, null=True, blank=True, default=None)
    phone_index = BlindIndexField(source="phone", normalise=phone_numbers.canonical)
    # A code of Role. The foreign key is the database's alone (migration users.0005): what is read of an account at each
    # request, and said of it in the API, is the code.
    role = models.CharField(max_length=CODE_LENGTH, default=Role.USER)
    is_active = models.BooleanField(default=True)
    email_verified_at = models.DateTimeField(null=True, blank=True)
    # The name of a file in the default storage; only infrastructure.storage makes such files.
    avatar = models.CharField(max_length=120, blank=True, default="", editable=False)
    # Cookies of the admin site from before then are void; bearer tokens have their sessions for that.
    signed_out_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Since when signing in takes a second factor; who confirmed it, or has signed in since, has shown it.
    second_factor_at = models.DateTimeField(null=True, blank=True, editable=False)
    welcomed_at = models.DateTimeField(null=True, blank=True, editable=False)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    # Sessions know when they were last seen; one more time here would be one more write at each sign-in.
    last_login = None

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects = UserManager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(condition=~Q(email__regex="[A-Z]"), name="users_user_email_canonical"),
            models.CheckConstraint(
                condition=Q(phone__isnull=True, phone_index__isnull=True)
                | Q(phone__isnull=False, phone_index__isnull=False),
                name="users_user_phone_indexed",
            ),
            models.CheckConstraint(
                condition=Q(erased_at=None) | Q(is_active=False), name="users_user_erased_inactive"
            ),
        )
        indexes = (
            models.Index(fields=("-created_at", "-id"), name="users_user_newest"),
            models.Index(fields=("name", "id"), name="users_user_name"),
            models.Index(fields=("role", "id"), name="users_user_role"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def granted(self) -> frozenset[str]:
        """What the role holds: brought along by `UserManager.with_permissions`, else asked for."""
        held: list[str] | None = self.__dict__.get("held")
        return frozenset(Role.objects.held_by(self.role) if held is None else held)

    @property
    def lacks_second_factor(self) -> bool:
        """Whether the role opens nothing to this account until it has set up a second factor."""
        return (
            self.second_factor_at is None
            and bool(settings.ADMIN_SECOND_FACTOR)
            and not self.granted.isdisjoint(_PRIVILEGED)
        )

    @property
    def permissions(self) -> frozenset[str]:
        """What this account may do by its role, as things stand."""
        return frozenset() if self.lacks_second_factor else self.granted

    def may(self, permission: StrEnum) -> bool:
        """Whether `permissions` has that one."""
        held = self.permissions
        return permission in held or ALL in held

    @property
    def is_admin(self) -> bool:
        """Whether the admin zone is open to this account."""
        return self.may(Permission.ENTER_ADMIN)

    @property
    def is_staff(self) -> bool:
        """Whether the admin site is open to this account; who is let in there may do everything there."""
        return self.may(Permission.USE_SITE)

    @property
    def is_superuser(self) -> bool:
        """Django's word for it."""
        return self.is_staff

    @property
    def is_verified(self) -> bool:
        """Whether somebody has shown that mail to the address reaches them."""
        return self.email_verified_at is not None

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What Django keeps in a cookie's session and compares at each request (`get_session_auth_hash` calls it)."""
        stands_for = f"{self.password}:{self.signed_out_at and self.signed_out_at.isoformat()}"
        return salted_hmac("apps.users.cookie", stands_for, secret=secret, algorithm="sha256").hexdigest()

    def clean(self) -> None:
        """Nothing: the address is brought to its form by its field, in all ways in."""

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """Django's admin site asks this."""
        return self.is_active and self.is_staff

    def has_perms(self, perm_list: list[str], obj: models.Model | None = None) -> bool:
        """As `has_perm`."""
        return self.has_perm("", obj)

    def has_module_perms(self, app_label: str) -> bool:
        """As `has_perm`."""
        return self.has_perm("")


class SessionEnd(models.TextChoices):
    """Why a session is over."""

    LOGOUT = "logout", "Signed out"
    REVOKED = "revoked", "Ended by its owner from elsewhere"
    ADMIN = "admin", "Ended by an admin"
    REUSED = "reused", "A refresh token was used twice"
    PASSWORD = "password", "The password changed"
    ROLE = "role", "The role changed"
    SECOND_FACTOR = "second_factor", "The second factor changed"
    DEACTIVATED = "deactivated", "The account was deactivated"


class Session(BaseModel):
    """One sign-in on one device, and the family of refresh tokens that goes back to it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    user_agent = models.CharField(max_length=200, blank=True, default="")
    network = models.CharField(max_length=64, blank=True, default="")
    last_seen_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=16, choices=SessionEnd.choices, blank=True, default="")

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(ended_at=None, end_reason="") | (Q(ended_at__isnull=False) & ~Q(end_reason="")),
                name="users_session_end_has_reason",
            ),
        )
        indexes = (
            models.Index(fields=("user",), condition=Q(ended_at=None), name="users_session_open"),
            models.Index(fields=("expires_at",), name="users_session_expiry"),
        )

    def __str__(self) -> str:
        return f"session {self.pk}"


class RefreshToken(models.Model):
    """One link of a session's chain: used once, and kept until it expires, so that a second use is recognised."""

    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="refresh_tokens")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    objects = RefreshTokenQuerySet.as_manager()

    class Meta:
        constraints = (
            # However two rotations meet, a session never has two tokens that work.
            models.UniqueConstraint(
                fields=("session",), condition=Q(used_at=None), name="users_refreshtoken_one_unused"
            ),
        )
        indexes = (models.Index(fields=("expires_at",), name="users_refreshtoken_expiry"),)

    def __str__(self) -> str:
        return f"refresh token {self.pk}"


class Purpose(models.TextChoices):
    """What a one-time token is good for."""

    VERIFY_EMAIL = "verify_email", "Verify the address"
    RESET_PASSWORD = "reset_password", "Set a new password"
    EMAIL_OLD = "email_old", "Leave the address"
    EMAIL_NEW = "email_new", "Move to the address"
    SECOND_FACTOR = "second_factor", "Go on signing in with a second factor"


class OneTimeToken(BaseModel):
    """The secret of a link in a mail, or of a sign-in half done, by its digest. `id` is that of the request, which makes sending idempotent."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="one_time_tokens")
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    objects = OneTimeTokenQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="users_onetimetoken_lifetime"
            ),
        )
        indexes = (models.Index(fields=("expires_at",), name="users_onetimetoken_expiry"),)

    def __str__(self) -> str:
        return f"{self.purpose} token {self.pk}"
