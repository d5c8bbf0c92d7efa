"""The tables of environment variables in docs, .env.example, docker-compose.yml and deploy/kubernetes, made from the declarations.

    python scripts/variables.py --write    write them
    python scripts/variables.py            compare them, and look for readers of what is another's (a part of `make check`)

Variables are declared in `config/settings/components/` and in the slices' `settings.py`. What a slice declares is for that
slice alone, and what `apps.common` declares for all slices: nothing below or beside the owner names it. `config`, which
composes them, may.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from django.conf import global_settings  # noqa: E402

from config import env  # noqa: E402
from infrastructure.environment import Variable  # noqa: E402

# Set by the image or for single services, because they follow from how these are laid out.
OF_THE_DEPLOYMENT = frozenset(
    {"COMMIT", "DATA_DIR", "HEARTBEAT_FILE", "METRICS_ADDRESS", "METRICS_PORT", "WEB_CONCURRENCY"}
)


def main(arguments: list[str]) -> int:
    """Write or compare. 1 when a file says something else than the declarations."""
    if arguments not in ([], ["--write"]):
        sys.stderr.write(__doc__ or "")
        return 2
    found = readers() if not arguments else []
    print("\n".join(found), end="\n" * bool(found))
    for name, make in FILES.items():
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        made = make(text)
        if made != text and arguments:
            path.write_text(made, encoding="utf-8")
            print(f"{name} written")
        elif made != text:
            found.append(name)
            print(f"{name}: its variables are not those that are declared: make variables")
    return 1 if found else 0


def page(text: str) -> str:
    """docs/configuration.md with one row for each variable."""
    rows = ["| variable | value | default | what it is |", "|---|---|---|---|"]
    for module, owner in env.declared().items():
        rows.append(f"| **{owner.title}** | | | `{module.replace('.', '/')}.py` |")
        rows += [_row(variable) for variable in owner.declared]
    return _between(text, "<!-- variables -->", "<!-- /variables -->", rows)


def _row(variable: Variable) -> str:
    default = f"`{variable.default}`" if variable.default else "empty"
    secret = " (secret)" if variable.secret else ""
    shown = "required" if variable.default is None else default
    return f"| `{variable.name}` | {variable.kind} | {shown} | {variable.help}{secret} |"


def example(text: str) -> str:
    """.env.example with every variable that is not explained above, and not fixed by the compose file."""
    known = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", text.partition("# <variables>")[0], flags=re.MULTILINE))
    known |= fixed_by_compose() | OF_THE_DEPLOYMENT
    lines: list[str] = []
    for owner in env.declared().values():
        rows = [variable for variable in owner.declared if variable.name not in known]
        lines += [f"\n# --- {owner.title} ---\n"] * bool(rows)
        lines += [
            f"# {row.help.replace('`', '')} ({row.kind}).\n#{row.name}={row.default or ''}" for row in rows
        ]
    return _between(text, "# <variables>", "# </variables>", lines)


def compose(text: str) -> str:
    """docker-compose.yml handing on every variable that it does not set itself."""
    set_there = set(re.findall(r"^  (\w+):", _settings(text), flags=re.MULTILINE)) | OF_THE_DEPLOYMENT
    names = sorted(variable.name for variable in env.variables() if variable.name not in set_there)
    return _between(text, "  # <variables>", "  # </variables>", [f"  {name}:" for name in names])


def kubernetes_settings(text: str) -> str:
    """The overlay's settings.env with every variable that is neither a secret nor set there."""
    known = (
        set(re.findall(r"^([A-Z][A-Z0-9_]*)=", text, flags=re.MULTILINE))
        | fixed_by_compose()
        | OF_THE_DEPLOYMENT
    )
    rows = [variable for variable in env.variables() if not variable.secret and variable.name not in known]
    lines = [
        f"#{variable.name}={variable.default or ''}" for variable in sorted(rows, key=lambda row: row.name)
    ]
    return _between(text, "# <variables>", "# </variables>", lines)


def kubernetes_secrets(text: str) -> str:
    """The overlay's secrets.env.example with every other secret, empty."""
    known = set(re.findall(r"^([A-Z][A-Z0-9_]*)=", text.partition("# <variables>")[0], flags=re.MULTILINE))
    lines = [f"{name}=" for name in secrets() if name not in known]
    return _between(text, "# <variables>", "# </variables>", lines)


def kubernetes_files(text: str) -> str:
    """A patch that names the file of each secret."""
    mark = " " * 12
    lines = [f"{mark}- {{name: {name}_FILE, value: /run/secrets/product/{name}}}" for name in secrets()]
    return _between(text, f"{mark}# <variables>", f"{mark}# </variables>", lines)


def secrets() -> list[str]:
    return sorted(variable.name for variable in env.variables() if variable.secret)


def fixed_by_compose() -> set[str]:
    """Variables whose value in the containers does not come from one of the same name in .env."""
    rows: Iterator[tuple[str, str]] = (
        (match[1], match[2])
        for match in re.finditer(
            r"^  (\w+): *(.*)$", _settings((ROOT / "docker-compose.yml").read_text()), re.MULTILINE
        )
    )
    return {name for name, value in rows if f"${{{name}" not in value}


def readers(root: Path = ROOT) -> list[str]:
    """One line for each file that names a setting or variable which is another slice's."""
    owners = {
        name: module.removesuffix(".settings").rpartition(".")[2]
        for module, names in env.owned_by_slices().items()
        for name in names
        if not hasattr(global_settings, name)
    }
    word = re.compile(rf"\b(?:{'|'.join(sorted(owners))})\b")
    found = []
    for path in sorted(
        path for folder in ("apps", "infrastructure") for path in (root / folder).rglob("*.py")
    ):
        parts = path.relative_to(root).parts
        if {"tests", "testing", "migrations"} & {*parts}:
            continue
        may = {parts[1]} if parts[0] == "apps" else set()
        may |= set() if parts[0] == "infrastructure" else {"common"}
        for name in sorted(set(word.findall(path.read_text(encoding="utf-8")))):
            if owners[name] not in may:
                found.append(
                    f"{path.relative_to(root)} names {name}, which apps/{owners[name]}/settings.py declares"
                )
    return found


def _settings(compose_file: str) -> str:
    """The hand-written part of the settings that all containers of the product share."""
    return compose_file.partition("x-settings:")[2].partition("# <variables>")[0]


def _between(text: str, begin: str, end: str, lines: list[str]) -> str:
    head, found, rest = text.partition(f"{begin}\n")
    _, closed, tail = rest.partition(f"{end}\n")
    if not found or not closed:
        raise SystemExit(f"a file lacks its marks {begin.strip()} and {end.strip()}")
    return "\n".join([head + begin, *lines, end, tail])


FILES: dict[str, Callable[[str], str]] = {
    "docs/configuration.md": page,
    ".env.example": example,
    "docker-compose.yml": compose,
    "deploy/kubernetes/base/secrets.yaml": kubernetes_files,
    "deploy/kubernetes/base/migrated.yaml": kubernetes_files,
    "deploy/kubernetes/overlays/production/settings.env": kubernetes_settings,
    "deploy/kubernetes/overlays/production/secrets.env.example": kubernetes_secrets,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
