"""`zones schema`: print a document, keep the committed ones in docs/api/ up to date, or tell how they drifted."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from apps.api.commands.report import Report
from apps.api.documents import Document, as_yaml
from apps.api.mounting import Mounted

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "api"
# Only files named like this are ours to replace or remove.
_OURS = re.compile(r"[a-z][a-z0-9-]*\.v[1-9][0-9]*\.yaml")
_SHOWN_LINES = 40


def print_schema(mounted: Mounted, name: str) -> Report:
    """The document of `zone` (its newest version) or `zone/v1`. Raises KeyError, SchemaInvalid."""
    zone, _, version = name.partition("/")
    document = mounted.document(zone, version or mounted.table.get(zone).newest.name)
    data = document.data()
    return Report(title=name, text=as_yaml(data).decode(), data=data)


def write_schemas(mounted: Mounted, folder: Path = FOLDER) -> Report:
    """Write every document, remove those of versions that are gone. Raises SchemaInvalid before it writes anything."""
    made = {_name(document): as_yaml(document.data()) for document in mounted.documents}
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for path in _kept(folder):
        if path.name not in made:
            path.unlink()
            changed.append(f"removed {path.name}")
    for name, content in made.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
            changed.append(f"wrote {name}")
    return Report(
        title="Schemas",
        columns=("what",),
        rows=[(line,) for line in changed],
        remarks=[f"{len(made)} schemas in {folder.name}/, {len(changed)} changed"],
        data={"ok": True, "changed": changed},
    )


def check_schemas(mounted: Mounted, folder: Path = FOLDER) -> Report:
    """Compare what is committed with what the code says. Raises SchemaInvalid."""
    made = {_name(document): as_yaml(document.data()) for document in mounted.documents}
    findings = [
        f"{path.name}: its zone or version is gone" for path in _kept(folder) if path.name not in made
    ]
    for name, content in made.items():
        path = folder / name
        if not path.exists():
            findings.append(f"{name}: is missing")
        elif path.read_bytes() != content:
            findings.append(f"{name}: has drifted\n{_difference(path.read_bytes(), content)}")
    ok = not findings
    return Report(
        title="Schemas",
        findings=findings,
        remarks=[
            f"{len(made)} schemas as committed" if ok else "Run `manage.py zones schema --write` and commit."
        ],
        data={"ok": ok, "findings": findings},
        ok=ok,
    )


def _name(document: Document) -> str:
    return f"{document.zone.name}.{document.version.name}.yaml"


def _kept(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.yaml") if _OURS.fullmatch(path.name))


def _difference(old: bytes, new: bytes) -> str:
    lines = list(
        difflib.unified_diff(
            old.decode().splitlines(), new.decode().splitlines(), "committed", "code", n=1, lineterm=""
        )
    )
    more = [f"… {len(lines) - _SHOWN_LINES} more lines"] if len(lines) > _SHOWN_LINES else []
    return "\n".join("    " + line for line in [*lines[:_SHOWN_LINES], *more])
