"""What slices share: encrypted columns, the audit log, the outbox, handshakes of sockets."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from typing import Any

from infrastructure import environment
from infrastructure.environment import Mistake, secrets

VARIABLES = environment.Variables("Data")


def _fernet_key(value: str) -> str:
    try:
        is_key = len(base64.b64decode(value.encode("ascii"), altchars=b"-_", validate=True)) == 32
    except (binascii.Error, UnicodeEncodeError):
        is_key = False
    if not is_key:
        raise Mistake("must hold keys of 32 bytes in URL-safe base64: `make env` writes one")
    return value


FIELD_ENCRYPTION_KEYS = VARIABLES.items(
    "FIELD_ENCRYPTION_KEY", "", "Fernet keys of encrypted columns, `new,old`", each=_fernet_key, secret=True
)
VARIABLES.weak("FIELD_ENCRYPTION_KEY", [None if FIELD_ENCRYPTION_KEYS else "is empty"])
VARIABLES.weak(
    "FIELD_ENCRYPTION_KEY",
    [
        f"holds a sample value as key {position}"
        for position, key in enumerate(FIELD_ENCRYPTION_KEYS, start=1)
        if secrets.is_sample(key)
    ],
)
# The database itself keeps the last 30 days (migration common.0002).
AUDIT_RETENTION = timedelta(
    days=VARIABLES.number(
        "AUDIT_RETENTION_DAYS", 400, "Days that the audit log keeps a row", least=30, most=36_500
    )
)
# Whether a process hands events on right after their transaction; beat's sweep does it anyway (apps.common.events.outbox).
OUTBOX_RELAY_THREAD = True
# Handshakes of sockets with a token that does not hold, by address; zones say theirs in the zone table.
SOCKET_REFUSED_RATES = ("600/minute",)

# What was encrypted before there was a .env stays readable.
DEVELOPMENT: dict[str, Any] = {"FIELD_ENCRYPTION_KEYS": (*FIELD_ENCRYPTION_KEYS, secrets.SAMPLE_FIELD_KEY)}
TEST: dict[str, Any] = {
    "FIELD_ENCRYPTION_KEYS": (secrets.SAMPLE_FIELD_KEY,),
    # Tests relay events themselves; a thread would write between their rollbacks.
    "OUTBOX_RELAY_THREAD": False,
}
