"""Addresses of servers: valid and invalid ones, and messages without parts of a password."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infrastructure.environment import urls
from infrastructure.environment.values import Mistake


def test_database_address() -> None:
    assert urls.database(
        "postgres://u%40x:p%2F%3F%23%40%25@db.example:5433/na%20me"
        "?sslmode=require&connect_timeout=3&options=-c%20search_path%3Dx&application_name=me"
    ) == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "na me",
        "USER": "u@x",
        "PASSWORD": "p/?#@%",
        "HOST": "db.example",
        "PORT": 5433,
        "OPTIONS": {
            "sslmode": "require",
            "connect_timeout": 3,
            "options": "-c search_path=x",
            "application_name": "me",
        },
    }
    assert urls.database("postgresql://u@[::1]/n", password="p@/#")["PASSWORD"] == "p@/#"
    assert urls.database("postgres:///n?host=/run/postgresql")["HOST"] == "/run/postgresql"
    assert urls.database("postgres://u:p@%2Frun%2Fpg/n")["HOST"] == "/run/pg"
    assert urls.database("postgres://u:p@a,b/n?target_session_attrs=read-write")["HOST"] == "a,b"
    assert urls.database("postgres://u:a:b[c]@h/n")["PASSWORD"] == "a:b[c]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://h", "redis://h:6379/0"),
        ("redis://H:7000/3", "redis://H:7000/3"),
        ("redis://:p%2Fq@h/1", "redis://:p%2Fq@h:6379/1"),
        ("redis://:a:b@h", "redis://:a%3Ab@h:6379/0"),
        ("redis://user:p@[::1]:1/0", "redis://user:p@[::1]:1/0"),
        ("rediss://h", "rediss://h:6379/0?ssl_cert_reqs=required"),
        ("REDISS://h?ssl_cert_reqs=NONE", "rediss://h:6379/0?ssl_cert_reqs=none"),
        (
            "rediss://h?ssl_check_hostname=false",
            "rediss://h:6379/0?ssl_cert_reqs=required&ssl_check_hostname=false",
        ),
    ],
)
def test_redis_address(text: str, expected: str) -> None:
    assert urls.redis(text) == expected


def test_passwords_of_their_own_are_encoded() -> None:
    assert urls.redis("redis://h", password="/?#@:%[] ") == "redis://:%2F%3F%23%40%3A%25%5B%5D%20@h:6379/0"
    with pytest.raises(Mistake, match="give it once"):
        urls.redis("redis://:a@h", password="b")
    with pytest.raises(Mistake, match="give it once"):
        urls.database("postgres://u:a@h/n", password="b")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return path


def test_files_of_tls(certificate: Path) -> None:
    address = urls.redis(f"rediss://h?ssl_ca_certs={certificate}")
    assert (
        address
        == f"rediss://h:6379/0?ssl_cert_reqs=required&ssl_ca_certs={str(certificate).replace('/', '%2F')}"
    )
    missing = certificate.parent / "none.pem"
    with pytest.raises(Mistake, match="ssl_ca_certs names no file"):
        urls.redis(f"rediss://h?ssl_ca_certs={missing}")
    wrong = certificate.parent / "wrong.pem"
    wrong.write_text("no certificate")
    with pytest.raises(Mistake, match="names certificates that cannot be loaded"):
        urls.redis(f"rediss://h?ssl_ca_certs={wrong}")
    with pytest.raises(Mistake, match="an ssl_keyfile without an ssl_certfile"):
        urls.redis(f"rediss://h?ssl_keyfile={certificate}")
    assert urls.database(f"postgres://h/n?sslrootcert={certificate}")["OPTIONS"]["sslrootcert"] == str(
        certificate
    )
    with pytest.raises(Mistake, match="sslrootcert names no file"):
        urls.database(f"postgres://h/n?sslrootcert={missing}")


_STARTTLS = {"EMAIL_USE_TLS": True, "EMAIL_USE_SSL": False}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "smtp+tls://me%40x:p%2F@mail.example:2525?timeout=3",
            {
                "EMAIL_HOST": "mail.example",
                "EMAIL_PORT": 2525,
                "EMAIL_HOST_USER": "me@x",
                "EMAIL_HOST_PASSWORD": "p/",
                "EMAIL_TIMEOUT": 3,
                **_STARTTLS,
            },
        ),
        ("smtp://h", {"EMAIL_HOST": "h", "EMAIL_PORT": 25, "EMAIL_USE_TLS": False, "EMAIL_USE_SSL": False}),
        ("smtps://h", {"EMAIL_PORT": 587, **_STARTTLS}),
        ("smtp+tls://h", {"EMAIL_PORT": 587, **_STARTTLS}),
        ("smtp+ssl://h", {"EMAIL_PORT": 465, "EMAIL_USE_TLS": False, "EMAIL_USE_SSL": True}),
        ("consolemail://", {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}),
        (
            "filemail:///var/mail",
            {
                "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
                "EMAIL_FILE_PATH": "/var/mail",
            },
        ),
    ],
)
def test_mail_address(text: str, expected: dict[str, Any]) -> None:
    found = urls.email(text)
    assert {name: found[name] for name in expected} == expected


_HINT = "user and password must be percent-encoded where they hold one of `: / ? # [ ] @ %` or a blank"
_BAD_PASSWORDS = (
    "SE/CRET",
    "SE?CRET",
    "SE#CRET",
    "SE@CRET",
    "SE%CRET",
    "SE CRET",
    "SE?a=CRET",
    "SE/C@RET",
    "1/SECRET",
)


@pytest.mark.parametrize("password", _BAD_PASSWORDS)
@pytest.mark.parametrize(
    ("read", "form"),
    [
        (urls.database, "postgres://acme:{}@postgres:5432/acme"),
        (urls.redis, "redis://:{}@redis:6379/0"),
        (urls.redis, "rediss://user:{}@redis?ssl_cert_reqs=none"),
        (urls.email, "smtp+tls://me:{}@mail.example:587"),
    ],
)
def test_passwords_that_are_pasted_as_they_are(read: Any, form: str, password: str) -> None:
    with pytest.raises(Mistake) as refused:
        read(form.format(password))
    assert _HINT in str(refused.value)
    assert not {"SE", "CRET", "RET", "SECRET"} & set(str(refused.value).replace("'", " ").split())
    assert "CRET" not in str(refused.value)


@pytest.mark.parametrize(
    ("read", "text", "complaint"),
    [
        (urls.database, "sqlite:///db", "must start with postgres:// or postgresql:// or pgsql://"),
        (urls.database, "localhost", "must start with postgres:// or postgresql:// or pgsql://"),
        (urls.database, "postgres://u:p@h", "must end with the name of one database"),
        (urls.database, "postgres://u:p@h/a/b", "must end with the name of one database"),
        (urls.database, "postgres://u:p@h:0/n", "has no port from 1 to 65535"),
        (urls.database, "postgres://u:p@h:x/n", "has no port from 1 to 65535"),
        (urls.database, "postgres://u:p@h_!/n", "has a host that is no host name"),
        (urls.database, "postgres://h/n?sslmod=require", "has an option 'sslmod' that is unknown"),
        (urls.database, "postgres://h/n?password=x", "has an option 'password' that is unknown"),
        (urls.database, "postgres://h/n?sslmode=on", "sslmode must be one of disable, allow"),
        (
            urls.database,
            "postgres://h/n?connect_timeout=x",
            "connect_timeout must be a whole number from 1 to 60",
        ),
        (urls.database, "postgres://h/n?sslmode=require&sslmode=allow", "gives an option twice"),
        (urls.redis, "localhost:6379", "must start with redis:// or rediss://"),
        (urls.redis, "localhost:6379/0", "must start with redis:// or rediss://"),
        (urls.redis, "//localhost", "must start with redis:// or rediss://"),
        (urls.redis, "unix:///run/redis.sock", "must start with redis:// or rediss://"),
        (urls.redis, "redis://", "must name a host"),
        (urls.redis, "redis://:p@/0", "must name a host"),
        (urls.redis, "redis://h/one", "must end with the number of a database"),
        (urls.redis, "redis://h?socket_timeout=5", "has an option 'socket_timeout' that is unknown"),
        (urls.redis, "redis://h?ssl_cert_reqs=required", "start it with rediss://"),
        (
            urls.redis,
            "rediss://h?ssl_cert_reqs=CERT_NONE",
            "ssl_cert_reqs must be one of required, optional, none",
        ),
        (urls.redis, "rediss://h?ssl_check_hostname=maybe", "ssl_check_hostname must be one of true, false"),
        (urls.email, "mail.example", "must start with smtp:// or "),
        (urls.email, "smtp://", "must name a mail server"),
        (urls.email, "smtp://h/x", "must name a mail server"),
        (urls.email, "smtp://me@h", "must hold a user and a password, or neither"),
        (urls.email, "smtp://h?timeout=0", "timeout must be a whole number from 1 to 40"),
        (urls.email, "smtp://h?tls=true", "has an option 'tls' that is unknown"),
        (urls.email, "filemail://", "must be filemail:///folder"),
        (urls.email, "consolemail://x:y@h", "must be consolemail://"),
    ],
)
def test_invalid_values_are_refused(read: Any, text: str, complaint: str) -> None:
    with pytest.raises(Mistake) as refused:
        read(text)
    assert complaint in str(refused.value)
