"""The close codes of all sockets and streams, with their descriptions in the AsyncAPI documents.

Codes from 4000 are private (RFC 6455, section 7.4.2). They are part of the API and never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

INVALID_TEXT: Final = 1007
TOO_BIG: Final = 1009
FAULT: Final = 1011
RESTART: Final = 1012
LAGGING: Final = 1013
NOT_AUTHENTICATED: Final = 4401
NOT_A_MEMBER: Final = 4403
NO_SUCH_ROOM: Final = 4404
UNKNOWN_VERSION: Final = 4406
SESSION_ENDED: Final = 4408
TOO_MANY_SOCKETS: Final = 4409
TOO_FAST: Final = 4429

COMMON: Final[Mapping[int, str]] = {
    NOT_AUTHENTICATED: "Not authenticated: no token, or an invalid one. Reconnect with a new token.",
    UNKNOWN_VERSION: "The server supports none of the offered protocol versions.",
    SESSION_ENDED: "The session has ended. Sign in.",
    TOO_MANY_SOCKETS: "Too many sockets of this user or address. Close one of them first.",
    TOO_FAST: "Too many frames or invalid tokens. Reconnect later, and send more slowly.",
    INVALID_TEXT: "A text frame is not UTF-8.",
    FAULT: "An error of the server. Reconnect with `?after=`.",
    RESTART: "The server restarts, or its database is unavailable. Reconnect with `?after=`.",
    LAGGING: "The client read no frames for too long. Reconnect with `?after=`.",
}
"""The codes of every socket."""
