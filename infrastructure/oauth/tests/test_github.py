"""Plain OAuth 2.0 against a provider like GitHub that runs here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infrastructure import oauth
from infrastructure.oauth import session
from infrastructure.oauth.tests import provider as running
from infrastructure.oauth.tests.provider import TestGitHub, read


@pytest.fixture
def github() -> Iterator[TestGitHub]:
    with running.running_github() as provider:
        yield provider
    session.forget()


def from_github(github: TestGitHub, /, row: dict[str, Any] | None = None, **changes: Any) -> oauth.Identity:
    provider = read(row or github.row())
    begun = oauth.begin(provider)
    back = github.consent(begun.url)
    given = {"code": back["code"], "issuer": "", "nonce": begun.nonce, "verifier": begun.verifier}
    return oauth.finish(provider, **{**given, **changes})


def test_a_sign_in_with_github(github: TestGitHub) -> None:
    assert read(github.row()).title == "GitHub"
    begun = oauth.begin(read(github.row()))
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
    assert asked["scope"] == "read:user user:email"
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/?oidc=github"
    assert from_github(github) == oauth.Identity(
        issuer="https://github.com/login/oauth",
        subject="583231",
        email="ada@example.com",
        is_email_verified=True,
        name="Ada Lovelace",
    )
    assert github.asked == ["/token", "/user", "/user/emails"]


@pytest.mark.parametrize(
    "changes",
    [{"code": "unknown"}, {"verifier": "another" * 8}, {"issuer": "https://evil.example"}],
    ids=str,
)
def test_values_of_another_sign_in_are_refused_by_github(github: TestGitHub, changes: dict[str, str]) -> None:
    with pytest.raises(oauth.ResponseRefused):
        from_github(github, None, **changes)
    assert "/user" not in github.asked


@pytest.mark.parametrize(
    ("emails", "email", "is_verified"),
    [
        ([{"email": "a@example.com", "primary": True, "verified": False}], "a@example.com", False),
        ([{"email": "a@example.com", "primary": True, "verified": "true"}], "a@example.com", False),
        ([{"email": "a@example.com", "primary": False, "verified": True}], "", False),
        ([{"email": 5, "primary": True, "verified": True}], "", True),
        ([5, None], "", False),
        ([], "", False),
    ],
)
def test_the_primary_address_counts_and_only_a_verified_one(
    github: TestGitHub, emails: Any, email: str, is_verified: bool
) -> None:
    github.emails = emails
    found = from_github(github)
    assert (found.email, found.is_email_verified) == (email, is_verified)


@pytest.mark.parametrize(
    "user", [{"id": True}, {"id": None}, {"id": ""}, {"id": [1]}, {"sub": "x"}, [], b"<html>"]
)
def test_users_without_a_subject_are_refused(github: TestGitHub, user: Any) -> None:
    github.user = user
    with pytest.raises(oauth.OAuthError):
        from_github(github)


@pytest.mark.parametrize("path", ["/user", "/user/emails"])
def test_an_unreadable_user_is_refused(github: TestGitHub, path: str) -> None:
    github.refused_path = path
    with pytest.raises(oauth.ProviderUnreachable):
        from_github(github)


@pytest.mark.parametrize(
    "answer",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": "né"},
        {"access_token": "a\nb"},
        {"token_type": "mac"},
    ],
    ids=str,
)
def test_access_tokens_of_another_form_are_not_used(github: TestGitHub, answer: dict[str, Any]) -> None:
    github.token_answer = answer
    with pytest.raises(oauth.ProviderUnreachable):
        from_github(github)


def test_a_plain_provider_vouches_for_an_address_itself(github: TestGitHub) -> None:
    row = {key: value for key, value in github.row().items() if key != "emails_endpoint"}
    row |= {"type": "oauth2", "name": "github", "issuer": "https://forge.example"}
    github.user = {"sub": "x", "email": "ada@example.com", "email_verified": True}
    found = from_github(github, row, issuer="https://forge.example")
    assert (found.issuer, found.subject, found.is_email_verified) == ("https://forge.example", "x", True)
