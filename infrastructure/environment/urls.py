"""Parses the addresses of servers: PostgreSQL, Redis, mail. A message names the faulty part without showing it."""

from __future__ import annotations

import re
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

from infrastructure.environment.values import Mistake, choice, is_host, number

_URL: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+]*)://(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<host>\[[^\]@/?#]*\]|[^:@/?#\[\]]*)(?::(?P<port>[^@/?#]*))?(?P<path>/[^?#@]*)?(?:\?(?P<query>[^#]*))?"
)
_ENCODE: Final = (
    "user and password must be percent-encoded where they hold one of `: / ? # [ ] @ %` or a blank"
    " (%3A %2F %3F %23 %5B %5D %40 %25 %20)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The parts of an address, decoded. `options` are the parameters of its query."""

    scheme: str
    user: str = ""
    password: str = field(default="", repr=False)
    host: str
    port: int | None = None
    path: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


def split(value: str, *, schemes: Collection[str], options: Collection[str]) -> Address:
    """Parse an address. Raises Mistake for an ambiguous one, and for unknown options."""
    named = re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*(?=://)", value)
    if named is None or named[0].lower() not in schemes:
        raise Mistake(f"must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    match = _URL.fullmatch(named[0].lower() + value[named.end() :])
    query = (match and match["query"]) or ""
    if match is None or re.search(r"[\s\x00-\x1f\x7f]", value) or ("@" in query and match["user"] is None):
        raise Mistake(f"cannot be read: {_ENCODE}")
    if any(re.search(r"%(?![0-9a-fA-F]{2})", match[part] or "") for part in ("user", "password", "path")):
        raise Mistake(f"holds a % that encodes nothing: {_ENCODE}")
    port = match["port"]
    if port is not None and (not re.fullmatch(r"\d{1,5}", port, re.ASCII) or not 0 < int(port) < 65_536):
        raise Mistake(f"has no port from 1 to 65535 behind its host: {_ENCODE}")
    host = unquote(match["host"])
    if host and not host.startswith("/") and not all(map(is_host, host.lower().split(","))):
        raise Mistake(f"has a host that is no host name: {_ENCODE}")
    return Address(
        scheme=match["scheme"],
        user=unquote(match["user"] or ""),
        password=unquote(match["password"] or ""),
        host=host.strip("[]"),
        port=int(port) if port else None,
        path=unquote(match["path"] or "").removeprefix("/"),
        options=_options(query, options),
    )


def _options(query: str, known: Collection[str]) -> dict[str, str]:
    given = parse_qsl(query, keep_blank_values=True)
    found = dict(given)
    if unknown := sorted(found.keys() - set(known)):
        # The text before an @ may be a part of a password.
        named = "an option" if "@" in query else f"an option {unknown[0]!r}"
        raise Mistake(f"has {named} that is unknown; known are {', '.join(sorted(known))}")
    if len(found) != len(given):
        raise Mistake("gives an option twice")
    return found


def _option(options: Mapping[str, str], name: str, read: Any) -> Any:
    try:
        return read(options[name])
    except Mistake as mistake:
        # The value is part of an address that contains a password, so it is not shown.
        raise Mistake(
            f"has an option that cannot be used: {name} {str(mistake).partition(', not ')[0]}"
        ) from None


def _file(value: str) -> str:
    if not Path(value).is_file():
        raise Mistake("names no file that is there")
    return value


# ---------------------------------------------------------------- PostgreSQL

_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SESSIONS: Final = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")
_POSTGRES: Final[dict[str, Any]] = {
    "sslmode": choice(_SSL_MODES),
    "target_session_attrs": choice(_SESSIONS),
    "connect_timeout": number(1, 60),
    "sslrootcert": lambda value: value if value == "system" else _file(value),
    **dict.fromkeys(("sslcert", "sslkey", "sslcrl"), _file),
    **dict.fromkeys(
        ("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"), number(0, 86_400)
    ),
    "tcp_user_timeout": number(0, 600_000),
}


def database(value: str, *, password: str = "") -> dict[str, Any]:
    """A Django DATABASES entry; libpq's parameters in the query become OPTIONS. Raises Mistake."""
    from psycopg.pq import Conninfo

    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    known -= {"user", "password", "dbname", "port"}
    address = split(value, schemes=("postgres", "postgresql", "pgsql"), options=known)
    if not address.path or "/" in address.path:
        raise Mistake("must end with the name of one database, as in postgres://user:password@host:5432/name")
    options = {
        name: _option(address.options, name, _POSTGRES.get(name, str))
        for name in address.options
        if name != "host"
    }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.path,
        "USER": address.user,
        "PASSWORD": _one_password(address, password),
        "HOST": address.options.get("host", address.host),
        "PORT": address.port or "",
        "OPTIONS": options,
    }


def _one_password(address: Address, password: str) -> str:
    if address.password and password:
        raise Mistake("holds a password, and there is another one in the variable of its own: give it once")
    return address.password or password


# ---------------------------------------------------------------- Redis

_REDIS: Final[dict[str, Any]] = {
    "ssl_cert_reqs": choice(("required", "optional", "none")),
    "ssl_check_hostname": choice(("true", "false")),
    **dict.fromkeys(("ssl_ca_certs", "ssl_certfile", "ssl_keyfile"), _file),
}


def redis(value: str, *, password: str = "") -> str:
    """The address in the canonical form that every client reads alike: encoded, complete, with its TLS verification.

    Raises Mistake.
    """
    address = split(value, schemes=("redis", "rediss"), options=_REDIS)
    is_tls = address.scheme == "rediss"
    if not address.host or address.host.startswith("/"):
        raise Mistake("must name a host, as in redis://:password@host:6379/0")
    if not re.fullmatch(r"\d{0,5}", address.path, re.ASCII):
        raise Mistake("must end with the number of a database, as in redis://:password@host:6379/0")
    if address.options and not is_tls:
        raise Mistake(f"has options of TLS ({', '.join(sorted(address.options))}): start it with rediss://")
    options = {
        name: _option(address.options, name, read) for name, read in _REDIS.items() if name in address.options
    }
    if is_tls:
        options = {"ssl_cert_reqs": "required", **options}
        _load_certificates(options)
    user, secret = quote(address.user, safe=""), quote(_one_password(address, password), safe="")
    host = f"[{address.host}]" if ":" in address.host else address.host
    return (
        f"{address.scheme}://{f'{user}:{secret}@' if user or secret else ''}{host}:{address.port or 6379}"
        f"/{int(address.path or 0)}{f'?{urlencode(options)}' if options else ''}"
    )


def _load_certificates(options: Mapping[str, str]) -> None:
    """Raise Mistake for files without certificates, or with a key that does not match."""
    certificate, key = options.get("ssl_certfile"), options.get("ssl_keyfile")
    if key and not certificate:
        raise Mistake("has an ssl_keyfile without an ssl_certfile")
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if authorities := options.get("ssl_ca_certs"):
            context.load_verify_locations(authorities)
        if certificate:
            context.load_cert_chain(certificate, key)
    except OSError as error:
        raise Mistake(f"names certificates that cannot be loaded: {error.strerror or error}") from None


# ---------------------------------------------------------------- mail

_SMTP: Final = {"smtp": 25, "smtps": 587, "smtp+tls": 587, "smtp+ssl": 465}
_OTHERS: Final = {
    "consolemail": "console",
    "filemail": "filebased",
    "memorymail": "locmem",
    "dummymail": "dummy",
}
_MAIL: Final[dict[str, Any]] = {
    # A task that sends mail has 50 seconds.
    "timeout": number(1, 40),
    **dict.fromkeys(("ssl_certfile", "ssl_keyfile"), _file),
}


def email(value: str) -> dict[str, Any]:
    """Django's EMAIL_* settings of a mail server. `smtp+tls` is STARTTLS, `smtp+ssl` implicit TLS.

    Raises Mistake.
    """
    address = split(value, schemes=(*_SMTP, *_OTHERS), options=_MAIL)
    if backend := _OTHERS.get(address.scheme):
        if address.options or address.user or (backend == "filebased") is not bool(address.path):
            raise Mistake(f"must be {address.scheme}://" + ("/folder" if backend == "filebased" else ""))
        settings = {"EMAIL_BACKEND": f"django.core.mail.backends.{backend}.EmailBackend"}
        return settings | ({"EMAIL_FILE_PATH": f"/{address.path}"} if backend == "filebased" else {})
    if not address.host or address.host.startswith("/") or address.path:
        raise Mistake("must name a mail server, as in smtp+tls://user:password@host:587")
    if bool(address.user) is not bool(address.password):
        raise Mistake("must hold a user and a password, or neither")
    options = {
        name: _option(address.options, name, read) for name, read in _MAIL.items() if name in address.options
    }
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": address.host,
        "EMAIL_PORT": address.port or _SMTP[address.scheme],
        "EMAIL_HOST_USER": address.user,
        "EMAIL_HOST_PASSWORD": address.password,
        "EMAIL_USE_TLS": address.scheme in ("smtps", "smtp+tls"),
        "EMAIL_USE_SSL": address.scheme == "smtp+ssl",
        **{f"EMAIL_{name.upper()}": value for name, value in options.items()},
    }
