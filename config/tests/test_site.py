"""The documentation's site: what its pages link to is there, and the reference is made from the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from apps.common import events
from scripts import reference, site


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Path:
    target = tmp_path_factory.mktemp("site") / "pages"
    site.gather(target)
    return target


def test_links_between_pages_lead_somewhere(pages: Path) -> None:
    broken = []
    for page in pages.rglob("*.md"):
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for link in re.findall(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)", text):
            if "://" not in link and not (page.parent / link).exists():
                broken.append(f"{page.relative_to(pages)}: {link}")
    assert broken == []


def test_the_reference_lists_what_the_code_has(pages: Path) -> None:
    folder = pages / "docs/reference"
    assert {page.stem for page in folder.glob("*.md")} == {page.__name__ for page in reference.PAGES}
    listed = set(re.findall(r"^\| `([^`]+)`", (folder / "events.md").read_text(), re.MULTILINE))
    assert listed == {name for name, kind in events.declared().items() if ".tests" not in kind.__module__}
    assert "/api/private/v1/users/me/" in (folder / "routes.md").read_text()


def test_pages_of_slices_that_are_gone_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "ROOT", tmp_path)
    (tmp_path / "page.md").write_text("See [the gone](apps/gone/docs/gone.md) and [x](apps/there/docs/x.md).")
    (tmp_path / "apps/there").mkdir(parents=True)
    site.copy(tmp_path / "page.md", tmp_path / "made")
    assert (tmp_path / "made/page.md").read_text() == "See the gone and [x](apps/there/docs/x.md)."
