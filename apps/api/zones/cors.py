"""Answers corsheaders from the zone table: which browser origins may call which zone."""

from __future__ import annotations

from typing import Any

from corsheaders.signals import check_request_enabled
from django.http import HttpRequest

from apps.api.zones import table


def is_origin_allowed(request: HttpRequest) -> bool:
    """Whether the zone of this path accepts the request's Origin; the index accepts those of any zone."""
    origin = request.META.get("HTTP_ORIGIN", "")
    _, api, name, *_ = f"{request.path_info}///".split("/", 3)
    if not origin or api != "api":
        return False
    shared = name in ("", "problems")
    for zone in table.table():
        if (shared or zone.name == name) and ("*" in zone.cors.origins or origin in zone.cors.origins):
            return True
    return False


def _answer(*, request: HttpRequest, **_: Any) -> bool:
    return is_origin_allowed(request)


def connect() -> None:
    check_request_enabled.connect(_answer, dispatch_uid="apps.api.zones.cors")
