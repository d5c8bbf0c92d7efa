"""The tables of the users slice: accounts with their sessions and tokens."""

from apps.users.models.accounts import (
    NAME_LENGTH,
    PHONE_LENGTH,
    OneTimeToken,
    Purpose,
    RefreshToken,
    Role,
    Session,
    SessionEnd,
    User,
)
from apps.users.models.second_factor import RecoveryCode, SecondFactor

__all__ = [
    "NAME_LENGTH",
    "PHONE_LENGTH",
    "OneTimeToken",
    "Purpose",
    "RecoveryCode",
    "RefreshToken",
    "Role",
    "SecondFactor",
    "Session",
    "SessionEnd",
    "User",
]
