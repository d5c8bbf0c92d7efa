"""Strong values for `.env`, and the refusal of weak ones. `python -m config.secrets` prints a complete `.env`."""

from __future__ import annotations

import secrets
import string
import sys
from collections.abc import Sequence

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from config.settings.components.samples import SAMPLES

MIN_SECRET_LENGTH = 50
MIN_JWT_KEY_LENGTH = 43  # 32 random bytes in base64, the size of HS256's hash (RFC 7518, section 3.2)
_ALPHABET = string.ascii_letters + string.digits


def _weakness(value: str, minimum: int) -> str | None:
    if value in SAMPLES or "sample" in value.lower() or "change" in value.lower():
        return "is a sample value"
    if len(value) < minimum:
        return f"is shorter than {minimum} characters"
    if len(set(value)) < 12:
        return "repeats itself"
    return None


def require_strong(
    *,
    secret_key: str,
    jwt_keys: Sequence[tuple[str, str]],
    field_keys: Sequence[str],
    allowed_hosts: Sequence[str],
) -> None:
    """Refuse to start with a missing, weak or sample secret.

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
    for position, key in enumerate(field_keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            faults.append(f"FIELD_ENCRYPTION_KEY: key {position} is not 32 bytes in URL-safe base64")
            continue
        if key in SAMPLES:
            faults.append(f"FIELD_ENCRYPTION_KEY: key {position} is a sample value")
    if not allowed_hosts or "*" in allowed_hosts:
        faults.append("ALLOWED_HOSTS has to name the hosts that are answered")
    if faults:
        raise ImproperlyConfigured(
            "Production refuses to start:\n  - "
            + "\n  - ".join(faults)
            + "\n`make env` writes a .env with strong values."
        )


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def dot_env() -> str:
    """A `.env` for `docker compose up`: strong secrets, and the few values that an installation changes first."""
    values = {
        "SECRET_KEY": _random(64),
        "JWT_KEYS": f"k1:{_random(64)}",
        "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "POSTGRES_PASSWORD": _random(40),
        "REDIS_PASSWORD": _random(40),
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "PUBLIC_URL": "http://localhost:8080",
        "SECURE_SSL": "false",
    }
    head = "# Written by `make env`: the secrets of this installation. Keep it out of version control.\n"
    return head + "".join(f"{name}={value}\n" for name, value in values.items())


if __name__ == "__main__":
    sys.stdout.write(dot_env())
