"""What makes a secret weak, and the samples of development. Strong ones are written by `make env` (scripts/dotenv.py)."""

from __future__ import annotations

from typing import Final

# They are public, so production refuses them by value.
SAMPLE_SECRET_KEY: Final = "sample-of-development-only-never-in-production-0123456789abcdef"  # noqa: S105
SAMPLE_JWT_KEY: Final = "sample-of-development-only-never-in-production-fedcba9876543210"
# Ed25519 wants 32 bytes in base64: this is "sample-of-development-signingkey".
SAMPLE_EDDSA_KEY: Final = "c2FtcGxlLW9mLWRldmVsb3BtZW50LXNpZ25pbmdrZXk"
# Fernet wants 32 url-safe base64 bytes: this is "sample-key-for-development-only!".
SAMPLE_FIELD_KEY: Final = "c2FtcGxlLWtleS1mb3ItZGV2ZWxvcG1lbnQtb25seSE="
_SAMPLES: Final = frozenset({SAMPLE_SECRET_KEY, SAMPLE_JWT_KEY, SAMPLE_EDDSA_KEY, SAMPLE_FIELD_KEY})
_LEAST_DISTINCT: Final = 12


def is_sample(value: str) -> bool:
    """Whether a value is one that this project prints somewhere, or says that it wants to be replaced."""
    return value in _SAMPLES or "sample" in value.lower() or "change" in value.lower()


def weakness(value: str, *, least: int) -> str | None:
    """What is wrong with a secret of at least so many characters, as the end of a sentence; None for a strong one."""
    if not value:
        return "is empty"
    if is_sample(value):
        return "is a sample value"
    if len(value) < least:
        return f"is shorter than {least} characters"
    if len(set(value)) < _LEAST_DISTINCT:
        return "repeats itself"
    return None
