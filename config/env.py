"""The only module that reads the environment: a typed table of every variable, and accessors over it.

A variable that is not in `VARIABLES` cannot be read, so this table is the configuration reference: `python -m
config.env` prints it as Markdown. Values come from the process environment first, then from `.env` in the project
folder. What a value means for Django is decided in `config/settings/`, not here.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR: Final = Path(__file__).resolve().parent.parent


class Kind(StrEnum):
    """How the text of a variable is read."""

    TEXT = "text"
    FLAG = "true/false"
    NUMBER = "number"
    ITEMS = "comma list"
    URL = "URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One environment variable: its kind, its default as text (None: it has to be set) and what it is for."""

    name: str
    kind: Kind
    default: str | None
    help: str
    secret: bool = False


def _text(name: str, default: str | None, help: str, *, secret: bool = False) -> Variable:
    return Variable(name=name, kind=Kind.TEXT, default=default, help=help, secret=secret)


def _flag(name: str, default: str, help: str) -> Variable:
    return Variable(name=name, kind=Kind.FLAG, default=default, help=help)


def _number(name: str, default: str, help: str) -> Variable:
    return Variable(name=name, kind=Kind.NUMBER, default=default, help=help)


def _items(name: str, default: str | None, help: str, *, secret: bool = False) -> Variable:
    return Variable(name=name, kind=Kind.ITEMS, default=default, help=help, secret=secret)


def _url(name: str, default: str | None, help: str, *, secret: bool = False) -> Variable:
    return Variable(name=name, kind=Kind.URL, default=default, help=help, secret=secret)


VARIABLES: Final[tuple[Variable, ...]] = (
    # Secrets: development brings its own samples, production refuses to start with a weak or sample value.
    _text("SECRET_KEY", "", "Django's signing key, 50 characters or more", secret=True),
    _items("JWT_KEYS", "", "Access token key ring, `kid:secret,…`; the first signs, all verify", secret=True),
    _items("FIELD_ENCRYPTION_KEY", "", "Fernet keys of encrypted columns, `new,old`", secret=True),
    # Services
    _url("DATABASE_URL", None, "PostgreSQL, `postgres://user:password@host:5432/name`", secret=True),
    _url("REDIS_URL", None, "Redis or Valkey, `redis://:password@host:6379/0`", secret=True),
    _flag(
        "DATABASE_POOL",
        "true",
        "Pool connections (psycopg pool); false: one persistent connection per thread",
    ),
    _number(
        "DATABASE_POOL_SIZE", "12", "Connections one process may open: its threads, the relay and the probes"
    ),
    # The site
    _items("ALLOWED_HOSTS", "", "Host names that are answered"),
    _url("PUBLIC_URL", "http://127.0.0.1:8000", "Where people reach the site; links in mails start with it"),
    _items("CORS_ORIGINS", "", "Browser origins that may call the public and private zones"),
    _number("TRUSTED_PROXY_COUNT", "0", "Proxies in front whose X-Forwarded-For entry is believed"),
    _flag("SECURE_SSL", "true", "The site is reached over TLS: secure cookies, HSTS, redirect (production)"),
    _number("MAX_BODY_BYTES", "1048576", "Largest request body, uploads apart"),
    _number("MAX_UPLOAD_BYTES", "5242880", "Largest uploaded file"),
    _items(
        "RATES_PUBLIC", "120/minute", "Calls of one address to the public zone; several limits may be given"
    ),
    _items("RATES_PRIVATE", "1200/minute", "Calls of one user to the private zone"),
    _items("RATES_INTERNAL", "6000/minute", "Calls of one service to the internal zone"),
    _items("RATES_ADMIN", "300/minute", "Calls of one admin to the admin zone"),
    _number("WEB_THREADS", "8", "Threads that answer HTTP in one process"),
    _number("WEB_CONCURRENCY", "0", "Processes of gunicorn; 0: one more than there are processors"),
    # Identity
    _text(
        "JWT_ALGORITHM",
        "HS256",
        "HS256, or EdDSA: public keys at `/.well-known/jwks.json`, private ones in `JWT_KEYS`",
    ),
    _text("JWT_ISSUER", "sarsen", "`iss` and `aud` of access tokens"),
    _number("ACCESS_TOKEN_SECONDS", "600", "Lifetime of an access token"),
    _number("REFRESH_TOKEN_SECONDS", "1209600", "Lifetime of a refresh token, renewed at each use"),
    _number(
        "SESSION_SECONDS", "7776000", "How long a session may be renewed in all; then it takes a sign-in"
    ),
    _number(
        "REFRESH_GRACE_SECONDS", "0", "How long the refresh token used last may come again, for lost answers"
    ),
    _flag("REQUIRE_VERIFIED_EMAIL", "false", "Sign-in waits for the address to be verified"),
    _flag("ADMIN_SECOND_FACTOR", "true", "The admin role opens nothing without a second factor (production)"),
    _flag("REGISTRATION_UNIFORM", "false", "Registration answers 202 for new and for known addresses"),
    _text(
        "OIDC_PROVIDERS",
        "",
        'Sign-in elsewhere, as JSON: `[{"name":"acme","issuer":"https://…","client_id":"…","client_secret":"…"}]`,'
        ' or `[{"type":"github","client_id":"…","client_secret":"…"}]`',
        secret=True,
    ),
    # Chat
    _number("CHAT_FRAMES_PER_SECOND", "20", "Frames a socket may send; five seconds' worth may come at once"),
    _number("CHAT_SOCKETS_PER_USER", "20", "Open sockets of one person in one process"),
    _number("CHAT_SOCKETS_PER_ADDRESS", "500", "Open sockets of one client address in one process"),
    _text(
        "CHAT_SEARCH_LANGUAGE", "simple", "Language of search in new rooms: `simple`, `english`, `german` …"
    ),
    _number(
        "CHAT_DATABASE_THREADS",
        "3",
        "Threads with a connection for sockets, in one process: one stores, the others read",
    ),
    _flag("WEBSOCKET_JOINED_WRITES", "true", "Send many frames in one write; false: the stock server class"),
    # Mail
    _url(
        "EMAIL_URL",
        "",
        "`smtp+tls://user:password@host:587`; empty: folder `.data/mail` (production: console)",
        secret=True,
    ),
    _text("EMAIL_FROM", "Sarsen <no-reply@example.com>", "Sender of every mail"),
    # Storage
    _text("S3_BUCKET", "", "Bucket for uploads; empty: local disk"),
    _text("S3_ENDPOINT_URL", "", "Endpoint of an S3-compatible store; empty: AWS"),
    _text("S3_REGION", "", "Region of the bucket"),
    _text("S3_ACCESS_KEY", "", "Access key; empty: the machine's role", secret=True),
    _text("S3_SECRET_KEY", "", "Secret of the access key", secret=True),
    # Folders
    _text("DATA_DIR", ".data", "Mails of development and uploads without S3"),
    # Watching
    _text("LOG_LEVEL", "INFO", "Threshold of the log"),
    _text("SENTRY_DSN", "", "Sentry project; empty: off", secret=True),
    _text("ENVIRONMENT", "", "Name of this installation in Sentry; empty: by settings module"),
    _number("AUDIT_RETENTION_DAYS", "400", "Days that the audit log keeps a row, 30 at least"),
    _text("HEARTBEAT_FILE", "", "File that worker and beat touch while they are alive; empty: none"),
    _text("RELEASE", "", "Version that runs, for Sentry"),
)

