"""Accounts, passwords, tokens, field encryption."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config import env

# What the product calls itself, in mails and on the admin site; no account may be named so.
PRODUCT_NAME = "Sarsen"
AUTH_USER_MODEL = "users.User"
LOGIN_URL = "/admin/login/"
JWT_ALGORITHM = env.text("JWT_ALGORITHM")
JWT_ISSUER = env.text("JWT_ISSUER")
JWT_AUDIENCE = JWT_ISSUER
ACCESS_TOKEN_LIFETIME = timedelta(seconds=env.number("ACCESS_TOKEN_SECONDS"))
REFRESH_TOKEN_LIFETIME = timedelta(seconds=env.number("REFRESH_TOKEN_SECONDS"))
SESSION_LIFETIME = timedelta(seconds=env.number("SESSION_SECONDS"))
REFRESH_GRACE = timedelta(seconds=env.number("REFRESH_GRACE_SECONDS"))
REQUIRE_VERIFIED_EMAIL = env.flag("REQUIRE_VERIFIED_EMAIL")
REGISTRATION_UNIFORM = env.flag("REGISTRATION_UNIFORM")

# Development and the tests switch it off: their admins have one known password and no authenticator app.
ADMIN_SECOND_FACTOR = env.flag("ADMIN_SECOND_FACTOR")
# What an authenticator app shows above the code.
SECOND_FACTOR_ISSUER = PRODUCT_NAME
SECOND_FACTOR_LIFETIME = timedelta(minutes=5)

PASSWORD_HASHERS = ["apps.users.hashers.Argon2idHasher"]
# OWASP's first choice for Argon2id. One hash takes 45–56 ms and 46 MiB on a 2 GHz core (19 MiB and two passes: 19–25 ms;
# Django's default of 100 MiB, two passes and eight lanes: 142–175 ms). Existing hashes follow at each one's next sign-in.
ARGON2_MEMORY_KIB = 47_104
ARGON2_TIME = 1
ARGON2_PARALLELISM = 1
# Hashes that one process computes at a time: what a flood of sign-ins can cost in memory is this times the above.
ARGON2_CONCURRENCY = 4
AUTHENTICATION_BACKENDS = ["apps.users.backends.PasswordBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("name", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "apps.users.validators.BreachedPasswordValidator"},
]

# Attempts, whether they succeed or not. Windows slide, so nothing is locked for longer than its window; "pair" is one
# account from one address, the only one that counts against an address from which the account was signed in to lately.
IDENTITY_LIMITS: dict[str, dict[str, tuple[str, ...]]] = {
    "login": {
        "address": ("60/minute", "600/hour"),
        "account": ("20/5 minutes",),
        "pair": ("10/minute", "60/hour"),
    },
    # Three of a million codes work at any moment: at this pace a thief of the password needs a year for even odds.
    "second_factor": {
        "address": ("60/10 minutes",),
        "account": ("30/hour",),
        "pair": ("5/5 minutes", "20/hour"),
    },
    "oidc": {"address": ("60/10 minutes",)},
    "export": {"account": ("5/hour",)},
    "resend": {"address": ("20/10 minutes",), "account": ("5/hour",), "pair": ("3/10 minutes",)},
    "email": {"address": ("20/hour",), "account": ("5/hour",)},
    # Sign-ins to the admin site, on top of "login".
    "site": {"address": ("20/10 minutes",)},
    "reset": {"address": ("20/10 minutes",), "account": ("5/hour",), "pair": ("3/10 minutes",)},
    "register": {"address": ("60/10 minutes",), "account": ("5/hour",)},
}
# The admin site: pages for one person, or for one address that is not signed in; how long a session may lie idle, and last.
SITE_RATES = ("240/minute",)
SITE_IDLE_SECONDS = 1800
SITE_SESSION_SECONDS = 8 * 3600
VERIFICATION_LIFETIME = timedelta(days=2)
PROVIDER_SIGN_IN_LIFETIME = timedelta(minutes=10)
EMAIL_CHANGE_LIFETIME = timedelta(hours=12)
PASSWORD_RESET_LIFETIME = timedelta(hours=1)
AVATAR_MAX_PIXELS = 24_000_000
AVATAR_SIZE = 512


def provider_rows(text: str) -> list[Any]:
    """A JSON list; empty text is an empty one. Raises ImproperlyConfigured, and shows no value."""
    try:
        found = json.loads(text or "[]")
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise ImproperlyConfigured("OIDC_PROVIDERS is no JSON list.")
    return found


def key_ring(entries: list[str]) -> tuple[tuple[str, str], ...]:
    """`["2026a:secret", …]` as ((kid, secret), …). An entry without a colon gets the kid of its position."""
    ring = []
    for position, entry in enumerate(entries):
        kid, separator, secret = entry.partition(":")
        ring.append((kid, secret) if separator else (f"k{position}", entry))
    return tuple(ring)


JWT_KEYS = key_ring(env.items("JWT_KEYS"))
FIELD_ENCRYPTION_KEYS = tuple(env.items("FIELD_ENCRYPTION_KEY"))
# Rows as infrastructure.oauth.providers reads them; `redirect_uri` is PUBLIC_URL/?oidc=<name> unless it is given.
OIDC_PROVIDERS = provider_rows(env.text("OIDC_PROVIDERS"))
