"""`zones schema`: print a document, keep the committed ones in docs/api/ up to date, or report how they differ."""

from __future__ import annotations

import difflib
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from apps.api.commands import RevisionUnknown
from apps.api.commands.report import Report
from apps.api.openapi import breaking_changes
from apps.api.openapi.documents import Document, as_yaml
from apps.api.zones.mounting import Mounted

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "api"
# Only files with such names are replaced or removed.
_OURS = re.compile(r"[a-z][a-z0-9-]*\.v[1-9][0-9]*\.yaml")
_OF_SOCKETS = re.compile(r"[a-z][a-z0-9_]*\.asyncapi\.yaml")
_SHOWN_LINES = 40
_GIT_SECONDS = 20


def print_schema(mounted: Mounted, name: str) -> Report:
    """The document of `zone` (its newest version) or `zone/v1`. Raises KeyError, SchemaInvalid."""
    zone, _, version = name.partition("/")
    document = mounted.document(zone, version or mounted.table.get(zone).newest.name)
    data = document.data()
    return Report(title=name, text=as_yaml(data).decode(), data=data)


def write_schemas(mounted: Mounted, folder: Path = FOLDER) -> Report:
    """Write every document, and remove those of removed versions. Raises SchemaInvalid before it writes anything."""
    made = _made(mounted)
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
    """Compare the committed documents with the code. Raises SchemaInvalid."""
    made = _made(mounted)
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


def check_breaking(mounted: Mounted, revision: str | None = None, folder: Path = FOLDER) -> Report:
    """List changes that break callers of the schemas committed at a revision, by default HEAD.

    Additions break nothing; a removed version breaks all its callers. Without a commit, it compares with the files in the
    working tree, and says so. Raises SchemaInvalid, RevisionUnknown.
    """
    source = revision or "the last commit"
    try:
        before = committed_schemas(revision or "HEAD", folder)
    except RevisionUnknown:
        if revision:
            raise
        kept = (path for path in _kept(folder) if _OURS.fullmatch(path.name))
        before = {path.name: _load(path.read_text()) for path in kept}
        source = f"the files in {folder.name}/, since git has no commit to compare with"
    now = {_name(document): json.loads(json.dumps(document.data())) for document in mounted.documents}
    findings = breaking_findings(before, now)
    return Report(
        title="Breaking changes",
        findings=findings,
        remarks=[
            f"Serve it as a new version, or commit {folder.name}/ to say that it is meant."
            if findings
            else f"Nothing breaks callers of the {len(before)} schemas of {source}."
            if before
            else f"Nothing was compared: no schema in {source}."
        ],
        data={
            "ok": not findings,
            "revision": revision,
            "compared_with": source,
            "schemas": len(before),
            "findings": findings,
        },
        ok=not findings,
    )


def breaking_findings(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """One line for each break, over documents by the names of their files."""
    findings = []
    for name, document in before.items():
        if name not in now:
            findings.append(f"{name}: the whole version is gone")
        else:
            findings += [
                f"{name}: {change}" for change in breaking_changes.breaking_changes(document, now[name])
            ]
    return findings


def committed_schemas(revision: str, folder: Path = FOLDER) -> dict[str, Any]:
    """The documents in git's copy of the folder at a revision, by name. Raises RevisionUnknown."""
    known = _git(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    ).strip()
    names = _git(folder, "ls-tree", "--name-only", known, "./").splitlines()
    return {
        name: _load(_git(folder, "show", f"{known}:./{name}"))
        for name in sorted(names)
        if _OURS.fullmatch(name)
    }


def _load(text: str) -> Any:
    return yaml.load(text, Loader=yaml.CSafeLoader)


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_SECONDS, check=False)
    except OSError as error:
        raise RevisionUnknown(f"git cannot be started: {error.strerror}") from error
    if done.returncode:
        raise RevisionUnknown(f"git {arguments[0]}: {done.stderr.strip() or 'there is no such revision'}")
    return done.stdout


def _made(mounted: Mounted) -> dict[str, bytes]:
    documents = [*mounted.documents, *mounted.socket_documents]
    return {_name(document): as_yaml(document.data()) for document in documents}


def _name(document: Document) -> str:
    return f"{document.name}.yaml"


def _kept(folder: Path) -> list[Path]:
    names = (_OURS, _OF_SOCKETS)
    return sorted(path for path in folder.glob("*.yaml") if any(name.fullmatch(path.name) for name in names))


def _difference(old: bytes, new: bytes) -> str:
    lines = list(
        difflib.unified_diff(
            old.decode().splitlines(), new.decode().splitlines(), "committed", "code", n=1, lineterm=""
        )
    )
    more = [f"… {len(lines) - _SHOWN_LINES} more lines"] if len(lines) > _SHOWN_LINES else []
    return "\n".join("    " + line for line in [*lines[:_SHOWN_LINES], *more])