_BY_NAME: Final = {variable.name: variable for variable in VARIABLES}

_reader = environ.Env()
if os.environ.get("DJANGO_READ_DOT_ENV", "1") != "0":
    _dot_env = BASE_DIR / ".env"
    if _dot_env.is_file():
        environ.Env.read_env(_dot_env)


def _raw(name: str, kind: Kind) -> str:
    variable = _BY_NAME[name]
    if variable.kind is not kind:
        raise TypeError(f"{name} is declared as {variable.kind}, not {kind}")
    value = os.environ.get(name, variable.default)
    if value is None:
        raise ImproperlyConfigured(
            f"{name} is not set ({variable.help}). Set it in the environment or in .env; `make run` and `make test`"
            " set it by themselves."
        )
    return value


def text(name: str) -> str:
    """The variable as it stands. Raises ImproperlyConfigured when it has no value and no default."""
    return _raw(name, Kind.TEXT).strip()


def url(name: str) -> str:
    """Like `text`, for a variable declared as URL."""
    return _raw(name, Kind.URL).strip()


def items(name: str) -> list[str]:
    """A comma-separated variable, blanks trimmed, empty entries dropped."""
    return [item for item in (part.strip() for part in _raw(name, Kind.ITEMS).split(",")) if item]


def number(name: str) -> int:
    """A whole number of zero or more. Raises ImproperlyConfigured for anything else."""
    value = _raw(name, Kind.NUMBER).strip()
    if not value.isascii() or not value.isdigit():
        raise ImproperlyConfigured(f"{name} must be a whole number of 0 or more, not {value!r}.")
    return int(value)


def flag(name: str) -> bool:
    """true/false, 1/0, yes/no, on/off in any case. Raises ImproperlyConfigured for anything else."""
    value = _raw(name, Kind.FLAG).strip().lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off", ""):
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")


def database(name: str = "DATABASE_URL") -> dict[str, object]:
    """A Django DATABASES entry. Raises ImproperlyConfigured unless it names PostgreSQL."""
    value = url(name)
    if not value.startswith(("postgres://", "postgresql://", "pgsql://")):
        raise ImproperlyConfigured(f"{name} must start with postgres:// (PostgreSQL is the one engine).")
    return dict(_reader.db_url_config(value))


def email(name: str = "EMAIL_URL") -> dict[str, object]:
    """Django's EMAIL_* settings of a mail URL."""
    return dict(_reader.email_url_config(url(name)))


def markdown() -> str:
    """The configuration reference as a Markdown table, one row per variable."""
    rows = ["| variable | kind | default | what it is |", "|---|---|---|---|"]
    for variable in VARIABLES:
        default = (
            "required"
            if variable.default is None
            else f"`{variable.default}`"
            if variable.default
            else "empty"
        )
        secret = " (secret)" if variable.secret else ""
        rows.append(f"| `{variable.name}` | {variable.kind} | {default} | {variable.help}{secret} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(markdown() + "\n")
