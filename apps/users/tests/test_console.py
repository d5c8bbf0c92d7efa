"""Data of accounts on the page of the console."""

from __future__ import annotations

from datetime import timedelta

from pytest_django import Settings

from apps.users import console


def test_development_servers_offer_demo_accounts(settings: Settings) -> None:
    settings.DEMO_LOGINS = (("ada@example.com", "admin"), ("grace@example.com", "user"))
    settings.DEMO_PASSWORD = 'pass"word <b>'
    assert console.data() == {
        "erasure_grace_days": 14,
        "demo_accounts": [
            {"email": "ada@example.com", "role": "admin"},
            {"email": "grace@example.com", "role": "user"},
        ],
        "demo_password": 'pass"word <b>',
    }


def test_other_servers_offer_none(settings: Settings) -> None:
    settings.DEMO_LOGINS = ()
    settings.DEMO_PASSWORD = "not to be shown"
    settings.ERASURE_GRACE = timedelta(0)
    assert console.data() == {"erasure_grace_days": 0}
