"""The protocol against a provider that runs here: accepted and refused answers."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from jwt.algorithms import ECAlgorithm

from infrastructure import oauth
from infrastructure.oauth import session
from infrastructure.oauth.tests import provider as running
from infrastructure.oauth.tests.provider import CLIENT, SECRET, TestProvider, read


@pytest.fixture
def henge() -> Iterator[TestProvider]:
    with running.running() as provider:
        yield provider
    session.forget()


def come_back(henge: TestProvider, **changes: str) -> oauth.Identity:
    row = read(henge.row())
    begun = oauth.begin(row)
    back = henge.consent(begun.url)
    given = {"code": back["code"], "issuer": back["iss"], "nonce": begun.nonce, "verifier": begun.verifier}
    return oauth.finish(row, **{**given, **changes})


def test_a_sign_in(henge: TestProvider) -> None:
    first, second = oauth.begin(read(henge.row())), oauth.begin(read(henge.row()))
    asked = {name: values[0] for name, values in parse_qs(urlsplit(first.url).query).items()}
    assert first.url.startswith(f"{henge.issuer}/authorize?")
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/?oidc=henge"
    assert asked["scope"] == "openid email profile"
    assert first.verifier not in first.url
    assert {first.state, first.nonce, first.verifier}.isdisjoint(
        {second.state, second.nonce, second.verifier}
    )
    assert come_back(henge) == oauth.Identity(
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
    assert oauth.begin(read(henge.row())).url.startswith(
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
def test_values_of_another_sign_in_are_refused(henge: TestProvider, changes: dict[str, str]) -> None:
    with pytest.raises(oauth.ResponseRefused):
        come_back(henge, **changes)


def test_a_provider_that_does_not_name_itself_may_leave_it_out(henge: TestProvider) -> None:
    del henge.metadata["authorization_response_iss_parameter_supported"]
    assert come_back(henge, issuer="").subject == "subject-1"
    with pytest.raises(oauth.ResponseRefused):
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
    with pytest.raises(oauth.ResponseRefused):
        come_back(henge)


@pytest.mark.parametrize("claims", [{"aud": [CLIENT]}, {"azp": CLIENT}, {"exp": NOW + 9999}])
def test_optional_claims_of_the_standard_are_accepted(henge: TestProvider, claims: dict[str, Any]) -> None:
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


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"kid": "first"})


@pytest.mark.parametrize(
    "sign", [of_hmac, unsigned, lambda claims: "x.y.z", lambda claims: None, lambda claims: 5]
)
def test_other_signatures_are_refused(henge: TestProvider, sign: Any) -> None:
    henge.sign = sign
    with pytest.raises(oauth.ResponseRefused):
        come_back(henge)


def test_an_id_token_matches_its_access_token(henge: TestProvider) -> None:
    half = base64.urlsafe_b64encode(hashlib.sha256(b"opaque").digest()[:16]).rstrip(b"=").decode()
    henge.claims["at_hash"] = half
    assert come_back(henge).subject == "subject-1"
    henge.token_answer = {"access_token": "another"}
    with pytest.raises(oauth.ResponseRefused):
        come_back(henge)


def test_keys_of_unknown_types_are_ignored(henge: TestProvider) -> None:
    henge.more_keys = [
        {"kty": "AKP", "kid": "new"},
        {"kty": "EC", "crv": "P-192", "x": "AA", "y": "AA", "kid": "odd"},
        {"kty": "RSA"},
        {},
        "no key",
    ]
    assert come_back(henge).subject == "subject-1"


def test_keys_for_encryption_verify_nothing(henge: TestProvider) -> None:
    ((_, key),) = henge.keys.items()
    henge.more_keys = [{**json.loads(ECAlgorithm.to_jwk(key.public_key())), "kid": "secret", "use": "enc"}]
    henge.header = {"kid": "secret"}
    with pytest.raises(oauth.ResponseRefused):
        come_back(henge)


@pytest.mark.parametrize(
    "answer",
    [
        {"error": "invalid_grant"},
        {"id_token": None},
        {"access_token": 5},
        {"token_type": ["Bearer"]},
        {"expires_in": "soon"},
    ],
    ids=str,
)
def test_answers_of_another_form_are_no_tokens(henge: TestProvider, answer: dict[str, Any]) -> None:
    henge.token_answer = answer
    with pytest.raises(oauth.OAuthError):
        come_back(henge)


@pytest.mark.parametrize(
    "methods", [None, 5, ["client_secret_basic"], ["private_key_jwt", "client_secret_basic"]]
)
def test_the_client_authenticates_by_basic_authentication(henge: TestProvider, methods: Any) -> None:
    henge.metadata["token_endpoint_auth_methods_supported"] = methods
    assert come_back(henge).subject == "subject-1"


@pytest.mark.parametrize("header", [{"kid": "unknown"}, {"crit": ["exp"]}, {"kid": "../first"}])
def test_other_headers_are_refused(henge: TestProvider, header: dict[str, Any]) -> None:
    henge.header = header
    with pytest.raises(oauth.ResponseRefused):
        come_back(henge)


def test_a_new_key_is_fetched_and_an_unknown_one_not_each_time(
    henge: TestProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_back(henge)
    henge.rotate("second")
    with pytest.raises(oauth.ResponseRefused):
        come_back(henge)
    assert henge.asked.count("/keys") == 1
    monkeypatch.setattr(session, "_PAUSE", 0.0)
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
def test_a_provider_that_differs_from_the_table_is_not_used(
    henge: TestProvider, fault: dict[str, Any]
) -> None:
    henge.metadata |= fault
    with pytest.raises(oauth.ProviderUnreachable):
        oauth.begin(read(henge.row()))
    assert "/token" not in henge.asked


@pytest.mark.parametrize("status", [302, 404, 500])
def test_only_200_is_accepted_and_redirects_are_not_followed(henge: TestProvider, status: int) -> None:
    henge.status = status
    with pytest.raises(oauth.ProviderUnreachable):
        oauth.begin(read(henge.row()))
    assert henge.asked == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize("answer", [b"[]", b"<html>", b"x" * 600_000])
def test_answers_are_bounded_json_objects(henge: TestProvider, answer: bytes) -> None:
    henge.metadata = answer  # type: ignore[assignment]
    with pytest.raises(oauth.ProviderUnreachable):
        oauth.begin(read(henge.row()))


def test_an_unreachable_provider_is_an_error() -> None:
    away = {"name": "away", "issuer": "http://127.0.0.1:9", "client_id": "x"}
    with pytest.raises(oauth.ProviderUnreachable):
        oauth.begin(read(away))
    session.forget()
