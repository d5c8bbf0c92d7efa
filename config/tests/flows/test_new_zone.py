"""docs/guides/new-zone.md, executed on a copy of the project: a zone with its own credential and rates, called over HTTP."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from apps.common.testing.processes import Site, answers, stop
from apps.common.testing.waiting import wait_until
from config.env import BASE_DIR
from infrastructure.embedded.postgres import free_port

pytestmark = pytest.mark.campaign

GUIDE = (BASE_DIR / "docs" / "guides" / "new-zone.md").read_text(encoding="utf-8")
_FILE = re.compile(r"^```python title=(\S+)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^```python line=config/zones\.py\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
_ZONE = re.compile(r"^```python zone=config/zones\.py\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)

# One process for all commands.
_TYPED = """
import sys, django; django.setup()
from django.core.management import call_command
for action in (["validate"], ["urls", "partner"], ["audit"]):
    call_command("zones", *action)
for scope in ("api:partner:v1:partners:stock", "api:internal:v1:users:user"):
    call_command("zones", "keys", "create", "globex", "--scope", scope, "--format", "json")
from apps.partners.authentication import issue
from apps.common.testing.users import UserFactory, access_token_for
print(issue("acme"), issue("initech"), access_token_for(UserFactory()))
"""

Run = Callable[..., str]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project with the changes of the guide."""
    project = tmp_path / "copy"
    for folder in ("apps", "config", "infrastructure", "scripts"):
        shutil.copytree(
            BASE_DIR / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
        )
    for file in ("manage.py", "pyproject.toml", "product.toml"):
        shutil.copy(BASE_DIR / file, project)
    files = _FILE.findall(GUIDE)
    assert len(files) == 5
    for name, text in files:
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    table = project / "config" / "zones.py"
    text = table.read_text(encoding="utf-8")
    (line,), (zone,) = _LINE.findall(GUIDE), _ZONE.findall(GUIDE)
    entry = textwrap.indent(zone.rstrip(), "    ") + ",\n"
    for added, anchor in ((line, '    "users": ('), (entry, '    Zone(\n        name="admin"')):
        assert text.count(anchor) == 1
        text = text.replace(anchor, added + anchor)
    table.write_text(text, encoding="utf-8")
    return project


@pytest.fixture
def settings_of_copy(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of the copy, without coverage and compiled files."""
    own = {name: value for name, value in environment.items() if not name.startswith("COVERAGE_")}
    return own | {"PYTHONPYCACHEPREFIX": str(tmp_path / "pycache"), "PYTHONPATH": ""}


@pytest.fixture
def server(
    copy: Path, settings_of_copy: dict[str, str], tmp_path: Path
) -> Iterator[Callable[[], httpx.Client]]:
    """Starts the copy's server."""
    sites: list[Site] = []

    def start() -> httpx.Client:
        port = free_port()
        with (tmp_path / "copy.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "config.serve", "--port", str(port)],
                cwd=copy,
                env=settings_of_copy,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        sites.append(Site(port, process))
        wait_until(lambda: answers(sites[0]), "the copy's server answers", seconds=30)
        return sites[0].http

    yield start
    for site in sites:
        site.http.close()
        stop(site.process)


def test_the_guide_builds_a_zone_that_holds(
    copy: Path, settings_of_copy: dict[str, str], server: Callable[[], httpx.Client]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TYPED],
        cwd=copy,
        env=settings_of_copy,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert "schema partner/v1" in lines
    assert (
        "/api/partner/v1/stock/\tGET\tapps.partners.views.StockView\tapi:partner:v1:partners:stock\tpartner service"
        in done.stdout
    )
    assert any(line.endswith(" 0 findings") for line in lines)
    style = [sys.executable, "-m", "ruff", "check", "apps/partners", "config/zones.py"]
    checked = subprocess.run(style, cwd=copy, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    keys = [
        json.loads(found) for found in re.findall(r"^\{.*?^\}", done.stdout, flags=re.MULTILINE | re.DOTALL)
    ]
    acme, initech, user = lines[-1].split()
    stock = "/api/partner/v1/stock/"

    http = server()

    def get(credential: str = "", path: str = stock) -> httpx.Response:
        return http.get(path, headers={"Authorization": credential} if credential else {})

    mine = get(f"Partner {acme}")
    assert mine.json() == {"partner": "partner acme", "amounts": {"lintel": 2, "menhir": 15}}
    assert mine.headers["RateLimit-Policy"] == '"5-per-60s";q=5;w=60, "10000-per-86400s";q=10000;w=86400'
    assert get(f"Api-Key {keys[0]['key']}").json()["partner"] == "globex"

    # Other callers are refused, equally for known and unknown paths.
    for path in (stock, "/api/partner/v1/none/", "/api/partner/schema.yaml"):
        refused = get(path=path)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Partner, Api-Key"), path
    assert get(f"Partner {acme}x").status_code == 401
    assert get(f"Bearer {user}").status_code == 401
    assert get(f"Api-Key {keys[1]['key']}").json()["code"] == "out_of_scope"
    # A partner's credential opens no other zone.
    for path in ("/api/private/v1/users/me/", "/api/internal/v1/none/", "/api/admin/v1/users/"):
        assert get(f"Partner {acme}", path).status_code == 401, path

    described = get(f"Partner {acme}", "/api/partner/schema.json").json()
    assert list(described["paths"]) == [stock]
    assert list(described["components"]["securitySchemes"]) == ["partner", "service"]

    # Rates of the zone, for each partner.
    statuses = [get(f"Partner {acme}").status_code for _ in range(5)]
    assert statuses == [200] * 4 + [429]
    assert get(f"Partner {initech}").status_code == 200
