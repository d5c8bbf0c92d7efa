"""The console's pages for rooms, messages, members and invitations."""

from __future__ import annotations

from typing import Final

MODULE: Final = "chat/console/index.js"
STYLESHEETS: Final = ("chat/console/chat.css", "chat/console/message_extras.css")
