"""Passwords that were in a breach are refused, exactly as they are."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from apps.common.testing.clients import Api, code_of
from apps.users.validators import BreachedPasswordValidator

# In SecLists, and in no list of Django's.
BREACHED = ("!RBGlmBRjLAC", "1qaz2wsx3edc4rfv5tgb")


@pytest.mark.parametrize("password", BREACHED)
def test_breached_passwords_are_refused(password: str) -> None:
    with pytest.raises(ValidationError) as refused:
        BreachedPasswordValidator().validate(password)
    assert refused.value.code == "password_breached"


@pytest.mark.parametrize(
    "password",
    [
        *(f"{password} " for password in BREACHED),
        BREACHED[0].swapcase(),
        BREACHED[0].lower(),
        *(f"{password[:-1]}é" for password in BREACHED),
        "a widget circle on the downs",
        "\u00e9" * 12,
        "short",
        "",
    ],
)
def test_it_is_compared_exactly_as_typed(password: str) -> None:
    BreachedPasswordValidator().validate(password)


@pytest.mark.django_db
def test_it_is_one_of_the_rules(public: Api) -> None:
    body: dict[str, Any] = {"email": "ada@example.com", "name": "Ada", "password": BREACHED[0]}
    response = public.post("auth/register/", body)
    assert code_of(response) == (400, "password_refused")
    assert [error["code"] for error in response.json()["errors"]] == ["password_breached"]
    assert BreachedPasswordValidator().get_help_text()
