"""Reference pages made from the code: routes, errors, events, schedules, commands and metrics.

python scripts/reference.py FOLDER      writes one Markdown page for each into the folder (a part of `make docs`)
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(str(one)) for one in line)} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def routes() -> Iterator[str]:
    from apps.api.zones.mounting import mounted
    from apps.api.zones.routes import template

    yield "# Routes\n"
    for zone in mounted().table:
        yield f"## {zone.title}\n"
        yield f"{zone.description}\n"
        rows = [
            (", ".join(one.methods), f"`{template(one.path)}`", f"`{one.name}`")
            for one in mounted().endpoints
            if one.zone == zone.name
        ]
        yield table(["methods", "path", "name"], rows)


def errors() -> Iterator[str]:
    from apps.api.openapi import error_codes

    yield "# Errors\n"
    yield "The `code` of a problem document (RFC 9457), with its status.\n"
    rows = sorted((one.status, one.code, one.detail) for one in error_codes.codes())
    yield table(
        ["status", "code", "default text"], [(status, f"`{code}`", meaning) for status, code, meaning in rows]
    )


def events() -> Iterator[str]:
    from apps.common import events

    yield "# Events\n"
    yield "Published in the transaction of their cause; see [background work](../guides/background-work.md).\n"
    rows = [
        (
            f"`{name}`",
            f"`{kind.__module__}`",
            ", ".join(f"`{one}`" for one in events.handlers_of(name)) or "none",
        )
        for name, kind in sorted(events.declared().items())
    ]
    yield table(["event", "declared in", "handlers"], rows)


def schedules() -> Iterator[str]:
    from config.celery import app

    app.finalize()
    yield "# Schedules\n"
    yield "Periodic tasks as slices declare them. The admin site edits the rows.\n"
    rows = [
        (f"`{name}`", f"`{entry['task']}`", _every(entry["schedule"]))
        for name, entry in sorted(app.conf.beat_schedule.items())
    ]
    yield table(["name", "task", "when"], rows)


def _every(schedule: object) -> str:
    return f"every {schedule:g} s" if isinstance(schedule, int | float) else str(schedule)


def commands() -> Iterator[str]:
    from django.core.management import get_commands, load_command_class

    yield "# Commands\n"
    yield "## make\n"
    found = re.findall(
        r"^([a-z-]+):[^\n#]*## (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    yield table(["command", "what it does"], [(f"`make {name}`", text) for name, text in found])
    yield "## manage.py\n"
    rows = []
    for name, application in sorted(get_commands().items()):
        if str(application).startswith("apps."):
            rows.append((f"`{name}`", load_command_class(str(application), name).help))
    yield table(["command", "what it does"], rows)


def metrics() -> Iterator[str]:
    from prometheus_client import REGISTRY

    for module in ("infrastructure.telemetry.metrics",):
        import_module(module)
    from infrastructure.product import PRODUCT

    yield "# Metrics\n"
    yield "Served at `/metrics` of each process; see [operate](../operate.md) and the [runbooks](../runbooks.md).\n"
    rows = sorted(
        (f"`{one.name}`", one.type, one.documentation)
        for one in REGISTRY.collect()
        if one.name.startswith(PRODUCT.identifier)
    )
    yield table(["metric", "type", "meaning"], rows)


PAGES: Final = (routes, errors, events, schedules, commands, metrics)


def main(folder: str) -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
    django.setup()
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for page in PAGES:
        (target / f"{page.__name__}.md").write_text("\n".join(page()), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
