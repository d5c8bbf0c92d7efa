"""Copies the image's static files into the volume that nginx serves, beside those of earlier releases.

Names carry a hash of their content, so releases do not get in each other's way. Files that no release of the last 30 days
had are removed. Standard library only; `migrate` runs it in the container.
"""

import json
import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

KEPT_SECONDS = 30 * 24 * 3600


def publish(source: Path, target: Path) -> tuple[int, int]:
    """Copy and remove. The numbers of files copied and removed."""
    copied = removed = 0
    for path in source.rglob("*"):
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            partial = place.with_name(f".{place.name}.partial")
            shutil.copyfile(path, partial)
            # The time of the last release that had the file.
            partial.replace(place)
            copied += 1
    for path in target.rglob("*"):
        if path.is_file() and path.stat().st_mtime < time.time() - KEPT_SECONDS:
            path.unlink()
            removed += 1
    return copied, removed


if __name__ == "__main__":
    data = Path(os.environ["DATA_DIR"])
    copied, removed = publish(Path("/app/staticfiles"), data / "static")
    # In the form of the product's log.
    event = {
        "event": "static_files",
        "level": "info",
        "logger": "static_files",
        "copied": copied,
        "removed": removed,
    }
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    sys.stdout.write(json.dumps({**event, "timestamp": now}) + "\n")
