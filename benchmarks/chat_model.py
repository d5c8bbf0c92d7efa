"""A thousand made-up histories of a room against the reference: `python -m benchmarks.chat_model`. Arguments go to pytest.

The same test as in the suite (apps/chat/tests/test_model.py), with Hypothesis' profile `campaign`. A difference is printed
as the shortest history that shows it, with a line that makes it happen again.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    test = [
        "apps/chat/tests/test_model.py",
        "--hypothesis-profile=campaign",
        "--hypothesis-show-statistics",
        "-q",
    ]
    command = [sys.executable, "-m", "pytest", *test, *sys.argv[1:]]
    sys.exit(subprocess.call(command, cwd=Path(__file__).resolve().parent.parent))
