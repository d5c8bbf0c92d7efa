"""Accounts, with the rules of a single row. Services hold rules across rows or time."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Final

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.common.callers import ALL
from apps.common.encryption.blind_indexes import BlindIndexField
from apps.common.encryption.fields import EncryptedCharField
from apps.common.models import BaseModel
from apps.common.text import LINE_PATTERN, clean_line, validate_line
from apps.users import email_addresses, phone_numbers
from apps.users.email_addresses import CanonicalEmailField
from apps.users.models.roles import CODE_LENGTH, Role
from apps.users.types import Permission

NAME_LENGTH: Final = 100
PHONE_LENGTH: Final = 32


# Holders of one of these need a second factor (ADMIN_SECOND_FACTOR).
_PRIVILEGED: Final = frozenset({ALL, Permission.ENTER_ADMIN, Permission.USE_SITE})


class UserManager(BaseUserManager["User"]):
    """Creates and finds accounts. Registration, with its rules and events, is a service."""

    def existing(self) -> QuerySet[User]:
        """Without erased accounts."""
        return self.filter(erased_at=None)

    def able_to_sign_in(self) -> QuerySet[User]:
        """Active accounts, and those in the grace period of an erasure that the owner requested."""
        return self.filter(Q(is_active=True) | Q(erase_at__gt=timezone.now()))

    def with_permissions(self) -> QuerySet[User]:
        """With `held`: the permissions of each account's role."""
        held = Role.objects.up_to(OuterRef("role"), depth=1).each_permission()
        return self.annotate(held=ArraySubquery(held))

    def active_admins(self) -> QuerySet[User]:
        """Active accounts that can administer others."""
        return self.filter(role="admin", is_active=True)

    def get_by_natural_key(self, username: str | None) -> User:
        """The account of an address in any spelling. Raises User.DoesNotExist."""
        try:
            address = email_addresses.canonical(username or "")
        except email_addresses.InvalidEmail:
            raise self.model.DoesNotExist from None
        return self.get(email=address)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an account; without a password it cannot sign in. Raises InvalidEmail, InvalidLine."""
        if "name" in fields:
            fields["name"] = clean_line(fields["name"])
        user = self.model(email=email_addresses.mailable(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an account with the admin role (`manage.py createsuperuser`). Its address counts as verified."""
        fields.setdefault("name", "Administrator")
        return self.create_user(email, password, role="admin", email_verified_at=timezone.now(), **fields)


class User(AbstractBaseUser, BaseModel):
    """An account.

    An admin changes `is_active`; `erased_at` is permanent and leaves a row without personal data, which messages to and from
    the account still refer to.
    """

    email = CanonicalEmailField(
        unique=True, error_messages={"unique": "An account with this address exists."}
    )
    name = models.CharField(max_length=NAME_LENGTH, validators=[validate_line])
    phone = EncryptedCharField(max_length=PHONE_LENGTH, null=True, blank=True, default=None)
    phone_index = BlindIndexField(source="phone", normalise=phone_numbers.canonical)
    # A code of Role. The foreign key is the database's alone (migration users.0005): what is read of an account at each
    # request, and shown of it in the API, is the code.
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
    # Erasure waits until then: signing in before cancels it, which an account that an admin switched off cannot do.
    erase_at = models.DateTimeField(null=True, blank=True, editable=False)
    erase_content = models.BooleanField(default=False, db_default=False, editable=False)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    # Sessions record when they were last seen; a column here would cost a further write at each sign-in.
    last_login = None

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects = UserManager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(condition=~Q(email__regex="[A-Z]"), name="users_user_email_canonical"),
            models.CheckConstraint(condition=Q(name__regex=LINE_PATTERN), name="users_user_name_line"),
            models.CheckConstraint(
                condition=Q(phone__isnull=True, phone_index__isnull=True)
                | Q(phone__isnull=False, phone_index__isnull=False),
                name="users_user_phone_indexed",
            ),
            models.CheckConstraint(
                condition=Q(erased_at=None) | Q(is_active=False), name="users_user_erased_inactive"
            ),
            models.CheckConstraint(
                condition=Q(erase_at=None) | Q(is_active=False), name="users_user_erase_at_inactive"
            ),
        )
        indexes = (
            models.Index(fields=("-created_at", "-id"), name="users_user_newest"),
            models.Index(fields=("name", "id"), name="users_user_name"),
            models.Index(fields=("role", "id"), name="users_user_role"),
            models.Index(
                fields=("erase_at",), condition=Q(erase_at__isnull=False), name="users_user_erase_at"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def granted(self) -> frozenset[str]:
        """The permissions of the role: loaded by `UserManager.with_permissions`, else queried."""
        held: list[str] | None = self.__dict__.get("held")
        return frozenset(Role.objects.held_by(self.role) if held is None else held)

    @property
    def lacks_second_factor(self) -> bool:
        """Whether the role grants nothing until the account has set up a second factor."""
        return (
            self.second_factor_at is None
            and bool(settings.ADMIN_SECOND_FACTOR)
            and not self.granted.isdisjoint(_PRIVILEGED)
        )

    @property
    def permissions(self) -> frozenset[str]:
        """The account's permissions by its role at the moment."""
        return frozenset() if self.lacks_second_factor else self.granted

    def may(self, permission: StrEnum) -> bool:
        held = self.permissions
        return permission in held or ALL in held

    @property
    def can_sign_in(self) -> bool:
        """Whether the account is active, or becomes active again by signing in."""
        return self.is_active or (self.erase_at is not None and self.erase_at > timezone.now())

    @property
    def is_admin(self) -> bool:
        """Whether the account may enter the admin zone."""
        return self.may(Permission.ENTER_ADMIN)

    @property
    def is_staff(self) -> bool:
        """Whether the account may enter the admin site; those who may enter may do everything there."""
        return self.may(Permission.USE_SITE)

    @property
    def is_superuser(self) -> bool:
        """Required by Django."""
        return self.is_staff

    @property
    def is_verified(self) -> bool:
        """Whether mail to the address is known to reach the user."""
        return self.email_verified_at is not None

    def set_password(self, raw_password: str | None) -> None:
        """Void cookies of the admin site along with the old password."""
        super().set_password(raw_password)
        if not self._state.adding:
            self.signed_out_at = timezone.now()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """The value that Django stores in a cookie session and compares at each request."""
        # Without the hash of the password, whose renewal ends no session.
        identity = f"{self.pk}:{self.signed_out_at and self.signed_out_at.isoformat()}"
        return salted_hmac("apps.users.cookie", identity, secret=secret, algorithm="sha256").hexdigest()

    def clean(self) -> None:
        """Does nothing: the address's field canonicalises it on every path."""

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """Required by Django's admin site."""
        return self.is_active and self.is_staff

    def has_perms(self, perm_list: list[str], obj: models.Model | None = None) -> bool:
        return self.has_perm("", obj)

    def has_module_perms(self, app_label: str) -> bool:
        return self.has_perm("")
