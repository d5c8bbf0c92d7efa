"""`zones clients`: generate the packages, or tell how those that are there have drifted; copy and archive them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.utils import timezone

from apps.api.clients import archive, drift, generation, manifest, plan, sync
from apps.api.clients import tools as toolbox
from apps.api.clients.output import Output
from apps.api.clients.plan import Language
from apps.api.commands.report import Report
from apps.api.zones.mounting import Mounted


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for. `zones` as `private` or `private/v1`, all when there are none."""

    zones: Sequence[str] = ()
    languages: Sequence[Language] = plan.PACKAGES
    check: bool = False
    sync: Path | None = None
    archive: bool = False
    output: Path | None = None


def clients(
    mounted: Mounted,
    wish: Wish,
    progress: Callable[[str], None],
    *,
    tools: toolbox.Tools | None = None,
    root: Path = toolbox.ROOT,
    today: date | None = None,
) -> Report:
    """Generate everything, then put it in its place. Raises ClientsError, KeyError, SchemaInvalid: nothing changed then.

    With `check` nothing is written: the copies are compared where `sync` names them, else the output folder.
    """
    output = Output(wish.output, root=root)
    target = sync.Target(wish.sync, root=root) if wish.sync is not None else None
    units = plan.units(plan.sources(mounted, wish.zones), wish.languages)
    tools = tools or toolbox.find()
    names = [unit.path for unit in units]
    with output.alone(), output.staging() as staged:
        generation.generate(units, tools, staged, progress)
        if wish.check:
            return _drift(target or output, staged, names)
        return _put(
            output,
            target,
            staged,
            names,
            archived_on=(today or timezone.now().date()) if wish.archive else None,
        )


def _drift(where: Output | sync.Target, staged: Path, names: Sequence[str]) -> Report:
    if isinstance(where, sync.Target):
        findings = where.differences(staged, names)
    else:
        findings = [
            f"{name}/{line}"
            for name in names
            for line in drift.differences(
                manifest.files(staged / name), where.folder / name, manifest.read(where.folder / name)
            )
        ]
    ok = not findings
    return Report(
        title="Clients",
        findings=findings,
        remarks=[f"as they would be made now: {', '.join(names)}" if ok else "Run it without --check."],
        data={"ok": ok, "findings": findings},
        ok=ok,
    )


def _put(
    output: Output,
    target: sync.Target | None,
    staged: Path,
    names: Sequence[str],
    *,
    archived_on: date | None,
) -> Report:
    states = {name: _state(output.place(name), staged / name) for name in names}
    files = {name: len(manifest.files(staged / name)) for name in names}
    remarks = []
    # The last that can fail comes last: a copy elsewhere is refused before anything is in its place here.
    copied = target.copy(staged, names) if target is not None else None
    if archived_on is not None:
        path, is_new = archive.keep(output.folder / archive.NAME, staged, names, today=archived_on)
        remarks.append(f"archived as {path.name}" if is_new else f"{path.name} already has this content")
    output.swap(staged, names)
    remarks.append(f"{len(names)} {'client' if len(names) == 1 else 'clients'} in {output.folder}")
    if target is not None and copied is not None:
        remarks.append(
            f"{len(copied.written)} files written and {len(copied.removed)} removed in {target.folder}"
        )
        remarks += [f"{name} is no longer made, but was changed there: it stays" for name in copied.left]
    return Report(
        title="Clients",
        columns=("client", "state", "files"),
        rows=[(name, states[name], str(files[name])) for name in names],
        remarks=remarks,
        data={
            "ok": True,
            "clients": [{"client": name, "state": states[name], "files": files[name]} for name in names],
            "copied": None
            if copied is None
            else {"written": copied.written, "removed": copied.removed, "left": copied.left},
        },
    )


def _state(folder: Path, staged: Path) -> str:
    if not folder.exists():
        return "new"
    return "as before" if manifest.files(staged) == manifest.read(folder) else "changed"
