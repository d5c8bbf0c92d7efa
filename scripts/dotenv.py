"""`make env`: writes the `.env` that `docker compose up` needs, with strong random secrets. Standard library only.

    python3 scripts/dotenv.py            write .env, readable by its owner only; of one that exists, only add what it lacks
    python3 scripts/dotenv.py --print    print it instead

It runs where nothing is installed. What makes a secret weak is in infrastructure/environment/secrets.py.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import string
import sys
from pathlib import Path

_ALPHABET = string.ascii_letters + string.digits
HEAD = """\
# Written by `make env`: the secrets of this installation. Keep a copy in a safe place, and none in version control.
# .env.example explains these and every other variable.
"""


def _random(length: int) -> str:
    """Letters and digits only: the same text in a shell, in a URL and in a .env file. 64 of them are 381 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def slugs() -> list[str]:
    """The product's slug, then those of earlier releases, from product.toml; `app` where that file is out of reach."""
    try:
        text = (Path(__file__).resolve().parent.parent / "product.toml").read_text(encoding="utf-8")
    except (NameError, OSError):
        return ["app"]
    found = re.findall(r"^(?:slug|formerly)[ \t]*=(.*)$", text, flags=re.MULTILINE)
    return re.findall(r'"([a-z0-9-]+)"', " ".join(found))


def names(slug: str) -> dict[str, str]:
    """The names of an installation, constant while this file exists: its volumes and its database have them."""
    return {"COMPOSE_PROJECT_NAME": slug, "IMAGE": slug, "POSTGRES_USER": slug.replace("-", "_")}


def values() -> dict[str, str]:
    """The names, the secrets, and the few values that an installation changes first."""
    return {
        "SECRET_KEY": _random(64),
        "JWT_KEYS": "k1:" + _random(64),
        # As Fernet.generate_key(): 32 random bytes in URL-safe base64.
        "FIELD_ENCRYPTION_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "POSTGRES_PASSWORD": _random(40),
        "REDIS_PASSWORD": _random(40),
        "BACKUP_KEY": _random(64),
        "GRAFANA_PASSWORD": _random(40),
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "PUBLIC_URL": "http://localhost:8080",
        "SECURE_SSL": "false",
        **names(slugs()[0]),
    }


def lines(chosen: dict[str, str]) -> str:
    """The values as a .env file says them."""
    return "".join(f"{name}={value}\n" for name, value in chosen.items())


def dot_env() -> str:
    """The text of a new file."""
    return HEAD + lines(values())


def complete(path: Path) -> list[str]:
    """Write the file, or add what it does not say yet. The names of what was added."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(dot_env())
        return list(values())
    # A byte order mark, which editors on Windows write, is no part of the first name.
    text = path.read_bytes().decode("utf-8-sig")
    added = []
    chosen = values()
    if re.search(r"^[ \t]*(?:export[ \t]+)?POSTGRES_PASSWORD[ \t]*=[ \t]*\S", text, flags=re.MULTILINE):
        # An installation that an earlier release made: its volumes and its database exist already.
        chosen.update(names(slugs()[-1]))
    for name, value in chosen.items():
        line = re.search(r"^[ \t]*(?:export[ \t]+)?%s[ \t]*=(.*)$" % name, text, flags=re.MULTILINE)
        if line and line[1].partition("#")[0].strip().strip("'\""):
            continue
        if line:  # the name without a value: a second line of that name would be refused
            text = text[: line.start()] + f"{name}={value}" + text[line.end() :]
        else:
            text += ("" if not text or text.endswith("\n") else "\n") + f"{name}={value}\n"
        added.append(name)
    if added:
        path.write_bytes(text.encode())
    return added


def main(arguments: list[str]) -> int:
    """Write or print."""
    if arguments == ["--print"]:
        sys.stdout.write(dot_env())
        return 0
    if arguments:
        sys.stderr.write(__doc__ or "")
        return 2
    try:
        added = complete(Path(__file__).resolve().parent.parent / ".env")
    except UnicodeDecodeError:
        sys.stderr.write(".env is not UTF-8 text: save it as UTF-8.\n")
        return 1
    sys.stdout.write(
        f".env: added {', '.join(added)}. Next: docker compose up --build --wait\n"
        if added
        else ".env has everything already and is left as it is.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
