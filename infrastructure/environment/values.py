"""Parsers of single variables: each returns a value, or raises Mistake with what the text must be.

A message never repeats a value that may hold a secret, such as an address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from infrastructure.cache.rates import Rate, RateSyntaxError

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_PORTS: Final = {"http": 80, "https": 443}


class Mistake(ValueError):
    """A text that its variable does not accept. The message continues a sentence: "must be …"."""


def text(value: str) -> str:
    """Any text of one line."""
    if _CONTROL.search(value):
        raise Mistake("must be one line without control characters")
    return value


def matching(pattern: str, meaning: str) -> Callable[[str], str]:
    """A text that matches a pattern, which the message describes."""

    def read(value: str) -> str:
        if not re.fullmatch(pattern, value, re.ASCII):
            raise Mistake(f"must be {meaning}")
        return value

    return read


def flag(value: str) -> bool:
    """true/false, 1/0, yes/no, on/off in any case."""
    if value.lower() in ("1", "true", "yes", "on"):
        return True
    if value.lower() in ("0", "false", "no", "off"):
        return False
    raise Mistake(f"must be true or false, not {_shown(value)}")


def number(least: int, most: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def read(value: str) -> int:
        if not re.fullmatch(r"\d{1,18}", value, re.ASCII) or not least <= int(value) <= most:
            raise Mistake(f"must be a whole number from {least} to {most}, not {_shown(value)}")
        return int(value)

    return read


def choice(choices: Sequence[str]) -> Callable[[str], str]:
    """One of some words, in any case."""

    def read(value: str) -> str:
        for word in choices:
            if word.lower() == value.lower():
                return word
        raise Mistake(f"must be one of {', '.join(choices)}, not {_shown(value)}")

    return read


def rate(value: str) -> str:
    """A rate as `60/minute` or `5/10 minutes`."""
    try:
        Rate.parse(value)
    except RateSyntaxError as error:
        raise Mistake(f"must hold rates: {error}") from None
    return value


def host(value: str) -> str:
    """A host name, an address, or `*`; a dot in front means all names below it, too."""
    if value == "*":
        return value
    lowered = value.lower()
    if not is_host(lowered.removeprefix(".")):
        raise Mistake(
            "must hold host names only, without scheme, port and path, as in `app.example,.example.org,[::1]`;"
            " international names in their form `xn--…`"
        )
    return lowered


def is_host(value: str) -> bool:
    """Whether a text in lower case is a host name, an IPv4 address, or an IPv6 address in brackets."""
    if value.startswith("[") and value.endswith("]"):
        try:
            return ip_address(value[1:-1]).version == 6
        except ValueError:
            return False
    return len(value) <= 253 and _HOST.fullmatch(value) is not None


def origin(value: str) -> str:
    """Scheme and host of a site as browsers write it (RFC 6454): lower case, no default port, no slash at the end."""
    remedy = "must be scheme and host alone, as in https://app.example or http://localhost:3000"
    match = re.fullmatch(
        r"(https?)://([^/?#@\s:\[\]]+|\[[^\]\s]*\])(?::(\d{1,5}))?/?", value.lower(), re.ASCII
    )
    if match is None or not is_host(match[2]):
        raise Mistake(remedy)
    port = int(match[3] or 0)
    if match[3] and not 0 < port < 65_536:
        raise Mistake(remedy)
    suffix = f":{port}" if port and port != _PORTS[match[1]] else ""
    return f"{match[1]}://{match[2]}{suffix}"


def any_origin(value: str) -> str:
    """An origin, or `*` for any."""
    return value if value == "*" else origin(value)


def endpoint(value: str) -> str:
    """An address that programs call: scheme, host, and a path where the service has one."""
    head = re.match(r"https?://[^/?#@\s]+", value, re.IGNORECASE)
    if head is None or re.search(r"[?#@\s]", value[head.end() :]):
        raise Mistake("must be an address such as https://s3.example, without user, query and fragment")
    return origin(head[0]) + value[head.end() :].rstrip("/")


def dsn(value: str) -> str:
    """The DSN of a Sentry project."""
    try:
        parts = urlsplit(value)
        sound = bool(parts.hostname and parts.username) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.scheme not in ("http", "https") or not re.search(r"/\d+/?$", parts.path):
        raise Mistake(
            "must be the DSN of a Sentry project, as in https://key@host/1; empty switches Sentry off"
        )
    return value


def sender(value: str) -> str:
    """An address that mails come from, with or without a name: `Acme <no-reply@example.com>`."""
    name, address = parseaddr(text(value))
    local, _, domain = address.rpartition("@")
    is_whole = address == value or (name and value.endswith(f"<{address}>"))
    if not is_whole or not re.fullmatch(r"[^\s@<>(),;:\"\[\]\\]+", local) or not is_host(domain.lower()):
        raise Mistake("must be one address, as in `Acme <no-reply@example.com>`")
    return value


def folder(value: str) -> str:
    """A folder, which may be created later."""
    if Path(text(value)).exists() and not Path(value).is_dir():
        raise Mistake("must be a folder, and is a file")
    return value


def file_in_folder(value: str) -> str:
    """A file whose folder exists."""
    if Path(text(value)).is_dir() or not Path(value).parent.is_dir():
        raise Mistake("must be a file in a folder that is there")
    return value


def _shown(value: str) -> str:
    return repr(value if len(value) <= 40 else f"{value[:40]}…")
