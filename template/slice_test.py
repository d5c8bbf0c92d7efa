"""`make slice` in a product with all slices and in one with as few as possible: checked, tested, and removed again.

    python template/slice_test.py           one product with three new slices, as template/ci does
    python template/slice_test.py --all     every kind of slice, and a product with few slices

Every line of a new slice is covered by its own tests, and its removal restores the tree.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TEMPLATE))

from scripts import removal  # noqa: E402

EVERY_TYPE = """
flag:bool flag2:bool? name:str code:str? note:text? body:text count:int rank:int? price:decimal? day:date at:datetime
until:datetime? mail:email mail2:email? link:url? site:url ref:uuid ref2:uuid? meta:json extra:json?
level:choice(low,very_high) mood:choice(good,bad)? author:user
"""
# With an owner, for users and admins; with every type; for everyone to read; for admins alone; with an irregular plural.
SLICES = {
    "orders": (
        "customer:str total:decimal due:date? owner:user status:choice(open,paid,cancelled)",
        "private admin",
        "",
    ),
    "trips": (
        "title:str owner:user",
        "private",
        "live nested(stops: town:str days:int kind:choice(short,long)? at:date?)",
    ),
    "recipes": ("title:str", "private", "nested(steps: text:text)"),
    "long_samples": (EVERY_TYPE, "private", ""),
    "products": ("title:str price:decimal in_stock:bool ref:uuid?", "private", ""),
    "invoices": ("number:int issuer:user paid_at:datetime?", "admin", "nested(positions: amount:decimal)"),
    "people": ("rank:int", "admin", ""),
}
MORE_FIELDS = (
    "note:text?",
    "priority:choice(low,high)",
    "shipped_at:datetime?",
    "is_gift:bool",
    "parts:int?",
)
MODELS = {"people": "Human"}


def run(folder: Path, *command: str) -> str:
    """Run a Python command in a tree. Raises SystemExit with what it said when it fails."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
    }
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment | {"DJANGO_READ_DOT_ENV": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-6000:]}")
    return done.stdout


def generate(folder: Path, label: str) -> None:
    """What the target of the Makefile runs."""
    fields, zones, parts = SLICES[label]
    if not (folder / "apps" / "notifications").is_dir():
        parts = parts.replace("live", "")
    model = ["--model", MODELS[label]] if label in MODELS else []
    rest = removal.Rest(folder)
    rest.run(
        "-m", "scripts.new_slice", label, fields, "--zones", zones, "--with", parts, *model, **removal.NOWHERE
    )


def commit(folder: Path) -> None:
    for command in (["add", "--all"], ["commit", "--quiet", "--allow-empty", "--message", "A product"]):
        subprocess.run(
            ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *command],
            cwd=folder,
            check=True,
        )


def try_in(folder: Path, removed: Sequence[str], labels: Sequence[str]) -> None:
    """Raises SystemExit when a slice is not what it has to be in a product without some slices."""
    begun = time.monotonic()
    subprocess.run(["git", "clone", "--quiet", str(TEMPLATE), str(folder)], check=True)
    if (TEMPLATE / ".mypy_cache").is_dir():
        shutil.copytree(TEMPLATE / ".mypy_cache", folder / ".mypy_cache")
    # The generators of clients of this checkout, which `make clients-tools` installs.
    (folder / ".tools").symlink_to(TEMPLATE / ".tools")
    with (folder / ".git" / "info" / "exclude").open("a") as file:
        file.write(".tools\n")
    removal.take_out(folder, removed)
    removal.Rest(folder).regenerate()
    commit(folder)
    for label in labels:
        generate(folder, label)
    for field in MORE_FIELDS:
        removal.Rest(folder).run("-m", "scripts.new_slice.add_field", "orders", field, **removal.NOWHERE)
    run(folder, "scripts/check.py")
    data = "--data-file=.coverage.slices"
    tests = [*(f"apps/{label}" for label in labels), "apps/users/tests/test_personal_columns.py"]
    run(folder, "-m", "coverage", "run", data, "-m", "pytest", "-q", "--show-capture=no", *tests)
    run(folder, "-m", "coverage", "combine", "--quiet", data, *map(str, folder.glob(".coverage.slices.*")))
    for label in labels:
        run(folder, "-m", "coverage", "report", data, f"--include=apps/{label}/*", "--fail-under=100")
    for label in labels:
        run(folder, "scripts/remove_slice.py", label, "--dirty", "--yes")
    left = subprocess.run(
        ["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True
    ).stdout
    if left:
        raise SystemExit(f"the removal of {', '.join(labels)} leaves:\n{left}")
    print(f"ok    {', '.join(labels):<60} {time.monotonic() - begun:5.1f} s", flush=True)


def main() -> int:
    run(TEMPLATE, "scripts/client_tools.py")
    with tempfile.TemporaryDirectory(prefix="slices-") as name:
        if sys.argv[1:] == ["--all"]:
            try_in(Path(name) / "all", (), list(SLICES))
            try_in(Path(name) / "few", ("chat", "notifications", "console"), ["orders", "trips"])
        else:
            try_in(Path(name) / "some", (), ["orders", "trips", "long_samples"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
