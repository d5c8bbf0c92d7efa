"""`make logs`: the log of an installation, one readable line for each event. Needs Docker and any Python 3.9.

    make logs ARGS="--level warning"                 what is worth a look, as it happens
    make logs ARGS="--request 4f1c… --no-follow"     one request, from nginx to its tasks
    make logs ARGS="--service worker --tail 500"

Lines that are no JSON (PostgreSQL, Redis, nginx's errors) are shown as they are.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from deploy.docker import Compose, Failure, add_options

LEVELS = ("debug", "info", "warning", "error", "critical")
_COLOURS = {"warning": "33", "error": "31", "critical": "1;31"}
_HEAD = ("timestamp", "level", "logger", "event")
# A path or a header may bring what a terminal would obey.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def readable(lines: Iterable[str], options: argparse.Namespace, *, colour: bool) -> Iterator[str]:
    """The lines of `docker compose logs` for people, without those that the options leave out."""
    for line in lines:
        container, _, text = line.rstrip("\n").partition(" | ")
        event = _event(text)
        if options.request and (event is None or event.get("request_id") != options.request):
            continue
        if event is None:
            if options.level == "debug":
                yield _plain(f"{container.strip():12} {text}")
            continue
        level = str(event.get("level", "info"))
        if level in LEVELS and LEVELS.index(level) < LEVELS.index(options.level):
            continue
        shown = _show(container.strip(), level, event)
        yield f"\x1b[{_COLOURS[level]}m{shown}\x1b[0m" if colour and level in _COLOURS else shown


def _event(text: str) -> dict[str, Any] | None:
    try:
        event = json.loads(text)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _show(container: str, level: str, event: dict[str, Any]) -> str:
    time = str(event.get("timestamp", ""))[11:23]
    values = [
        f"{name}={value if isinstance(value, str) and value and ' ' not in value else json.dumps(value, ensure_ascii=False)}"
        for name, value in event.items()
        if name not in _HEAD and not _has_lines(value)
    ]
    texts = [f"\n    {name}:\n{_indented(value)}" for name, value in event.items() if _has_lines(value)]
    head = f"{time:12} {container:12} {level:8} {event['event']}"
    return _plain(" ".join([head, *values]) + "".join(texts))


def _has_lines(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value


def _indented(text: str) -> str:
    return "\n".join(f"    | {line}" for line in text.splitlines())


def _plain(text: str) -> str:
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="make logs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(made)
    made.add_argument("--service", action="append", default=[], help="only this one; may be repeated")
    made.add_argument("--level", choices=LEVELS, default="debug", help="of events, at least this")
    made.add_argument("--request", metavar="ID", help="only events with this request_id")
    made.add_argument("--tail", default="200", help="lines of each container to begin with, or `all` (200)")
    made.add_argument("--no-follow", action="store_true", help="end with what has been written")
    return made


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    words = ["logs", "--no-color", "--tail", "all" if options.request else options.tail]
    words += [] if options.no_follow else ["--follow"]
    try:
        compose = Compose(options.env_file, options.project_name)
        process = compose.popen(*words, *options.service, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    assert process.stdout is not None
    lines = io.TextIOWrapper(process.stdout, encoding="utf-8", errors="backslashreplace")
    try:
        for line in readable(lines, options, colour=sys.stdout.isatty()):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        return process.wait()
    except (KeyboardInterrupt, BrokenPipeError):
        return 0
    finally:
        process.terminate()


if __name__ == "__main__":
    sys.exit(main())
