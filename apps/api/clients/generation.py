"""Runs the generators, both languages at once."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from apps.api.clients import manifest, packages
from apps.api.clients.failures import GenerationFailed
from apps.api.clients.plan import Language, Source, Unit
from apps.api.clients.successes import without_failures
from apps.api.clients.tools import Tools

_TIMEOUT: Final = 300  # seconds
_WORK: Final = ".work"
# Equal bytes on every machine.
_SETTINGS: Final = ("env", "LC_ALL=C.UTF-8", "TZ=UTC", "PYTHONHASHSEED=0", "NO_COLOR=1")

Progress = Callable[[str], None]


def generate(units: Sequence[Unit], tools: Tools, into: Path, progress: Progress) -> None:
    """Write every unit below `into`, each with its manifest. Calls `progress` for each finished unit.

    Raises GenerationFailed with the output of the generators.
    """
    work = into / _WORK
    work.mkdir()
    jobs = _jobs(units, into, work)
    counter = _Counter(len(units), progress)
    runs = [
        _Run(command, job, counter)
        for command, job in ((tools.typescript, jobs.typescript), (tools.python, jobs.python))
        if any(job.values())
    ]
    with ThreadPoolExecutor(max_workers=len(runs) or 1) as pool:
        failures = [failure for failure in pool.map(_Run.failure, runs) if failure]
    if failures:
        raise GenerationFailed("\n".join(failures))
    for unit in units:
        _finish(unit, into / unit.path)


@dataclass(frozen=True, slots=True)
class _Jobs:
    typescript: dict[str, list[dict[str, Any]]]
    python: dict[str, list[dict[str, Any]]]


def _jobs(units: Sequence[Unit], into: Path, work: Path) -> _Jobs:
    """The jobs of the generators. Also writes the other files of each package."""
    typescript: list[dict[str, Any]] = []
    bundles: list[dict[str, Any]] = []
    python: list[dict[str, Any]] = []
    for unit in units:
        folder, source = into / unit.path, unit.sources[0]
        match unit.language:
            case Language.TYPESCRIPT:
                packages.write_typescript(source, folder)
                typescript.append({"unit": unit.path, "schema": _schema(source, work), "folder": str(folder)})
            case Language.PYTHON:
                packages.write_python(source, folder)
                python.append(
                    {
                        "unit": unit.path,
                        "schema": _schema(source, work, without_failures),
                        "folder": str(folder / source.module),
                        "modules": packages.python_modules(source),
                    }
                )
            case Language.BROWSER:
                entry = packages.write_browser(unit.sources, work / "browser")
                bundles.append(
                    {
                        "unit": unit.path,
                        "entry": str(entry),
                        "outfile": str(folder / packages.BUNDLE),
                        "apis": [
                            {
                                "schema": _schema(item, work),
                                "folder": str(work / "browser" / item.name / "api"),
                            }
                            for item in unit.sources
                        ],
                    }
                )
    return _Jobs({"packages": typescript, "bundles": bundles}, {"packages": python})


def _schema(
    source: Source, work: Path, change: Callable[[dict[str, Any]], dict[str, Any]] | None = None
) -> str:
    path = work / f"{source.name}{'.successes' if change else ''}.json"
    path.write_text(json.dumps(change(source.schema) if change else source.schema))
    return str(path)


def _finish(unit: Unit, folder: Path) -> None:
    schemas = {
        source.name: manifest.digest(json.dumps(source.schema, sort_keys=True).encode())
        for source in unit.sources
    }
    manifest.write(folder, {"unit": unit.path, "schemas": schemas})


class _Counter:
    """Counts finished units over both generators."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total, self._progress = total, progress
        self._done = 0
        self._lock = threading.Lock()

    def add(self, name: str) -> None:
        with self._lock:
            self._done += 1
            self._progress(f"{self._done}/{self._total} {name}")


class _Run:
    """A run of one generator."""

    def __init__(self, command: Sequence[str], job: dict[str, Any], counter: _Counter) -> None:
        self._command, self._job, self._counter = command, job, counter

    def failure(self) -> str:
        """Run the generator. Returns its output when it failed, else an empty text."""
        process = subprocess.Popen(
            (*_SETTINGS, *self._command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            timer = threading.Timer(_TIMEOUT, process.kill)
            timer.start()
            try:
                return self._communicate(process)
            finally:
                timer.cancel()
                process.kill()

    def _communicate(self, process: subprocess.Popen[str]) -> str:
        output: list[str] = []
        assert process.stdin and process.stdout and process.stderr
        listener = threading.Thread(target=lambda err=process.stderr: output.append(err.read()))
        listener.start()
        try:
            process.stdin.write(json.dumps(self._job))
            process.stdin.close()
        except BrokenPipeError:
            pass  # the process ended early: see its exit code
        for line in process.stdout:
            self._counter.add(json.loads(line)["done"])
        listener.join()
        if process.wait() == 0:
            return ""
        return "".join(output).strip() or f"{self._command[0]} failed with {process.returncode}"
