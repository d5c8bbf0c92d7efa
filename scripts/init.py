"""`make init`: turns a clone of the template into a product of its own. Needs the environment of `make`.

    make init NAME="Acme Orders" SLUG=acme-orders DOMAIN=orders.example.com WITHOUT="chat console" LICENSE=proprietary

What is not given is asked for in a terminal, and takes its default elsewhere. Nothing is committed: `git diff` shows
what was done, and `git restore . && git clean -d` takes it back. In a folder that `copier copy` made, the first `make`
runs this with copier's answers.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from infrastructure import product
from scripts import removal
from scripts.removal import ANSWERS, OPTIONAL

ROOT: Final = Path(__file__).resolve().parent.parent
LICENSES: Final = ("proprietary", "mit", "apache-2.0")
_PRODUCT: Final = """\
# The names of the product. Pages, mails, schemas, client packages, metrics, cookies, containers and the database follow
# from this file.

name = "{name}"
slug = "{slug}"  # lower-case letters, digits and hyphens: in names of packages, containers, cookies, metrics, the database
domain = "{domain}"
description = "{description}"
"""


class Refused(Exception):
    """The answers cannot be used, or the checkout is not fit. Nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The choices of the owner of the product."""

    name: str
    slug: str
    domain: str
    without: tuple[str, ...]
    license: str

    @property
    def description(self) -> str:
        return f"{self.name}, a Django application"


def slug_of(name: str) -> str:
    """`Acme Orders` → `acme-orders`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def collect(options: argparse.Namespace, ask: Callable[[str, str], str]) -> Answers:
    """The answers: from the arguments, then from `ask(question, default)`. Raises Refused."""
    name = options.name or ask("Name of the product", "")
    if not name:
        raise Refused('a product needs a name: make init NAME="Acme Orders"')
    slug = options.slug or ask("Slug, for packages, containers and the database", slug_of(name))
    domain = options.domain or ask("Domain", "example.com")
    without = options.without
    if without is None:
        without = ask(f"Slices to leave out, of {', '.join(OPTIONAL)}", "")
    license_ = options.license or ask(f"Licence, of {', '.join(LICENSES)}", LICENSES[0])
    labels = tuple(sorted(set(without.replace(",", " ").split())))
    answers = Answers(name=name, slug=slug, domain=domain, without=labels, license=license_.lower())
    _judge(answers)
    return answers


def _judge(answers: Answers) -> None:
    if '"' in answers.name or "\\" in answers.name:
        raise Refused("the name has to be without quotation marks and backslashes")
    values = {key: getattr(answers, key) for key in ("name", "slug", "domain", "description")}
    try:
        product.parse(_PRODUCT.format(**values), "the answers")
    except product.InvalidProduct as error:
        raise Refused(str(error)) from error
    if answers.slug.replace("-", "_") in ("postgres", "template0", "template1"):
        raise Refused(f"the slug `{answers.slug}` is a name of PostgreSQL's own")
    if unknown := [label for label in answers.without if label not in OPTIONAL]:
        raise Refused(f"`{unknown[0]}` is not one of {', '.join(OPTIONAL)}")
    table = removal.needs()
    for label in sorted(set(table) - set(answers.without)):
        if lacking := sorted(table[label] & set(answers.without)):
            raise Refused(f"{label} needs {lacking[0]}: leave out both, or keep both")
    if answers.license not in LICENSES:
        raise Refused(f"the licence `{answers.license}` is not one of {', '.join(LICENSES)}")


def answered(path: Path) -> argparse.Namespace:
    """The answers that `copier copy` wrote, as arguments."""
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return argparse.Namespace(
        name=found["name"],
        slug=found["slug"],
        domain=found["domain"],
        license=found["license"],
        without=" ".join(found["without"]),
    )


def remember(answers: Answers) -> None:
    """Write what `make update` has to know, as copier does: where the template is, its release, and the answers."""
    content = {
        "_commit": _git("describe", "--tags", "--always"),
        "_src_path": _git("remote", "get-url", "origin") or str(ROOT),
        "domain": answers.domain,
        "license": answers.license,
        "name": answers.name,
        "slug": answers.slug,
        "without": list(answers.without),
    }
    removal.write_answers(ROOT / ANSWERS, content)


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def template_paths() -> list[Path]:
    """The paths of the template that a product does not have, from paths.txt."""
    lines = (ROOT / "template" / "paths.txt").read_text(encoding="utf-8").splitlines()
    return [ROOT / line for line in lines if line and not line.startswith("#")]


def require_clean() -> None:
    """Raises Refused when the checkout has changes that are not committed: they would be mixed with ours."""
    if _git("status", "--porcelain"):
        raise Refused("commit or stash your changes first, so that `git diff` shows what this command did")


def apply(answers: Answers) -> None:
    """Write the product's files, and remove what it does without, also from the database of a checkout that has run."""
    present = [label for label in answers.without if (ROOT / "apps" / label).is_dir()]
    held = removal.inventory(present, ROOT) if present and removal.has_database(ROOT) else {}
    values = {key: getattr(answers, key) for key in ("name", "slug", "domain", "description")}
    (ROOT / "product.toml").write_text(_PRODUCT.format(**values), encoding="utf-8")
    if not (ROOT / ANSWERS).exists():
        remember(answers)
    year = datetime.now(UTC).year
    license_ = (ROOT / "template" / "licences" / f"{answers.license}.txt").read_text(encoding="utf-8")
    readme = (ROOT / "template" / "README.product.md").read_text(encoding="utf-8")
    for path in template_paths():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    (ROOT / "LICENSE").write_text(license_.format(year=year, **values), encoding="utf-8")
    (ROOT / "README.md").write_text(readme.format(year=year, **values), encoding="utf-8")
    removal.take_out(ROOT, answers.without)
    removal.Rest(ROOT).regenerate()
    removal.clean_own_database(ROOT, held)


def _ask(question: str, default: str) -> str:
    if not sys.stdin.isatty():
        return default
    shown = f" [{default}]" if default else ""
    return input(f"{question}{shown}: ").strip() or default


def main(arguments: Sequence[str]) -> int:
    """Ask, judge, apply."""
    parser = argparse.ArgumentParser(prog="make init", description=__doc__)
    for option in ("name", "slug", "domain", "license"):
        parser.add_argument(f"--{option}", default="")
    parser.add_argument("--without", default=None)
    options = parser.parse_args(arguments)
    try:
        if (ROOT / ANSWERS).exists():
            options = answered(ROOT / ANSWERS)
        else:
            require_clean()
        answers = collect(options, _ask)
    except (Refused, EOFError, KeyboardInterrupt) as error:
        sys.stderr.write(f"make init: {str(error) or 'interrupted'}\n")
        return 2
    apply(answers)
    print(
        f"{answers.name} is yours: git diff shows what changed. Next: git add -A && git commit, make check, make run"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
