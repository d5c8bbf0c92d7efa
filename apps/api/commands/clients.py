"""`zones clients`: generate, copy and archive the packages, or compare them (`--check`)."""

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
class Options:
    """The options of the command. `zones` are named `private` or `private/v1`; all zones when there are none."""

    zones: Sequence[str] = ()
    languages: Sequence[Language] = plan.PACKAGES
    check: bool = False
    sync: Path | None = None
    archive: bool = False
    output: Path | None = None


def clients(
    mounted: Mounted,
    options: Options,
    progress: Callable[[str], None],
    *,
    tools: toolbox.Tools | None = None,
    root: Path = toolbox.ROOT,
    today: date | None = None,
) -> Report:
    """Generate the packages, then move them into place. Raises ClientsError, KeyError, SchemaInvalid, and changes nothing then.

    With `check`, nothing is written: the copies are compared when `sync` names a folder, else the output folder.
    """
    output = Output(options.output, root=root)
    target = sync.Target(options.sync, root=root) if options.sync is not None else None
    units = plan.units(plan.sources(mounted, options.zones), options.languages)
    tools = tools or toolbox.find()
    names = [unit.path for unit in units]
    with output.alone(), output.staging() as staged:
        generation.generate(units, tools, staged, progress)
        if options.check:
            return _drift(target or output, staged, names)
        return _put(
            output,
            target,
            staged,
            names,
            archived_on=(today or timezone.now().date()) if options.archive else None,
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
        remarks=[f"up to date: {', '.join(names)}" if ok else "Run it without --check."],
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
    states = {name: _state(output.target(name), staged / name) for name in names}
    files = {name: len(manifest.files(staged / name)) for name in names}
    remarks = []
    # The copies come first: they may be refused, and then nothing may change in the output folder.
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
        remarks += [f"{name} is no longer generated, but was edited: it stays" for name in copied.left]
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
