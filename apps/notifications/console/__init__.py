"""The console's page of notifications."""

from __future__ import annotations

from typing import Final

MODULE: Final = "notifications/console/index.js"
STYLESHEETS: Final = ("notifications/console/notifications.css",)
