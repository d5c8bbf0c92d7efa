"""Builds the documentation as a site that works without a network: `make docs`.

    python scripts/site.py          writes site/index.html and the rest; every link between pages and to files is checked

The pages are the Markdown files of the repository, where they are, and those that `scripts/reference.py` makes from the
code. MkDocs Material reads plain Markdown as GitHub shows it, checks links, and searches without a server; Zensical, its
successor, is not complete yet.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from infrastructure.product import PRODUCT
from scripts import reference, supply

ROOT: Final = supply.ROOT
SITE: Final = ROOT / "site"
SECTIONS: Final = {
    "How to": (
        "docs/guides/*.md",
        "apps/*/docs/*.md",
        "docs/deploy.md",
        "docs/operate.md",
        "docs/kubernetes.md",
    ),
    "Reference": ("docs/configuration.md", "docs/reference/*.md", "docs/security.md", "docs/runbooks.md"),
    "Explanation": (
        "docs/architecture.md",
        "docs/flows/*.md",
        "docs/blueprint.md",
        "benchmarks/*.md",
        "docs/adr/*.md",
    ),
}
_LINK: Final = re.compile(r"(!?\[[^\]]*\]\()([^)\s#]+)(#[^)\s]*)?\)")
_FENCE: Final = re.compile(r"^```(\w+) (?:title=(\S+)|\w+=\S+)$", re.MULTILINE)


def gather(target: Path) -> list[Path]:
    """Copy the pages and what they link to. Returns the pages."""
    patterns = [
        "README.md",
        "SECURITY.md",
        "docs/README.md",
        *(one for group in SECTIONS.values() for one in group),
    ]
    pages = sorted({path for pattern in patterns for path in ROOT.glob(pattern)})
    for page in pages:
        copy(page, target)
    made = target / "docs" / "reference"
    subprocess.run([sys.executable, reference.__file__, str(made)], check=True)
    decisions = sorted((target / "docs/adr").glob("*.md"))
    (target / "docs/adr/README.md").write_text(
        "# Decisions\n\n" + "".join(f"- [{title(path)}]({path.name})\n" for path in decisions),
        encoding="utf-8",
    )
    return sorted(target.rglob("*.md"))


def copy(page: Path, target: Path) -> None:
    """Copy a page. Links to folders become links to their index; linked files are copied."""

    def adapt(match: re.Match[str]) -> str:
        path = (page.parent / match[2]).resolve()
        if "://" in match[2] or match[2].startswith("/") or not path.is_relative_to(ROOT):
            return match[0]
        parts = path.relative_to(ROOT).parts
        if parts[0] == "apps" and not (ROOT / "apps" / parts[1]).is_dir():
            return match[1].removeprefix("[").removesuffix("](")  # of a slice that was taken out
        if path.is_dir():
            return f"{match[1]}{match[2].rstrip('/')}/README.md)"
        if path.is_file() and path.suffix != ".md":
            place = target / path.relative_to(ROOT)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
        return match[0]

    place = target / page.relative_to(ROOT)
    place.parent.mkdir(parents=True, exist_ok=True)
    text = _LINK.sub(adapt, page.read_text(encoding="utf-8"))
    place.write_text(_FENCE.sub(_fence, text), encoding="utf-8")
    for image in re.findall(r'(?:src|srcset)="([^":]+)"', text):
        (target / image).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / image, target / image)


def _fence(match: re.Match[str]) -> str:
    return f'```{match[1]} title="{match[2]}"' if match[2] else f"```{match[1]}"


def title(page: Path) -> str:
    """The first heading."""
    found = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else page.stem


def configuration(pages: Path) -> dict[str, Any]:
    """The configuration of MkDocs, with the sections as its navigation."""
    navigation: list[dict[str, Any]] = [{"Start": "README.md"}]
    if (pages / "docs/README.md").exists():
        navigation.append({"First questions": "docs/README.md"})
    for section, patterns in SECTIONS.items():
        found = [path for pattern in patterns for path in sorted(pages.glob(pattern))]
        navigation.append({section: [{title(path): str(path.relative_to(pages))} for path in found]})
    return {
        "site_name": PRODUCT.name,
        "site_url": "",
        "docs_dir": str(pages),
        "site_dir": str(SITE),
        "use_directory_urls": False,
        "nav": navigation,
        "theme": {"name": "material", "font": False, "features": ["navigation.indexes", "content.code.copy"]},
        "plugins": ["search", "offline"],
        "markdown_extensions": [
            "tables",
            "attr_list",
            "md_in_html",
            "pymdownx.superfences",
            {"toc": {"permalink": True}},
        ],
        "validation": {
            "links": {"anchors": "warn", "unrecognized_links": "warn", "absolute_links": "ignore"}
        },
    }


def main() -> int:
    """Exit code 1 for a broken link."""
    with tempfile.TemporaryDirectory() as folder:
        pages = Path(folder).resolve() / "pages"
        count = len(gather(pages))
        settings = pages.parent / "mkdocs.json"  # JSON is YAML
        settings.write_text(json.dumps(configuration(pages)), encoding="utf-8")
        environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
        command = [str(supply.tools("docs") / "mkdocs"), "build", "--strict", "-f", str(settings)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    lines = [
        line
        for line in (done.stdout + done.stderr).splitlines()
        if "WARNING" in line or "ERROR" in line or "Abort" in line
    ]
    print("\n".join([*lines, f"site/: {count} pages"]))
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
