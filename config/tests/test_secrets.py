"""Production's secrets: what is written is accepted, and what is weak is refused by name and never by value."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import secrets
from config.env import BASE_DIR
from config.settings.components.identity import key_ring
from config.settings.components.samples import SAMPLE_FIELD_KEY, SAMPLE_JWT_KEY, SAMPLE_SECRET_KEY
from scripts import dotenv


def strong() -> dict[str, Any]:
    values = dict(line.split("=", 1) for line in dotenv.dot_env().splitlines() if not line.startswith("#"))
    return {
        "secret_key": values["SECRET_KEY"],
        "jwt_keys": key_ring([values["JWT_KEYS"]]),
        "field_keys": (values["FIELD_ENCRYPTION_KEY"],),
        "allowed_hosts": ("sarsen.example",),
    }


def test_written_values_are_accepted_and_differ_each_time() -> None:
    first, second = strong(), strong()
    secrets.require_strong(**first)
    assert first["secret_key"] != second["secret_key"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"secret_key": ""}, "SECRET_KEY is shorter than 50"),
        ({"secret_key": "x" * 60}, "SECRET_KEY repeats itself"),
        ({"secret_key": SAMPLE_SECRET_KEY}, "SECRET_KEY is a sample value"),
        ({"secret_key": "change-me-" + "abcdefghijklmnopqrstuvwxyz" * 2}, "SECRET_KEY is a sample value"),
        ({"jwt_keys": ()}, "JWT_KEYS is empty"),
        ({"jwt_keys": (("k1", "short"),)}, "JWT_KEYS: the key 'k1' is shorter"),
        ({"jwt_keys": (("k1", SAMPLE_JWT_KEY),)}, "JWT_KEYS: the key 'k1' is a sample value"),
        ({"jwt_keys": (("k", "abcdefghijklmnopqrstuvwxyz" * 2),) * 2}, "names one kid twice"),
        ({"field_keys": ()}, "FIELD_ENCRYPTION_KEY is empty"),
        ({"field_keys": ("too short",)}, "FIELD_ENCRYPTION_KEY: key 1 is not 32 bytes"),
        ({"field_keys": (SAMPLE_FIELD_KEY,)}, "FIELD_ENCRYPTION_KEY: key 1 is a sample value"),
        ({"allowed_hosts": ()}, "ALLOWED_HOSTS"),
        ({"allowed_hosts": ("*",)}, "ALLOWED_HOSTS"),
        (
            {"urls": {"REDIS_URL": "redis://:change-me@redis:6379/0"}},
            "REDIS_URL: the password is a sample value",
        ),
    ],
)
def test_weak_values_are_refused(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        secrets.require_strong(**{**strong(), **change})
    assert fault in str(refusal.value)
    assert SAMPLE_JWT_KEY not in str(refusal.value)


def _production(**values: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.production",
            "DJANGO_READ_DOT_ENV": "0",
            **values,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_production_without_secrets_does_not_start() -> None:
    done = _production()
    assert done.returncode != 0
    assert "Production refuses to start" in done.stderr
    assert "make env" in done.stderr


def test_production_with_written_secrets_passes_the_deployment_checks() -> None:
    values = dict(line.split("=", 1) for line in dotenv.dot_env().splitlines() if not line.startswith("#"))
    done = _production(**{**values, "SECURE_SSL": "true", "PUBLIC_URL": "https://sarsen.example"})
    assert (done.returncode, done.stderr) == (0, "")
