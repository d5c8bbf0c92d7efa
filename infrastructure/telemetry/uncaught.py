"""Passes to the log what Python and libraries write past it: uncaught exceptions, warnings, texts of Celery.

Only in production, where each line of a process is one JSON object. Left as they are: what the interpreter itself writes
when it crashes (faulthandler), and what commands print for the user who typed them.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from types import TracebackType
from typing import Any, TextIO

import structlog

from infrastructure.environment import Refused
from infrastructure.telemetry import logging as log

_log = structlog.get_logger("uncaught")
_is_installed = False


def install() -> None:
    """Call it before anything else can fail. Later settings may change the level of the log."""
    global _is_installed
    _is_installed = True
    log.configure(json=True, level="INFO")
    sys.excepthook = _exception
    sys.unraisablehook = _unraisable
    threading.excepthook = _thread
    warnings.showwarning = _warning


def install_for_worker() -> None:
    """Where `install` was called: log what Celery's worker prints when it receives a signal."""
    if _is_installed:
        from celery.apps import worker  # which the process has imported by now; others never do

        worker.safe_say = _celery  # type: ignore[attr-defined]


def is_for_the_log(output: Any) -> bool:
    """Whether a command's remarks belong into the log: in production, and not in a terminal."""
    return _is_installed and not output.isatty()


def _exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    elif issubclass(kind, Refused):
        if sys.stderr.isatty():
            sys.stderr.write(f"{error}\n")
        else:
            _log.critical("start.refused", reason=str(error))
    else:
        _log.critical("uncaught.exception", exc_info=(kind, error, trace))


def _unraisable(found: Any) -> None:
    _log.error(
        "uncaught.unraisable",
        source=repr(found.object),
        exc_info=(found.exc_type, found.exc_value, found.exc_traceback),
    )


def _thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_type is not SystemExit:
        _log.error(
            "uncaught.thread",
            thread=found.thread.name if found.thread else "",
            exc_info=(found.exc_type, found.exc_value, found.exc_traceback),
        )


def _warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    _log.warning(
        "python.warning", category=category.__name__, message=str(message), source=f"{filename}:{lineno}"
    )


def _celery(text: str, _file: TextIO | None = None) -> None:
    # In a signal handler: the lock of a logging handler may be held by the code that was interrupted.
    record = logging.LogRecord("celery.worker", logging.INFO, "", 0, text.strip(), None, None)
    log.write_directly(record)
