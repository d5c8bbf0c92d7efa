"""`make test`: the suite in parallel under coverage, then the coverage bar. Arguments go to pytest.

With arguments it is a developer's quick look at a part: no coverage, no bar, one process unless -n says otherwise.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    if arguments:
        return subprocess.call([sys.executable, "-m", "pytest", *arguments], cwd=ROOT)
    # A folder of its own for each run: two at once in one checkout must not count each other's lines.
    folder = Path(tempfile.mkdtemp(prefix="coverage-"))
    data = f"--data-file={folder / 'data'}"
    coverage = [sys.executable, "-m", "coverage"]
    try:
        # The first process is measured, too: it starts the servers, and it loads our plugin before any other.
        # One process more than cores: many tests wait for processes that start and stop.
        parallel = ["-n", str((os.cpu_count() or 1) + 1), "--dist", "worksteal"]
        code = subprocess.call([*coverage, "run", data, "-m", "pytest", *parallel], cwd=ROOT)
        if code == 0:
            subprocess.run([*coverage, "combine", "--quiet", data, str(folder)], cwd=ROOT, check=True)
            code = subprocess.call([*coverage, "report", data], cwd=ROOT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
