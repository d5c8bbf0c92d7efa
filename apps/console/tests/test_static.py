"""The JavaScript and the style sheets of the console and of every slice: what they import, and what they must not do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from pytest_django import Settings

from apps.common import slices
from scripts import slice_names

FRAME: Final = Path(__file__).resolve().parents[1] / "static" / "console"
CLIENT: Final = FRAME / "client"  # generated
# URL below /static/ → file.
FILES: Final = {
    f"{prefix}/{path.relative_to(folder).as_posix()}": path
    for prefix, folder in (("console", FRAME), *django_settings.STATICFILES_DIRS)
    for path in sorted(Path(folder).rglob("*"))
    if path.suffix in (".js", ".css") and not path.is_relative_to(CLIENT)
}
MODULES: Final = sorted(url for url in FILES if url.endswith(".js"))
SHEETS: Final = sorted(url for url in FILES if url.endswith(".css"))
IMPORT: Final = re.compile(r"""(?:from|import)\s*\(?["']([^"']+)["']""")


def imports(url: str) -> list[str]:
    """The URLs that a module imports."""
    found = []
    for name in IMPORT.findall(FILES[url].read_text(encoding="utf-8")):
        assert name.startswith("."), f"{name} is not a file of this site"
        parts = url.split("/")[:-1]
        for step in name.split("/"):
            if step == "..":
                parts.pop()
            elif step != ".":
                parts.append(step)
        found.append("/".join(parts))
    return found


def test_there_are_modules() -> None:
    assert {"console/app.js", "console/registry.js", "users/console/session.js"} <= set(MODULES)


@pytest.mark.parametrize("url", MODULES)
def test_modules_import_files_that_exist(url: str) -> None:
    bundle = "console/client/browser/index.js"
    assert [name for name in imports(url) if name not in FILES and name != bundle] == []


@pytest.mark.parametrize("url", MODULES)
def test_modules_import_only_their_own_slice_and_the_frame(url: str) -> None:
    own = url.split("/", maxsplit=1)[0]
    assert {name.split("/")[0] for name in imports(url)} <= {own, "console"}


@pytest.mark.parametrize("url", [*MODULES, *SHEETS])
def test_files_write_no_markup_and_use_no_other_site(url: str) -> None:
    text = FILES[url].read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc", text
    )
    assert not re.search(r"https?://(?!www\.w3\.org/)[a-z]", text)
    assert "@import" not in text
    assert "url(" not in text
    assert text.count("\n") <= 300


@pytest.mark.parametrize("url", [url for url in FILES if url.startswith("console/")])
def test_the_frame_names_no_slice(url: str) -> None:
    text = FILES[url].read_text(encoding="utf-8")
    others = {slice_.label for slice_ in slices.installed()} - {"console", "api", "common"}
    assert [label for label in others if slice_names.pattern(label).search(text)] == []


def test_declared_files_exist() -> None:
    declared = [
        file for _, module in slices.modules("console") for file in (module.MODULE, *module.STYLESHEETS)
    ]
    assert [file for file in declared if file not in FILES] == []


def test_modules_import_each_other_by_hashed_names(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "infrastructure.storage.static.HashedStaticFilesStorage"},
    }
    others = ["admin", "rest_framework", "drf_spectacular_sidecar", "django_extensions", "gis"]
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=others)
    hashed = re.compile(r"\.[0-9a-f]{12}\.js$")
    for url in MODULES:
        [stored] = [
            path
            for path in (tmp_path / url).parent.glob(f"{Path(url).stem}.*.js")
            if hashed.search(path.name)
        ]
        for name in IMPORT.findall(stored.read_text(encoding="utf-8")):
            assert hashed.search(name), (url, name)
            assert (stored.parent / name).is_file(), (url, name)
