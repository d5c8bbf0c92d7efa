"""Data of slices outside of their folders, as JSON: read from their code, before they are removed.

    python scripts/slice_inventory.py chat notifications

Needs no database.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
NOWHERE: Final = {
    "DATABASE_URL": "postgres://x@127.0.0.1:1/x",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "DJANGO_SETTINGS_MODULE": "config.settings.test",
    "DJANGO_READ_DOT_ENV": "0",
}
_FUNCTION: Final = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)", re.IGNORECASE)
# What the operations of apps.removed do not drop.
_OTHER: Final = re.compile(
    r"CREATE (?:OR REPLACE )?(?:MATERIALIZED )?(VIEW|TYPE|DOMAIN|SEQUENCE|AGGREGATE|PROCEDURE|EXTENSION) (\w+)",
    re.IGNORECASE,
)
_FOLDER: Final = re.compile(r"^FOLDER(?:: Final)? = \"([\w/-]+)\"|\bfolder=\"([\w/-]+)\"", re.MULTILINE)


def inventory(label: str, removed: list[str]) -> dict[str, Any]:
    """What a slice holds; `removed` are all that are removed with it. Needs Django set up."""
    from django.db.models import FileField

    from apps.common import events, slices
    from apps.common.encryption.fields import EncryptedCharField

    slice_ = next(one for one in slices.installed() if one.label == label)
    types, tasks, settings, export = (
        slice_.module(name) for name in ("types", "tasks", "settings", "data_export")
    )
    secret = {name for names in getattr(export, "NOT_EXPORTED", {}).values() for name in names}
    slice_.module("events")
    sources = _sources(label)
    migrations = "\n".join(text for path, text in sources.items() if "migrations" in path.parts)
    others = {
        folder
        for path in (ROOT / "apps").iterdir()
        if path.is_dir() and path.name not in removed
        for text in _sources(path.name).values()
        for folder in _folders(text)
    }
    return {
        "tables": [model._meta.db_table for model in _models(label)],
        "functions": sorted(set(_FUNCTION.findall(migrations))),
        "other": sorted({" ".join(found) for found in _OTHER.findall(migrations)}),
        "folders": sorted({name for text in sources.values() for name in _folders(text)} - others),
        "permissions": sorted(map(str, getattr(types, "Permission", ()))),
        "schedules": sorted(getattr(tasks, "SCHEDULE", ())),
        "events": sorted(
            {
                kind.name
                for kind in events.Event.__subclasses__()
                if kind.__module__.startswith(f"{slice_.package}.")
            }
        ),
        "tasks": tasks is not None,
        "variables": [one.name for one in settings.VARIABLES.declared] if settings else [],
        "kept": [_kept(model, secret) for model in _models(label)],
        # Their rows belong to users in other ways than by a column with an id, which a register does not know.
        "unknown": sorted(getattr(export, "PERSONAL_ROWS", {})),
        "uploads": [
            f"{model._meta.db_table}.{field.column}"
            for model in _models(label)
            for field in model._meta.concrete_fields
            if isinstance(field, FileField)
        ],
        "encrypted": [
            f"{model._meta.db_table}.{field.column}"
            for model in _models(label)
            for field in model._meta.concrete_fields
            if isinstance(field, EncryptedCharField)
        ],
        "referring": _referring(label, removed),
        "referred": _referred(label, removed),
    }


def _folders(text: str) -> set[str]:
    """The folders of private files that a module names."""
    return {name for found in _FOLDER.findall(text) for name in found if name}


def _sources(label: str) -> dict[Path, str]:
    return {
        path.relative_to(ROOT / "apps" / label): path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "apps" / label).rglob("*.py"))
        if "tests" not in path.parts
    }


def _models(label: str) -> list[Any]:
    from django.apps import apps

    models = apps.get_app_config(label).get_models(include_auto_created=True)
    return [model for model in models if model._meta.managed and not model._meta.proxy]


def _kept(model: Any, secret: set[str]) -> dict[str, Any]:
    """The fields of KeptTable. `secret` are the columns that the slice's export leaves out."""
    from django.contrib.auth import get_user_model
    from django.contrib.postgres.search import SearchVectorField
    from django.db.models import SET_NULL, BinaryField, UUIDField

    accounts, mentions, parents, references = [], [], [], []
    for field in model._meta.concrete_fields:
        other = field.remote_field.model if field.remote_field else None
        if other is not None:
            place = (field.column, other._meta.db_table)
            if field.remote_field.on_delete is SET_NULL:
                references.append(place)
            elif other is get_user_model():
                accounts.append(field.column)
            elif field.db_constraint and other._meta.app_label == model._meta.app_label:
                parents.append(place)
        elif isinstance(field, UUIDField) and not field.primary_key:
            mentions.append(field.column)
    return {
        "name": model._meta.db_table,
        "key": model._meta.pk.column,
        "columns": [
            field.column
            for field in model._meta.concrete_fields
            if not isinstance(getattr(field, "output_field", field), BinaryField | SearchVectorField)
            and f"{model._meta.object_name}.{field.name}" not in secret
        ],
        "accounts": accounts,
        "mentions": mentions,
        "parents": parents,
        "references": references,
    }


def _referring(label: str, removed: list[str]) -> list[str]:
    """Columns of slices that stay with rows of this one."""
    from django.apps import apps

    return [
        f"{model._meta.db_table}.{field.column}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if model._meta.app_label not in removed
        and field.remote_field
        and field.remote_field.model._meta.app_label == label
    ]


def _referred(label: str, removed: list[str]) -> list[str]:
    """Columns of this slice with rows of others that stay, accounts excepted."""
    return [
        f"{model._meta.db_table}.{field.column}"
        for model in _models(label)
        for field in model._meta.concrete_fields
        if field.remote_field
        and field.db_constraint
        and field.remote_field.model._meta.app_label not in (label, "users")
    ]


def main(labels: list[str]) -> int:
    sys.path.insert(0, str(ROOT))
    os.environ.update(NOWHERE)
    import django

    django.setup()
    print(json.dumps({label: inventory(label, labels) for label in labels}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
