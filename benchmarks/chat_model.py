"""A thousand random histories of a room and its presence: `python -m benchmarks.chat_model`. Arguments go to pytest.

The same tests as in the suite (test_model.py and test_presence.py of the chat), with Hypothesis' profile `campaign`. A
difference is printed as the shortest history that shows it, with a line that reproduces it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    test = [
        "apps/chat/tests/test_model.py",
        "apps/chat/tests/test_presence.py",
        "--hypothesis-profile=campaign",
        "--hypothesis-show-statistics",
        "-q",
    ]
    command = [sys.executable, "-m", "pytest", *test, *sys.argv[1:]]
    sys.exit(subprocess.call(command, cwd=Path(__file__).resolve().parent.parent))
