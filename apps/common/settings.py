"""Settings of encrypted columns, the audit log, the outbox and socket handshakes."""

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
_SAMPLES = [position for position, key in enumerate(FIELD_ENCRYPTION_KEYS, 1) if secrets.is_sample(key)]
VARIABLES.weak(
    "FIELD_ENCRYPTION_KEY",
    [f"holds a sample value as key {position}" for position in _SAMPLES]
    if FIELD_ENCRYPTION_KEYS
    else ["is empty"],
)
# The database refuses to delete the last 30 days (migration common.0002).
AUDIT_RETENTION = timedelta(
    days=VARIABLES.number(
        "AUDIT_RETENTION_DAYS", 400, "Days that the audit log keeps a row", least=30, most=36_500
    )
)
# Relay events right after their transaction; otherwise only beat's sweep relays them (apps.common.events.outbox).
OUTBOX_RELAY_THREAD = True
# Handshakes with an invalid token, by address. Zones have their own limit in the zone table.
SOCKET_REFUSED_RATES = ("600/minute",)

# Values that were encrypted without a .env stay readable.
DEVELOPMENT: dict[str, Any] = {"FIELD_ENCRYPTION_KEYS": (*FIELD_ENCRYPTION_KEYS, secrets.SAMPLE_FIELD_KEY)}
TEST: dict[str, Any] = {
    "FIELD_ENCRYPTION_KEYS": (secrets.SAMPLE_FIELD_KEY,),
    # Tests relay events themselves; a thread would write outside of their transactions.
    "OUTBOX_RELAY_THREAD": False,
}
