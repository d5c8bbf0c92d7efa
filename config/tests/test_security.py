"""docs/security.md against the code: named files and tests exist, and no requirement of ASVS 5.0.0 is missing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

from config.env import BASE_DIR
from config.serve import server_config
from config.tests.test_architecture import is_here
from scripts import check

PAGE = (BASE_DIR / "docs" / "security.md").read_text(encoding="utf-8")
# Levels of each section's requirements in their order, from OWASP ASVS 5.0.0 (CC BY-SA 4.0).
ASVS = {
    "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123",
    "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23",
    "3.1": "3", "3.2": "113", "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3", "3.7": "22333",
    "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222",
    "5.1": "2", "5.2": "112333", "5.3": "113", "5.4": "222",
    "6.1": "122", "6.2": "111111112222", "6.3": "11223333", "6.4": "112233", "6.5": "22222333", "6.6": "2223",
    "6.7": "33", "6.8": "2222",
    "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22",
    "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23",
    "9.1": "111", "9.2": "1222",
    "10.1": "22", "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222", "10.6": "22",
    "10.7": "222",
    "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23", "11.7": "33",
    "12.1": "12233", "12.2": "11", "12.3": "22223",
    "13.1": "2333", "13.2": "222223", "13.3": "2233", "13.4": "1222233",
    "14.1": "22", "14.2": "12223333", "14.3": "122",
    "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223",
    "17.1": "23", "17.2": "22223333", "17.3": "22",
}  # fmt: skip
LEVELS = {
    f"{section}.{number}": int(level)
    for section, levels in ASVS.items()
    for number, level in enumerate(levels, start=1)
}
QUOTED = re.compile(r"`([\w./-]+/[\w./-]+|[\w-]+\.(?:md|py|ini|toml|yml))(?:::(\w+))?`")


def rows() -> list[tuple[list[str], int, str]]:
    """The rows of the ASVS tables: requirements (a range is several), level, the rest."""
    found = []
    for numbers, level, rest in re.findall(r"^\| V([\d., –V]+) \| ([123]) \| (.*) \|$", PAGE, re.MULTILINE):
        ids: list[str] = []
        for part in numbers.replace("V", "").split(", "):
            first, _, last = part.partition("–")
            section, _, number = first.rpartition(".")
            end = int(last.rpartition(".")[2]) if last else int(number)
            ids += [f"{section}.{one}" for one in range(int(number), end + 1)]
        found.append((ids, int(level), rest))
    return found


def test_every_requirement_of_levels_one_and_two_has_one_row() -> None:
    listed = [number for ids, _, _ in rows() for number in ids]
    assert sorted(number for number in listed if listed.count(number) > 1) == []
    assert [number for number in listed if number not in LEVELS] == []
    wanted = {number for number, level in LEVELS.items() if level <= 2}
    assert sorted(wanted - set(listed)) == []


def test_levels_are_those_of_the_standard() -> None:
    wrong = [(number, level) for ids, level, _ in rows() for number in ids if LEVELS[number] != level]
    assert wrong == []


def test_met_requirements_name_file_and_test_and_others_a_reason() -> None:
    bare = []
    for ids, _, rest in rows():
        _, where, proof = rest.split(" | ")
        if not where.startswith(("Not applicable", "Out of scope", "Open:")) and not (
            QUOTED.search(where) and QUOTED.search(proof)
        ):
            bare.append(ids)
    assert bare == []


def test_named_files_and_tests_exist() -> None:
    missing = []
    for path, name in sorted(set(QUOTED.findall(PAGE))):
        if path.startswith(("/", "api/", "application/")):
            continue  # paths of the product and kinds of content
        if not is_here(path):
            continue  # of a slice that was removed
        file = BASE_DIR / path.rstrip("/")
        if not file.exists():
            missing.append(path)
        elif name:
            text = file.read_text(encoding="utf-8")
            if not re.search(rf"^\s*(?:async )?(?:def|class) {name}\b", text, re.MULTILINE):
                missing.append(f"{path}::{name}")
    assert missing == []


def test_cookies_of_production() -> None:
    shown = (
        "from django.conf import settings as s; import json; print(json.dumps([[getattr(s, f'{kind}_COOKIE_{name}')"
        " for name in ('NAME', 'SECURE', 'HTTPONLY', 'SAMESITE', 'PATH', 'DOMAIN')] for kind in ('SESSION', 'CSRF')]))"
    )
    environment = {**os.environ, **check.production_environment(), "DJANGO_READ_DOT_ENV": "0"}
    done = subprocess.run(
        [sys.executable, "-c", shown],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [
        ["__Host-sessionid", True, True, "Lax", "/", None],
        ["__Host-csrftoken", True, True, "Lax", "/", None],
    ]


def test_images_contain_only_listed_files() -> None:
    lines = (BASE_DIR / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert not [rule for rule in rules if rule.startswith("!") and re.search(r"git|\.env|tests|\*$", rule)]
    assert "**/tests" in rules


def test_no_server_reveals_its_version() -> None:
    assert server_config(host="127.0.0.1", port=1).server_header is False
    assert "server_tokens off;" in (BASE_DIR / "deploy" / "nginx" / "nginx.conf").read_text(encoding="utf-8")


def test_diagrams_have_the_running_services() -> None:
    for part in ("nginx", "web", "channels", "worker", "postgres", "valkey"):
        assert re.search(rf"^\s+{part}[\[(]", PAGE, re.MULTILINE), part
