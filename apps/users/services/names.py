"""Rules for the names of accounts: one visible line that does not imitate the product or its staff."""

from __future__ import annotations

from functools import cache
from typing import Final

from django.conf import settings

from apps.common import text
from apps.common.exceptions import FieldError, InvalidInput
from apps.users.models import NAME_LENGTH

ERASED_NAME: Final = "Deleted account"
# Senders of the product itself.
_OWN: Final = ("System", "Deleted user", ERASED_NAME)
# Staff titles, which only admins may give to an account.
_OFFICES: Final = (
    *(
        "Admin",
        "Admins",
        "Administrator",
        "Administrators",
        "Administration",
        "Root",
        "Sysadmin",
        "Superuser",
    ),
    *("Support", "Support team", "Customer support", "Help", "Help desk", "Service", "Customer service"),
    *("Moderator", "Moderators", "Moderation", "Staff", "Team", "Official", "Operator", "Owner"),
    *(
        "Security",
        "Security team",
        "Abuse",
        "Postmaster",
        "Webmaster",
        "Hostmaster",
        "No reply",
        "Mailer daemon",
    ),
)


def clean_name(name: str, *, before: str = "", by_admin: bool = False) -> str:
    """The name to store. Raises InvalidLine; InvalidInput for a reserved one, unless it equals `before`."""
    name = text.clean_line(name)
    if name != before and _is_reserved(name, by_admin=by_admin):
        detail = "This name is reserved. Choose another one."
        raise InvalidInput(detail, errors=[FieldError(field="name", code="reserved", detail=detail)])
    return name


def name_for(*wishes: str) -> str:
    """The first acceptable name, for a user who cannot be asked for another one."""
    fitting = (text.fit_line(wish, NAME_LENGTH) for wish in wishes)
    return next((name for name in fitting if name and not _is_reserved(name)), "New account")


def _is_reserved(name: str, *, by_admin: bool = False) -> bool:
    product = text.skeleton(settings.PRODUCT_NAME)
    looks = text.skeleton(name)
    words = {text.skeleton(word) for word in name.split()}
    return (
        looks in _skeletons(_OWN)
        or product in (looks, *words)
        or (not by_admin and looks in _skeletons(_OFFICES))
    )


@cache
def _skeletons(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(text.skeleton, names))
