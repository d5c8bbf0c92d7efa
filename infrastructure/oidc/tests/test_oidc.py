"""The protocol against a provider that runs here: what is taken, and everything that is not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.core.exceptions import ImproperlyConfigured

from infrastructure import oidc
from infrastructure.oidc import client as module
from infrastructure.oidc.tests import provider as running
from infrastructure.oidc.tests.provider import CLIENT, SECRET, TestProvider


@pytest.fixture
def henge(settings: Any) -> Iterator[TestProvider]:
    with running.running() as provider:
        settings.OIDC_PROVIDERS = [provider.row()]
        yield provider
    oidc.forget()


def come_back(henge: TestProvider, **changes: str) -> oidc.Identity:
    row = oidc.provider("henge")
    begun = oidc.begin(row)
    back = henge.consent(begun.url)
    given = {"code": back["code"], "issuer": back["iss"], "nonce": begun.nonce, "verifier": begun.verifier}
    return oidc.finish(row, **{**given, **changes})


def test_a_sign_in(henge: TestProvider) -> None:
    first, second = oidc.begin(oidc.provider("henge")), oidc.begin(oidc.provider("henge"))
    asked = {name: values[0] for name, values in parse_qs(urlsplit(first.url).query).items()}
    assert first.url.startswith(f"{henge.issuer}/authorize?")
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/?oidc=henge"
    assert asked["scope"] == "openid email profile"
    assert first.verifier not in first.url
    assert {first.state, first.nonce, first.verifier}.isdisjoint(
        {second.state, second.nonce, second.verifier}
    )
    assert come_back(henge) == oidc.Identity(
        issuer=henge.issuer,
        subject="subject-1",
        email="ada@example.com",
        is_email_verified=True,
        name="Ada Lovelace",
    )
    come_back(henge)
    assert henge.asked.count("/.well-known/openid-configuration") == henge.asked.count("/keys") == 1


def test_addresses_and_queries_of_the_provider_are_kept(henge: TestProvider) -> None:
    henge.metadata["authorization_endpoint"] += "?tenant=1"
    assert oidc.begin(oidc.provider("henge")).url.startswith(
        f"{henge.issuer}/authorize?tenant=1&response_type=code"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"verifier": "another" * 8},
        {"code": "unknown"},
        {"issuer": "https://evil.example"},
        {"issuer": ""},
    ],
    ids=str,
)
def test_what_belongs_to_another_sign_in_is_refused(henge: TestProvider, changes: dict[str, str]) -> None:
    with pytest.raises(oidc.ResponseRefused):
        come_back(henge, **changes)


def test_a_provider_that_does_not_name_itself_may_leave_it_out(henge: TestProvider) -> None:
    del henge.metadata["authorization_response_iss_parameter_supported"]
    assert come_back(henge, issuer="").subject == "subject-1"
    with pytest.raises(oidc.ResponseRefused):
        come_back(henge, issuer="https://evil.example")


NOW = int(time.time())


@pytest.mark.parametrize(
    "claims",
    [
        *({name: None} for name in ("iss", "sub", "aud", "exp", "iat", "nonce")),
        {"iss": "https://evil.example"},
        {"iss": "http://127.0.0.1:1"},
        {"aud": "another client"},
        {"aud": [CLIENT, "another client"]},
        {"aud": ["another client"]},
        {"azp": "another client"},
        {"exp": NOW - 60},
        {"iat": NOW + 3600},
        {"nbf": NOW + 3600},
        {"nonce": 5},
        {"nonce": "é"},
        {"sub": ""},
        {"sub": 5},
        {"sub": "x" * 256},
    ],
    ids="+".join,  # by the names of the claims: processes that start in different seconds have to call a test alike
)
def test_other_id_tokens_are_refused(henge: TestProvider, claims: dict[str, Any]) -> None:
    henge.claims |= claims
    with pytest.raises(oidc.ResponseRefused):
        come_back(henge)


@pytest.mark.parametrize("claims", [{"aud": [CLIENT]}, {"azp": CLIENT}, {"exp": NOW + 9999}])
def test_what_the_standard_leaves_open_is_taken(henge: TestProvider, claims: dict[str, Any]) -> None:
    henge.claims |= claims
    assert come_back(henge).subject == "subject-1"


@pytest.mark.parametrize(
    ("claims", "email", "is_verified"),
    [
        ({"email_verified": "true"}, "ada@example.com", False),
        ({"email_verified": 1}, "ada@example.com", False),
        ({"email_verified": None}, "ada@example.com", False),
        ({"email": None}, "", True),
        ({"email": ["a@example.com"]}, "", True),
    ],
)
def test_an_address_is_vouched_for_by_true_alone(
    henge: TestProvider, claims: dict[str, Any], email: str, is_verified: bool
) -> None:
    henge.claims |= claims
    found = come_back(henge)
    assert (found.email, found.is_email_verified) == (email, is_verified)


def of_hmac(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, SECRET * 3, algorithm="HS256", headers={"kid": "first"})


def of_nobody(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"kid": "first"})


@pytest.mark.parametrize(
    "sign", [of_hmac, of_nobody, lambda claims: "x.y.z", lambda claims: None, lambda claims: 5]
)
def test_other_signatures_are_refused(henge: TestProvider, sign: Any) -> None:
    henge.sign = sign
    with pytest.raises(oidc.ResponseRefused):
        come_back(henge)


@pytest.mark.parametrize("header", [{"kid": "unknown"}, {"crit": ["exp"]}, {"kid": "../first"}])
def test_other_headers_are_refused(henge: TestProvider, header: dict[str, Any]) -> None:
    henge.header = header
    with pytest.raises(oidc.ResponseRefused):
        come_back(henge)


def test_a_new_key_is_found_and_an_unknown_one_not_asked_for_each_time(
    henge: TestProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_back(henge)
    henge.rotate("second")
    with pytest.raises(oidc.ResponseRefused):
        come_back(henge)
    assert henge.asked.count("/keys") == 1
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    assert come_back(henge).subject == "subject-1"
    assert henge.asked.count("/keys") == 2


@pytest.mark.parametrize(
    "fault",
    [
        {"issuer": "http://127.0.0.1:1"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": None},
    ],
    ids=str,
)
def test_a_provider_that_is_not_what_the_table_says_is_not_used(
    henge: TestProvider, fault: dict[str, Any]
) -> None:
    henge.metadata |= fault
    with pytest.raises(oidc.ProviderUnreachable):
        oidc.begin(oidc.provider("henge"))
    assert "/token" not in henge.asked


@pytest.mark.parametrize("status", [302, 404, 500])
def test_nothing_but_200_is_an_answer_and_redirects_are_not_followed(
    henge: TestProvider, status: int
) -> None:
    henge.status = status
    with pytest.raises(oidc.ProviderUnreachable):
        oidc.begin(oidc.provider("henge"))
    assert henge.asked == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize("answer", [b"[]", b"<html>", b"x" * 600_000])
def test_answers_are_bounded_json_objects(henge: TestProvider, answer: bytes) -> None:
    henge.metadata = answer  # type: ignore[assignment]
    with pytest.raises(oidc.ProviderUnreachable):
        oidc.begin(oidc.provider("henge"))


def test_a_provider_that_is_away(settings: Any) -> None:
    settings.OIDC_PROVIDERS = [{"name": "away", "issuer": "http://127.0.0.1:9", "client_id": "x"}]
    with pytest.raises(oidc.ProviderUnreachable):
        oidc.begin(oidc.provider("away"))
    oidc.forget()


ROW = {"name": "acme", "issuer": "https://acme.example", "client_id": "x"}


@pytest.mark.parametrize(
    "rows",
    [
        {"name": "acme"},
        ["acme"],
        [{"name": "acme"}],
        [{**ROW, "colour": "red"}],
        [{**ROW, "name": "A b"}],
        [{**ROW, "issuer": "http://acme.example"}],
        [{**ROW, "client_id": ""}],
        [{**ROW, "scopes": ["email"]}],
        [{**ROW, "algorithms": ["HS256"]}],
        [{**ROW, "algorithms": ["none"]}],
        [ROW, ROW],
    ],
    ids=str,
)
def test_a_table_that_cannot_be_is_refused(settings: Any, rows: Any) -> None:
    settings.OIDC_PROVIDERS = rows
    with pytest.raises(ImproperlyConfigured):
        oidc.providers()


def test_the_table(settings: Any) -> None:
    settings.OIDC_PROVIDERS = [{**ROW, "redirect_uri": "https://app.example/back"}]
    row = oidc.provider("acme")
    assert (row.title, row.redirect_uri, row.client_secret) == ("Acme", "https://app.example/back", "")
    with pytest.raises(oidc.UnknownProvider):
        oidc.provider("other")
