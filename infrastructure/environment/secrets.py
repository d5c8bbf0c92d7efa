"""Detects weak secrets, and holds the samples of development. `make env` writes strong ones (scripts/dotenv.py)."""

from __future__ import annotations

from typing import Final

# They are public, so production refuses them by value.
SAMPLE_SECRET_KEY: Final = "sample-of-development-only-never-in-production-0123456789abcdef"  # noqa: S105
SAMPLE_JWT_KEY: Final = "sample-of-development-only-never-in-production-fedcba9876543210"
# Ed25519 takes 32 bytes in base64: this is "sample-of-development-signingkey".
SAMPLE_EDDSA_KEY: Final = "c2FtcGxlLW9mLWRldmVsb3BtZW50LXNpZ25pbmdrZXk"
# Fernet takes 32 url-safe base64 bytes: this is "sample-key-for-development-only!".
SAMPLE_FIELD_KEY: Final = "c2FtcGxlLWtleS1mb3ItZGV2ZWxvcG1lbnQtb25seSE="
_SAMPLES: Final = frozenset({SAMPLE_SECRET_KEY, SAMPLE_JWT_KEY, SAMPLE_EDDSA_KEY, SAMPLE_FIELD_KEY})
_LEAST_DISTINCT: Final = 12


def is_sample(value: str) -> bool:
    """Whether a value is printed somewhere in this project, or a placeholder."""
    return value in _SAMPLES or "sample" in value.lower() or "change" in value.lower()


def weakness(value: str, *, least: int) -> str | None:
    """The weakness of a secret of at least so many characters, as the end of a sentence; None for a strong one."""
    if not value:
        return "is empty"
    if is_sample(value):
        return "is a sample value"
    if len(value) < least:
        return f"is shorter than {least} characters"
    if len(set(value)) < _LEAST_DISTINCT:
        return "repeats itself"
    return None
