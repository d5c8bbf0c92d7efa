"""Keeps secrets and e-mail addresses out of logs and error reports: by the name of a key, and by the form of a text."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

HIDDEN: Final = "[redacted]"
_MAX_DEPTH = 8

_SECRET_NAME = re.compile(
    r"(?:^|[_\-.\s])(?:tokens?|tickets?|pass(?:word|wd|phrase)s?|pwd|secrets?|authorization|cookies?|set-cookie|"
    r"api[_-]?keys?|private[_-]?keys?|credentials?|session[_-]?key|sessionid|csrf\w*|access|refresh|otp|dsn|challenge|verifier|flow|recovery[_-]?codes?)$",
    re.IGNORECASE,
)
# `?token=…` and the like in URLs and texts; credentials of a scheme; JWTs; passwords in URLs of services.
_SECRET_TEXT: Final = (
    (
        re.compile(
            r"(?i)((?:^|[?&;\s\"'{,])[\w-]*(?:token|ticket|password|secret|api_?key|access|refresh)[\"']?\s*[=:]\s*[\"']?)[^&\s\"',;}]+"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer|api-key|basic)(\s+|,\s*)[\w.~+/=-]{8,}"), rf"\1\2{HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]*\.?[\w-]*"), HIDDEN),
    (re.compile(r"(://[^:/@\s]*:)[^@/\s]+(@)"), rf"\1{HIDDEN}\2"),
    # E-mail addresses, bounded as in RFC 5321, so that no text makes the search slow.
    (re.compile(r"[\w.+~-]{1,64}(?:@|%40)(?:[\w-]{1,63}\.){1,8}[\w-]{2,63}"), HIDDEN),
)
# One quick pass that rules out most texts.
_SUSPECT = re.compile(
    r"token|ticket|passw|secret|api.?key|access|refresh|bearer|basic|eyJ|@|%40", re.IGNORECASE
)


def is_secret_name(name: str) -> bool:
    """Whether a key of that name holds a secret: `password`, `refresh_token`, `Authorization`, …"""
    return _SECRET_NAME.search(name) is not None


def redact_text(text: str) -> str:
    """The text without tokens, passwords and credentials, recognised by their surroundings."""
    if not _SUSPECT.search(text):
        return text
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text


def redact(value: Any, depth: int = 0) -> Any:
    """A copy of a JSON-like value without secrets, by key and by text. Other objects pass unchanged."""
    if isinstance(value, str):
        return redact_text(value)
    if depth >= _MAX_DEPTH:
        return value if isinstance(value, int | float | bool | None) else "[too deep]"
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if isinstance(key, str) and item and is_secret_name(key) else redact(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth + 1) for item in value]
    return value


def processor(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor over the whole event."""
    for key, value in event.items():
        if isinstance(value, str):
            if value and is_secret_name(key):
                event[key] = HIDDEN
            else:
                event[key] = redact_text(value)
        elif isinstance(value, Mapping | list | tuple | set | frozenset):
            event[key] = HIDDEN if is_secret_name(key) else redact(value)
        elif isinstance(value, bytes):
            event[key] = HIDDEN if is_secret_name(key) else redact_text(value.decode("utf-8", "replace"))
    return event
