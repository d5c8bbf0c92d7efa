"""The refusal of weak secrets. Strong ones are written by `make env` (scripts/dotenv.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from config.settings.components.samples import SAMPLES

MIN_SECRET_LENGTH = 50
MIN_JWT_KEY_LENGTH = 43  # 32 random bytes in base64, the size of HS256's hash (RFC 7518, section 3.2)


def is_sample(value: str) -> bool:
    """Whether a value is one that this project prints somewhere, or says that it wants to be replaced."""
    return value in SAMPLES or "sample" in value.lower() or "change" in value.lower()


def _weakness(value: str, minimum: int) -> str | None:
    if is_sample(value):
        return "is a sample value"
    if len(value) < minimum:
        return f"is shorter than {minimum} characters"
    if len(set(value)) < 12:
        return "repeats itself"
    return None


def _field_key_faults(keys: Sequence[str]) -> list[str]:
    faults = []
    for position, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            faults.append(f"FIELD_ENCRYPTION_KEY: key {position} is not 32 bytes in URL-safe base64")
            continue
        if key in SAMPLES:
            faults.append(f"FIELD_ENCRYPTION_KEY: key {position} is a sample value")
    return faults


def require_strong(
    *,
    secret_key: str,
    jwt_keys: Sequence[tuple[str, str]],
    field_keys: Sequence[str],
    allowed_hosts: Sequence[str],
    urls: Mapping[str, str] | None = None,
) -> None:
    """Refuse to start with a missing, weak or sample secret. `urls` are of services, by variable: their passwords count.

    Raises:
        ImproperlyConfigured: names every fault at once, and never a value.
    """
    faults: list[str] = []
    if weakness := _weakness(secret_key, MIN_SECRET_LENGTH):
        faults.append(f"SECRET_KEY {weakness}")
    if not jwt_keys:
        faults.append("JWT_KEYS is empty")
    for kid, secret in jwt_keys:
        if weakness := _weakness(secret, MIN_JWT_KEY_LENGTH):
            faults.append(f"JWT_KEYS: the key {kid!r} {weakness}")
    if len({kid for kid, _ in jwt_keys}) != len(jwt_keys):
        faults.append("JWT_KEYS names one kid twice")
    if not field_keys:
        faults.append("FIELD_ENCRYPTION_KEY is empty")
    faults += _field_key_faults(field_keys)
    if not allowed_hosts or "*" in allowed_hosts:
        faults.append("ALLOWED_HOSTS has to name the hosts that are answered")
    for name, url in (urls or {}).items():
        # Not how long: the other side may have been given its password by somebody else.
        if is_sample(urlsplit(url).password or ""):
            faults.append(f"{name}: the password is a sample value")
    if faults:
        raise ImproperlyConfigured(
            "Production refuses to start:\n  - "
            + "\n  - ".join(faults)
            + "\n`make env` writes a .env with strong values."
        )
