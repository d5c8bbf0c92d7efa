"""Settings of production and development: faults that prevent a start, with the variable's name and without its value."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from socket import gethostname

import pytest

from config import env
from config.env import BASE_DIR
from config.tests import fresh
from infrastructure import environment
from infrastructure.environment import Refused
from infrastructure.environment.secrets import SAMPLE_FIELD_KEY, SAMPLE_JWT_KEY, SAMPLE_SECRET_KEY
from infrastructure.product import PRODUCT

BOTH = pytest.mark.parametrize("of", ["production", "development"])
LONG = "abcdefghijklmnopqrstuvwxyz" * 2


@BOTH
def test_written_values_are_accepted(of: str) -> None:
    assert fresh.refusal(of, **fresh.strong()) == []


def test_written_values_differ_each_time() -> None:
    first, second = fresh.strong(), fresh.strong()
    assert [name for name in first if first[name] == second[name]] == [
        "ALLOWED_HOSTS",
        "PUBLIC_URL",
        "SECURE_SSL",
        "COMPOSE_PROJECT_NAME",
        "IMAGE",
        "POSTGRES_USER",
    ]


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("SECRET_KEY", "", "is empty"),
        ("SECRET_KEY", "short", "is shorter than 50 characters"),
        ("SECRET_KEY", "x" * 60, "repeats itself"),
        ("SECRET_KEY", SAMPLE_SECRET_KEY, "is a sample value"),
        ("SECRET_KEY", f"change-me-{LONG}", "is a sample value"),
        ("JWT_KEYS", "", "is empty"),
        ("JWT_KEYS", f"k1:{LONG[:36]}", "holds a key 'k1' that is shorter than 43 characters"),
        ("JWT_KEYS", f"k1:{SAMPLE_JWT_KEY}", "holds a key 'k1' that is a sample value"),
        ("FIELD_ENCRYPTION_KEY", "", "is empty"),
        ("FIELD_ENCRYPTION_KEY", SAMPLE_FIELD_KEY, "holds a sample value as key 1"),
        ("ALLOWED_HOSTS", "", "has to name the hosts that are answered"),
        ("ALLOWED_HOSTS", "*", "has to name the hosts that are answered"),
        ("REDIS_URL", "redis://:change-me@redis:6379/0", "has a sample value as its password"),
        ("DATABASE_URL", "postgres://me:change-me@h/n", "has a sample value as its password"),
        ("EMAIL_URL", "smtp://me:change-me@h", "has a sample value as its password"),
    ],
)
def test_weak_values_are_refused(name: str, value: str, fault: str) -> None:
    assert fresh.refusal("production", **{name: value}) == [f"{name} {fault}"]
    assert fresh.refusal("development", **{name: value}) == []


def test_weak_passwords_in_variables_of_their_own_are_refused() -> None:
    assert fresh.refusal("production", REDIS_URL_PASSWORD="change-me", DATABASE_URL_PASSWORD="change-me") == [
        "DATABASE_URL_PASSWORD is a sample value",
        "REDIS_URL_PASSWORD is a sample value",
    ]


# Each with the beginning of its message. No value that could be a secret may be shown.
WRONG = [
    ("DATABASE_URL", "", "is not set: PostgreSQL"),
    (
        "DATABASE_URL",
        "postgres://acme:SE/CRET@postgres:5432/acme",
        "cannot be read: user and password must be p",
    ),
    (
        "DATABASE_URL",
        "postgres://h/n?sslmode=SECRET",
        "has an option that cannot be used: sslmode must be one of",
    ),
    ("REDIS_URL", "", "is not set: Redis"),
    ("REDIS_URL", "localhost:6379", "must start with redis:// or rediss://"),
    (
        "REDIS_URL",
        "redis://:SE#CRET@redis:6379/0",
        "cannot be read: user and password must be percent-encoded",
    ),
    (
        "REDIS_URL",
        "rediss://redis?ssl_cert_reqs=optionally",
        "has an option that cannot be used: ssl_cert_reqs",
    ),
    ("ALLOWED_HOSTS", "https://app.example", "must hold host names only"),
    ("ALLOWED_HOSTS", "app.example:8000", "must hold host names only"),
    ("ALLOWED_HOSTS", "app.example/", "must hold host names only"),
    ("CORS_ORIGINS", "https://app.example/path", "must be scheme and host alone"),
    ("CORS_ORIGINS", "app.example", "must be scheme and host alone"),
    ("PUBLIC_URL", "app.example", "must be scheme and host alone"),
    ("PUBLIC_URL", "https://app.example/app", "must be scheme and host alone"),
    ("PUBLIC_URL", "https://app.example?x=1", "must be scheme and host alone"),
    ("SENTRY_DSN", "changeme", "must be the DSN of a Sentry project"),
    ("LOG_LEVEL", "verbose", "must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, not 'verbose'"),
    ("WEB_THREADS", "0", "must be a whole number from 1 to 512, not '0'"),
    ("WEB_THREADS", "-1", "must be a whole number from 1 to 512, not '-1'"),
    ("WEB_THREADS", "100000", "must be a whole number from 1 to 512, not '100000'"),
    ("DATABASE_POOL_SIZE", "0", "must be a whole number from 1 to 1000"),
    ("TRUSTED_PROXY_COUNT", "all", "must be a whole number from 0 to 10"),
    ("MAX_UPLOAD_BYTES", "5MB", "must be a whole number from 1024"),
    ("MAX_BODY_BYTES", "0", "must be a whole number from 1024"),
    ("ACCESS_TOKEN_SECONDS", "0", "must be a whole number from 1 to 86400"),
    ("REFRESH_TOKEN_SECONDS", "99999999999999", "must be a whole number from 60"),
    ("SESSION_SECONDS", "0", "must be a whole number from 60"),
    ("AUDIT_RETENTION_DAYS", "29", "must be a whole number from 30 to 36500, not '29'"),
    ("RATES_PUBLIC", "120", "must hold rates: '120' is not a rate"),
    ("RATES_ADMIN", "300/fortnight", "must hold rates: '300/fortnight' is not a rate"),
    ("RATES_PRIVATE", "0/minute", "must hold rates: '0/minute' is not a rate"),
    ("REQUIRE_VERIFIED_EMAIL", "maybe", "must be true or false, not 'maybe'"),
    ("EMAIL_URL", "mail.example", "must start with smtp://"),
    (
        "EMAIL_URL",
        "smtp+tls://me:SE/CRET@mail.example",
        "cannot be read: user and password must be percent-encoded",
    ),
    ("EMAIL_FROM", "Acme", "must be one address"),
    (
        "OIDC_PROVIDERS",
        '[{"client_secret": "SECRET"',
        "must be a list of objects; it is not JSON (line 1",
    ),
    ("OIDC_PROVIDERS", '{"client_secret": "SECRET"}', "must be a list of objects"),
    ("OIDC_PROVIDERS", '["SECRET"]', "must be a list of objects"),
    (
        "OIDC_PROVIDERS",
        '[{"client_secret": "SECRET"}]',
        "has a row of type oidc that must say name, issuer, client_id",
    ),
    (
        "OIDC_PROVIDERS",
        '[{"name":"acme","issuer":"http://acme.example","client_id":"x","client_secret":"SECRET"}]',
        "has a row 'acme' that has as issuer no https:// address",
    ),
    ("OIDC_PROVIDERS", "[" * 5000, "must be a list of objects; it is not JSON"),
    (
        "OIDC_PROVIDERS",
        '[{"type": 99999999999999999999999, "client_secret": "SECRET"}]',
        "must be a list of objects",
    ),
    ("JWT_ALGORITHM", "RS256", "must be one of HS256, EdDSA, not 'RS256'"),
    ("JWT_KEYS", "k1:SECRET", "cannot sign: The signing key 'k1' is shorter than 32 bytes"),
    ("JWT_KEYS", f"k1:{LONG},k1:{LONG}", "cannot sign: Two signing keys have the same id"),
    ("FIELD_ENCRYPTION_KEY", "SECRET", "must hold keys of 32 bytes in URL-safe base64"),
    ("FIELD_ENCRYPTION_KEY", f"{SAMPLE_FIELD_KEY},SECRETä", "must hold keys of 32 bytes in URL-safe base64"),
    ("S3_BUCKET", "s3://bucket", "must be the name of a bucket"),
    ("S3_ENDPOINT_URL", "s3.example", "must be an address such as https://s3.example"),
    ("S3_REGION", "Frankfurt am Main", "must be a region"),
    ("ENVIRONMENT", "a/b", "must be a word of at most 64 characters"),
    ("RELEASE", "a b", "must be a word of at most 200 characters"),
    ("HEARTBEAT_FILE", "a\x07b", "must be one line without control characters"),
    ("HEARTBEAT_FILE", "/nowhere/alive", "must be a file in a folder that is there"),
    ("HEARTBEAT_FILE", "/tmp", "must be a file in a folder that is there"),
    ("DATA_DIR", __file__, "must be a folder, and is a file"),
    ("SECRET_KEY", "SECRET\udcff", "must be UTF-8 text"),
    ("RELEASE", "\udcff", "must be UTF-8 text"),
]


@BOTH
@pytest.mark.parametrize(
    ("name", "value", "said"), WRONG, ids=[f"{name}={value[:24]}" for name, value, _ in WRONG]
)
def test_invalid_values_prevent_a_start(of: str, name: str, value: str, said: str) -> None:
    given = {"S3_BUCKET": "bucket"} if name.startswith("S3_") else {}
    (fault,) = fresh.refusal(of, **{**given, name: value})
    assert fault.startswith(f"{name} {said}")
    assert "CRET" not in fault.removeprefix(name)


@BOTH
def test_all_faults_are_reported_at_once(of: str) -> None:
    assert [
        fault.split()[0]
        for fault in fresh.refusal(of, LOG_LEVEL="x", WEB_THREADS="x", ACCESS_TOKEN_SECONDS="x")
    ] == [
        "LOG_LEVEL",
        "WEB_THREADS",
        "ACCESS_TOKEN_SECONDS",
    ]


@BOTH
@pytest.mark.parametrize(
    ("given", "faults"),
    [
        (
            {"S3_BUCKET": "bucket", "S3_ACCESS_KEY": "SECRET"},
            [
                "S3_SECRET_KEY is not set, and S3_ACCESS_KEY is: set both, or neither to use the machine's role."
            ],
        ),
        (
            {"S3_BUCKET": "bucket", "S3_SECRET_KEY": "SECRET"},
            [
                "S3_ACCESS_KEY is not set, and S3_SECRET_KEY is: set both, or neither to use the machine's role."
            ],
        ),
        (
            {"S3_REGION": "eu-central-1"},
            ["S3_BUCKET is not set, and another S3 variable is: name the bucket, or empty the others."],
        ),
        ({"S3_BUCKET": "bucket", "S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "b"}, []),
        ({"S3_BUCKET": "bucket"}, []),
    ],
)
def test_stores_are_given_whole(of: str, given: dict[str, str], faults: list[str]) -> None:
    assert fresh.refusal(of, **given) == faults


@BOTH
def test_empty_is_not_set(of: str) -> None:
    given = {
        "WEB_THREADS": "",
        "ADMIN_SECOND_FACTOR": " ",
        "RATES_PUBLIC": "",
        "RATES_ADMIN": " , ",
        "LOG_LEVEL": "",
        "EMAIL_FROM": "",
        "JWT_ALGORITHM": "",
        "OIDC_PROVIDERS": "",
        "PUBLIC_URL": "",
    }
    found = fresh.settings(of, given)
    assert found["WEB_THREADS"] == 8
    assert found["ADMIN_SECOND_FACTOR"] is (of == "production")
    assert (found["ZONE_RATES"]["public"], found["ZONE_RATES"]["admin"]) == (("120/minute",), ("300/minute",))
    assert found["LOG_LEVEL"] == "INFO"
    assert found["DEFAULT_FROM_EMAIL"] == f"{PRODUCT.name} <no-reply@{PRODUCT.domain}>"
    assert found["JWT_ALGORITHM"] == "HS256"
    assert found["OIDC_PROVIDERS"] == []
    assert found["PUBLIC_URL"] == "http://127.0.0.1:8000"


@BOTH
def test_origins_are_normalized_as_in_browsers(of: str) -> None:
    found = fresh.settings(
        of,
        {
            "CORS_ORIGINS": " https://App.Example/ ,, http://localhost:3000",
            "PUBLIC_URL": "https://App.Example:443/",
            "ALLOWED_HOSTS": "App.Example, .example.org ,",
        },
    )
    assert found["CORS_ZONE_ORIGINS"] == ("https://app.example", "http://localhost:3000")
    assert found["PUBLIC_URL"] == "https://app.example"
    assert found["ALLOWED_HOSTS"][-2:] == ["app.example", ".example.org"]


def test_development_answers_only_local_and_configured_hosts() -> None:
    found = fresh.settings(
        "development", {"PUBLIC_URL": "http://box.example:8000", "ALLOWED_HOSTS": "lan.example"}
    )
    assert found["ALLOWED_HOSTS"] == [
        "localhost",
        ".localhost",
        "127.0.0.1",
        "[::1]",
        gethostname().lower(),
        "box.example",
        "lan.example",
    ]


@BOTH
def test_options_of_urls_have_precedence(of: str) -> None:
    found = fresh.settings(
        of,
        {
            "DATABASE_URL": "postgres://u@h/n?connect_timeout=2&options=-c%20lock_timeout%3D1&sslmode=require",
            "DATABASE_URL_PASSWORD": "/?#@:%[]",
            "REDIS_URL": "rediss://h",
            "REDIS_URL_PASSWORD": "/?#@:%[]",
            "EMAIL_URL": "smtp+tls://h?timeout=3",
        },
    )
    database = found["DATABASES"]["default"]
    assert database["PASSWORD"] == "/?#@:%[]"
    assert database["OPTIONS"]["connect_timeout"] == 2
    assert database["OPTIONS"]["sslmode"] == "require"
    assert database["OPTIONS"]["options"].endswith(" -c lock_timeout=1")
    assert "statement_timeout=15000" in database["OPTIONS"]["options"]
    redis = "rediss://:%2F%3F%23%40%3A%25%5B%5D@h:6379/0?ssl_cert_reqs=required"
    assert found["REDIS_URL"] == found["CELERY_BROKER_URL"] == found["CACHES"]["default"]["LOCATION"] == redis
    assert found["CHANNEL_LAYERS"]["default"]["CONFIG"]["hosts"][0]["address"] == redis
    assert (found["EMAIL_HOST"], found["EMAIL_TIMEOUT"], found["EMAIL_USE_TLS"]) == ("h", 3, True)


@BOTH
def test_mail_without_a_server(of: str) -> None:
    found = fresh.settings(of, {})
    assert found["EMAIL_TIMEOUT"] == 10
    backends = {
        "production": "infrastructure.email.log.LogBackend",
        "development": "django.core.mail.backends.filebased.EmailBackend",
    }
    assert found["EMAIL_BACKEND"] == backends[of]
    if of == "production":
        console = fresh.settings(of, {"EMAIL_URL": "consolemail://"})
        assert console["EMAIL_BACKEND"] == backends[of]


def test_development_has_samples_of_its_own() -> None:
    found = fresh.settings("development", {})
    assert found["SECRET_KEY"] == SAMPLE_SECRET_KEY
    assert found["JWT_KEYS"] == (("development", SAMPLE_JWT_KEY),)
    assert found["FIELD_ENCRYPTION_KEYS"] == (SAMPLE_FIELD_KEY,)
    assert found["ACCESS_TOKEN_LIFETIME"] == timedelta(minutes=10)


def test_debug_pages_are_a_choice_of_development_which_production_refuses() -> None:
    plain = fresh.settings("development", {})
    assert (plain["DEBUG"], "debug_toolbar" in plain["INSTALLED_APPS"]) == (False, False)
    found = fresh.settings("development", {"DEBUG": "true"})
    place = found["MIDDLEWARE"].index("debug_toolbar.middleware.DebugToolbarMiddleware")
    assert found["MIDDLEWARE"][place - 1] == "apps.common.http.middleware.pages.PagesMiddleware"
    assert (found["DEBUG"], found["INSTALLED_APPS"][-1]) == (True, "debug_toolbar")
    assert found["INTERNAL_IPS"] == ["127.0.0.1", "::1"]
    assert fresh.refusal("production", DEBUG="true") == [
        "DEBUG shows settings and code to everyone; it is for development"
    ]


def test_a_dot_env_that_cannot_be_read_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "DOT_ENV_FAULT", ".env, line 3: write NAME=value.")
    assert fresh.refusal("development") == [".env, line 3: write NAME=value."]


def test_dot_env_supplies_missing_variables(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_READ_DOT_ENV", "1")
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    monkeypatch.setenv("RELEASE", "")
    monkeypatch.setenv("ENVIRONMENT", "kept")
    monkeypatch.delenv("ENVIRONMENT")
    path = tmp_path / ".env"
    path.write_bytes(b"\xef\xbb\xbfENVIRONMENT = 'a b' # why\r\nLOG_LEVEL=INFO\r\nRELEASE=1\r\n")
    assert environment.load_dot_env(path) is None
    assert [os.environ[name] for name in ("ENVIRONMENT", "LOG_LEVEL", "RELEASE")] == ["a b", "ERROR", ""]
    path.write_text("SECRET KEY=x")
    assert environment.load_dot_env(path) == ".env, line 1: write NAME=value, or begin a comment with #."
    monkeypatch.setenv("DJANGO_READ_DOT_ENV", "0")
    assert environment.load_dot_env(path) is None


def _run(*command: str, **values: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=BASE_DIR,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
            "DJANGO_SETTINGS_MODULE": "config.settings.production",
            "DJANGO_READ_DOT_ENV": "0",
            **values,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "check"],
        ["-m", "config.serve", "--port", "1"],
        ["-m", "celery", "--app=config", "worker"],
        [
            "-m",
            "gunicorn",
            "--config",
            "deploy/gunicorn.conf.py",
            "--bind",
            "127.0.0.1:0",
            "config.wsgi:application",
        ],
    ],
    ids=["manage", "serve", "celery", "gunicorn"],
)
@pytest.mark.parametrize("settings", ["production", "development"])
def test_every_process_reports_faults_without_a_traceback(command: list[str], settings: str) -> None:
    done = _run(
        *command,
        WEB_THREADS="many",
        LOG_LEVEL="verbose",
        DJANGO_SETTINGS_MODULE=f"config.settings.{settings}",
    )
    assert done.returncode != 0
    said = done.stderr if settings == "development" else refused(done.stderr) + "\n"
    assert said == (
        "The settings refuse to start:\n"
        "  - LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, not 'verbose'.\n"
        "  - WEB_THREADS must be a whole number from 1 to 512, not 'many'.\n"
        "docs/configuration.md lists all variables; `make env` writes a .env with strong secrets.\n"
    )


def test_production_without_secrets_does_not_start() -> None:
    done = _run("manage.py", "check")
    assert done.returncode != 0
    reason = refused(done.stderr)
    assert "Production refuses to start" in reason
    assert "make env" in reason


def refused(output: str) -> str:
    """The reason of the one line that production writes."""
    (line,) = output.splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"]) == ("start.refused", "critical")
    reason: str = event["reason"]
    return reason


def test_production_with_written_secrets_passes_the_deployment_checks() -> None:
    values = {**fresh.strong(), "SECURE_SSL": "true", "PUBLIC_URL": "https://site.example"}
    done = _run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **values)
    assert (done.returncode, done.stderr) == (0, "")


def test_other_exceptions_keep_their_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(Refused):
        environment.refuse(["A is wrong."], title="No")
    sys.excepthook(Refused, Refused("plain"), None)
    assert capsys.readouterr().err == "plain\n"
    sys.excepthook(ValueError, ValueError("odd"), None)
    assert capsys.readouterr().err == "ValueError: odd\n"


def test_a_file_may_hold_the_value(tmp_path: Path) -> None:
    secret = fresh.strong()["SECRET_KEY"]
    (tmp_path / "key").write_text(f"{secret}\n")
    given = {"SECRET_KEY": "", "SECRET_KEY_FILE": str(tmp_path / "key")}
    assert fresh.settings("production", given)["SECRET_KEY"] == secret
    assert env.unknown_names(["SECRET_KEY_FILE"]) == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "SECRET_KEY_FILE names a file that cannot be read: No such file or directory."),
        (b"\xff\xfe", "SECRET_KEY must be UTF-8 text."),
    ],
)
def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    (first, *_) = fresh.refusal("production", SECRET_KEY="", SECRET_KEY_FILE=str(path))
    assert first == said
