"""Settings of chat. Limits on sockets count in each process."""

from __future__ import annotations

from apps.chat.types import Language
from infrastructure import environment

VARIABLES = environment.Variables("Chat")

CHAT_FRAMES_PER_SECOND = VARIABLES.number(
    "CHAT_FRAMES_PER_SECOND",
    20,
    "Frames a socket may send; five seconds' worth may come at once",
    least=1,
    most=1_000_000,
)
CHAT_SOCKETS_PER_USER = VARIABLES.number(
    "CHAT_SOCKETS_PER_USER", 20, "Open sockets of one user in one process", least=1, most=1_000_000
)
CHAT_SOCKETS_PER_ADDRESS = VARIABLES.number(
    "CHAT_SOCKETS_PER_ADDRESS",
    500,
    "Open sockets of one client address in one process",
    least=1,
    most=1_000_000,
)
CHAT_PUBLIC_ROOMS_PER_USER = VARIABLES.number(
    "CHAT_PUBLIC_ROOMS_PER_USER", 50, "Public rooms that one user may own", least=1, most=1_000_000
)
CHAT_SEARCH_LANGUAGE = VARIABLES.choice(
    "CHAT_SEARCH_LANGUAGE",
    "simple",
    "Language of search in new rooms",
    choices=Language.values,
)
CHAT_DATABASE_THREADS = VARIABLES.number(
    "CHAT_DATABASE_THREADS",
    3,
    "Threads with a connection for sockets, in one process: one stores, the others read",
    least=1,
    most=100,
)
CHAT_ATTACHMENT_MAX_PIXELS = 24_000_000
# Rate limits of one user's actions that send mails or notifications or take up storage.
CHAT_LIMITS: dict[str, tuple[str, ...]] = {
    "invitations": ("30/hour", "100/day"),
    "uploads": ("60/10 minutes", "600/day"),
    "notices": ("60/10 minutes", "300/hour"),
}
# Uploads of one user that are not attached to a message yet.
CHAT_PENDING_ATTACHMENTS = 20
