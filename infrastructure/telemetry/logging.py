"""Logs structlog's events and the standard library's (Django, Celery, uvicorn) in one format.

JSON, one object a line, in production; readable and coloured in development. Written to standard error, line by line,
for the process manager to collect.
"""

from __future__ import annotations

import logging
import logging.config
import os
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor

from infrastructure.telemetry import redaction, tracing

_PROCESSORS: list[Processor] = []


# Characters that a terminal interprets instead of showing: controls (C0, DEL and C1), and marks of text direction.
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
# Texts of several lines, written by us and by libraries.
_IN_LINES: Final = frozenset({"event", "exception", "stack"})


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _serialise(value: Any, default: Any = None, **_: Any) -> str:
    line = orjson.dumps(value, default=default or repr, option=orjson.OPT_NON_STR_KEYS).decode()
    # JSON escapes the first 32 by itself.
    return line if line.isascii() and "\x7f" not in line else _CONTROLS.sub(_escape, line)


def _show_controls(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Escapes control characters, which a path may contain and a terminal would obey."""
    for name, value in event.items():
        if not isinstance(value, str) or value.isprintable():
            continue
        lines = value.split("\n") if name in _IN_LINES else [value]
        event[name] = "\n".join(_CONTROLS.sub(_escape, line) for line in lines)
    return event


def _drop_carried_record(_logger: Any, _method: str, event: EventDict) -> EventDict:
    event.pop("_record", None)
    event.pop("color_message", None)  # uvicorn's message once more, for terminals
    event.pop("_from_structlog", None)
    return event


def _add_trace_id(_logger: Any, _method: str, event: EventDict) -> EventDict:
    if tracing.is_on() and (identifier := tracing.trace_id()):
        event["trace_id"] = identifier
    return event


def _shared() -> list[Processor]:
    """The processors of every event, of any source."""
    return [
        structlog.contextvars.merge_contextvars,
        _add_trace_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _ends(*, json: bool) -> list[Processor]:
    """The processors that render an event as a line."""
    if json:
        return [
            _drop_carried_record,
            structlog.processors.format_exc_info,
            structlog.processors.UnicodeDecoder(),
            redaction.processor,
            structlog.processors.JSONRenderer(serializer=_serialise),
        ]
    return [
        _drop_carried_record,
        structlog.processors.format_exc_info,
        redaction.processor,
        _show_controls,
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=28),
    ]


class Handler(logging.StreamHandler[TextIO]):
    """Writes a line to standard error, and one about a record that cannot be formatted instead of a traceback."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (its name in `logging`)
        """Called in the `except` of `emit`."""
        error = repr(sys.exc_info()[1])
        line = {
            "event": "log.failed",
            "level": "error",
            "logger": record.name,
            "message": str(record.msg),
            "error": error,
        }
        with suppress(OSError, ValueError):
            self.stream.write(_serialise({**line, "timestamp": _now()}) + "\n")


def write_directly(record: logging.LogRecord) -> None:
    """Write a record past all handlers and their locks: for handlers of signals."""
    line = {
        "event": record.getMessage(),
        "level": record.levelname.lower(),
        "logger": record.name,
        "timestamp": _now(),
    }
    os.write(2, f"{_serialise(line)}\n".encode())


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def dictionary(*, json: bool, level: str) -> dict[str, Any]:
    """The configuration of `logging` (the schema of `logging.config.dictConfig`)."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": _ends(json=json),
                "foreign_pre_chain": [*_shared(), structlog.stdlib.ExtraAdder()],
            }
        },
        "handlers": {"stderr": {"()": Handler, "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # One line for each request is written by the request middleware; the servers' own would repeat it.
            "django.server": {"level": "WARNING"},
            "django.request": {"level": "CRITICAL"},
            # Any client can cause suspicious operations; apps.api.problems logs them without a traceback.
            "django.security": {"level": "CRITICAL"},
            "uvicorn.access": {"level": "WARNING"},
            "gunicorn.access": {"level": "WARNING"},
            # One line for each task is written by infrastructure.telemetry.tasks.
            "celery.app.trace": {"level": "CRITICAL"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "django_celery_beat": {"level": "WARNING"},
        },
    }


def configure(*, json: bool, level: str) -> None:
    """Set up structlog and `logging`. Raises ValueError for a level that does not exist."""
    logging.config.dictConfig(dictionary(json=json, level=level))
    # The same list each time: loggers keep the one that they were first used with.
    _PROCESSORS[:] = [
        structlog.stdlib.filter_by_level,
        *_shared(),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ]
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
