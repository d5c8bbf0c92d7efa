"""Accounts, passwords, tokens, field encryption."""

from __future__ import annotations

from datetime import timedelta

from config import env

AUTH_USER_MODEL = "users.User"
LOGIN_URL = "/admin/login/"
JWT_ISSUER = env.text("JWT_ISSUER")
JWT_AUDIENCE = JWT_ISSUER
ACCESS_TOKEN_LIFETIME = timedelta(seconds=env.number("ACCESS_TOKEN_SECONDS"))
REFRESH_TOKEN_LIFETIME = timedelta(seconds=env.number("REFRESH_TOKEN_SECONDS"))
REQUIRE_VERIFIED_EMAIL = env.flag("REQUIRE_VERIFIED_EMAIL")
REGISTRATION_UNIFORM = env.flag("REGISTRATION_UNIFORM")

PASSWORD_HASHERS = ["apps.users.hashers.Argon2idHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]


def key_ring(entries: list[str]) -> tuple[tuple[str, str], ...]:
    """`["2026a:secret", …]` as ((kid, secret), …). An entry without a colon gets the kid of its position."""
    ring = []
    for position, entry in enumerate(entries):
        kid, separator, secret = entry.partition(":")
        ring.append((kid, secret) if separator else (f"k{position}", entry))
    return tuple(ring)


JWT_KEYS = key_ring(env.items("JWT_KEYS"))
FIELD_ENCRYPTION_KEYS = tuple(env.items("FIELD_ENCRYPTION_KEY"))
