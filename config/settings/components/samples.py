"""Secrets of development and test. They are public, so production refuses them by value."""

SAMPLE_SECRET_KEY = "sample-of-development-only-never-in-production-0123456789abcdef"  # noqa: S105
SAMPLE_JWT_KEY = "sample-of-development-only-never-in-production-fedcba9876543210"
# Ed25519 wants 32 bytes in base64: this is "sample-of-development-signingkey".
SAMPLE_EDDSA_KEY = "c2FtcGxlLW9mLWRldmVsb3BtZW50LXNpZ25pbmdrZXk"
# Fernet wants 32 url-safe base64 bytes: this is "sample-key-for-development-only!".
SAMPLE_FIELD_KEY = "c2FtcGxlLWtleS1mb3ItZGV2ZWxvcG1lbnQtb25seSE="

SAMPLES = frozenset({SAMPLE_SECRET_KEY, SAMPLE_JWT_KEY, SAMPLE_EDDSA_KEY, SAMPLE_FIELD_KEY})
