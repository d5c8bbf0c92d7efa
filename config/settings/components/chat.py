"""Rooms over WebSocket: what one socket, one person and one address may take up. Limits count in each process."""

from __future__ import annotations

from config import env

CHAT_FRAMES_PER_SECOND = env.number("CHAT_FRAMES_PER_SECOND")
CHAT_SOCKETS_PER_USER = env.number("CHAT_SOCKETS_PER_USER")
CHAT_SOCKETS_PER_ADDRESS = env.number("CHAT_SOCKETS_PER_ADDRESS")
CHAT_SEARCH_LANGUAGE = env.text("CHAT_SEARCH_LANGUAGE")
CHAT_ATTACHMENT_MAX_PIXELS = 24_000_000
# What one person may do that costs others something: mails to strangers, room for files, notifications.
CHAT_LIMITS: dict[str, tuple[str, ...]] = {
    "invitations": ("30/hour", "100/day"),
    "uploads": ("60/10 minutes", "600/day"),
    "notices": ("60/10 minutes", "300/hour"),
}
# Files that one person may have uploaded and not yet posted.
CHAT_PENDING_ATTACHMENTS = 20
CHAT_DATABASE_THREADS = env.number("CHAT_DATABASE_THREADS")
# Many frames in one write, by a class of ours in the server (infrastructure.server.websocket_protocol).
WEBSOCKET_JOINED_WRITES = env.flag("WEBSOCKET_JOINED_WRITES")
