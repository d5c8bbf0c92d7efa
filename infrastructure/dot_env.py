"""Reads a `.env` file as Docker Compose does, and names a line that cannot be read. Standard library only.

One `NAME=value` a line; `export`, blanks around `=`, comments, quotes of both kinds, a byte order mark and line ends of
Windows are allowed. A repeated name and a `$` that Compose would replace are refused.
"""

from __future__ import annotations

import re
from pathlib import Path

_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
# A # begins a comment behind a blank only.
_PLAIN = re.compile(r"(?:[^\n#]|(?<![ \t])#)*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class DotEnvError(ValueError):
    """The file cannot be read. The message names file, line and variable, and no part of a value."""


def read(path: Path) -> dict[str, str]:
    """The variables of a file; empty when there is none. Raises DotEnvError."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DotEnvError(f"{path.name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DotEnvError(f"{path.name} is not UTF-8 text: save it as UTF-8.") from None
    return parse(text, source=path.name)


def parse(text: str, *, source: str = ".env") -> dict[str, str]:
    """The variables of a text. Raises DotEnvError."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    position = 0
    while position < len(text):
        where = f"{source}, line {text.count(chr(10), 0, position) + 1}"
        if blank := _BLANK.match(text, position):
            position = blank.end()
            continue
        head = _NAME.match(text, position)
        if head is None:
            raise DotEnvError(f"{where}: write NAME=value, or begin a comment with #.")
        name = head[1]
        if name in values:
            raise DotEnvError(f"{where}: {name} has a value already, in line {lines[name]}.")
        values[name], position = _value(text, head.end(), f"{where}: {name}")
        lines[name] = int(where.rpartition(" ")[2])
    return values


def _value(text: str, position: int, where: str) -> tuple[str, int]:
    """A value, and the position of the next line."""
    quote = text[position : position + 1]
    if quote not in ("'", '"'):
        plain = _PLAIN.match(text, position)
        assert plain is not None
        value = plain[0].strip()
        _refuse_dollar(value, where)
        return value, text.find("\n", position) + 1 or len(text)
    found = (_SINGLE if quote == "'" else _DOUBLE).match(text, position)
    rest = found and _BLANK.match(text, found.end())
    if not found or not rest:
        raise DotEnvError(f"{where}: the quotes do not end, or something follows them.")
    if quote == "'":
        return found[1], rest.end()
    _refuse_dollar(_ESCAPE.sub("", found[1]), where)
    return _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), found[1]), rest.end()


def _refuse_dollar(value: str, where: str) -> None:
    if "$" in value:
        raise DotEnvError(
            f"{where} has a $, which Docker Compose would replace: put the value in single quotes."
        )
