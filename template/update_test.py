"""A product over two releases of the template: edited as its owners would, then updated. Called by template/ci.

Releases are made up in a clone: the first is the template as it is, the next ones change files that the product keeps,
deleted, left out or changed itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **IDENTITY}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def commit(folder: Path, message: str, tag: str = "") -> None:
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", message)
    if tag:
        run(folder, "git", "tag", tag)


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text, (path, before)
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def edit_as_owner(product: Path) -> None:
    """Changes that a team makes to its product: a slice, a setting, a deleted page, a migration of accounts, a line of its own."""
    run(product, "make", "remove-slice", "NAME=audit", "YES=1")
    orders = product / "apps" / "orders"
    (orders / "migrations").mkdir(parents=True)
    (orders / "__init__.py").write_text("")
    (orders / "migrations" / "__init__.py").write_text("")
    (orders / "apps.py").write_text(
        '"""Orders of customers."""\n\nfrom __future__ import annotations\n\nfrom django.apps import AppConfig\n\n\n'
        'class OrdersConfig(AppConfig):\n    name = "apps.orders"\n'
    )
    change(product / "config/settings/components/apps.py", 'TIME_ZONE = "UTC"', 'TIME_ZONE = "Europe/Berlin"')
    (product / "docs/guides/idempotency.md").unlink()
    last = max((product / "apps/users/migrations").glob("0*.py")).stem
    (product / "apps/users/migrations/0900_ours.py").write_text(
        '"""Ours."""\n\nfrom django.db import migrations\n\n\nclass Migration(migrations.Migration):\n'
        f'    dependencies = [("users", "{last}")]\n\n    operations = []\n'
    )
    append(product / "README.md", "\nOurs.\n")
    commit(product, "Make it ours")


def release(template: Path, version: str) -> None:
    """The template goes on: code, a page that the product deleted, a slice that it left out, its own README."""
    change(template / "apps/common/slices.py", '"""', f'"""Release {version}. ')
    append(template / "docs/guides/idempotency.md", f"\nRelease {version}.\n")
    append(template / "docs/guides/zones.md", f"\nRelease {version}.\n")
    append(template / "apps/chat/protocol.py", f"\n# Release {version}.\n")
    append(template / "apps/audit/types.py", f"\n# Release {version}.\n")
    (template / f"apps/audit/release_{version.replace('.', '_')}.py").write_text(
        f'"""Release {version}."""\n'
    )
    append(template / "README.md", f"\nRelease {version}.\n")
    (template / f"docs/guides/release-{version}.md").write_text(f"# Release {version}\n")
    commit(template, f"Release {version}", version)


def expect(what: str, condition: object) -> None:
    if not condition:
        raise SystemExit(f"not so: {what}")
    print(f"ok    {what}")


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        template, product = Path(name) / "template", Path(name) / "product"
        run(Path(name), "git", "clone", "--quiet", "--no-tags", str(TEMPLATE), str(template))
        run(template, "git", "tag", "1.0.0")
        run(Path(name), "git", "clone", "--quiet", str(template), str(product))
        run(
            product,
            *("make", "init", "NAME=Acme Orders", "DOMAIN=orders.example.com"),
            *("WITHOUT=chat notifications console", "LICENSE=proprietary"),
        )
        commit(product, "Make a product")
        edit_as_owner(product)
        for version in ("1.1.0", "1.2.0"):
            release(template, version)
            print(run(product, "make", "update", f"VERSION={version}"))
            changed = run(product, "git", "status", "--porcelain")
            expect(
                f"{version} is in the code",
                f"Release {version}." in (product / "apps/common/slices.py").read_text(),
            )
            expect(
                f"{version} is in the pages",
                f"Release {version}." in (product / "docs/guides/zones.md").read_text(),
            )
            expect(f"{version} brought its page", (product / f"docs/guides/release-{version}.md").is_file())
            expect(
                "the product's settings are kept",
                'TIME_ZONE = "Europe/Berlin"' in (product / "config/settings/components/apps.py").read_text(),
            )
            expect(
                "its slice and its migration are kept",
                (product / "apps/orders/apps.py").is_file()
                and (product / "apps/users/migrations/0900_ours.py").is_file(),
            )
            expect(
                "the migration of the slice that it removed is kept",
                len(list((product / "apps/removed/migrations").glob("0001_drop_audit_*.py"))) == 1,
            )
            expect("its README is its own", (product / "README.md").read_text().endswith("\nOurs.\n"))
            expect("what it deleted stays away", not (product / "docs/guides/idempotency.md").exists())
            expect(
                "what it left out stays away",
                not any(
                    (product / path).exists()
                    for path in (
                        "apps/audit",
                        "apps/chat",
                        "apps/notifications",
                        "template",
                        "benchmarks",
                        "scripts/init.py",
                        "copier.yml",
                    )
                ),
            )
            expect(
                "no conflict and no leftover",
                "<<<<<<<" not in run(product, "git", "diff")
                and ".rej" not in changed
                and ".orig" not in changed,
            )
            commit(product, f"Update to {version}")
        named = subprocess.run(
            ["git", "grep", "-il", "sarsen"], cwd=product, capture_output=True, text=True, check=False
        )
        expect("nothing is called as the template is", not named.stdout)
        run(product, "make", "check")
        expect("make check is green", True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
