"""Access tokens: issued, accepted and refused ones."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest

from infrastructure.token import (
    AccessTokens,
    KeyRing,
    TokenExpired,
    TokenInvalid,
    WeakKeyError,
)
from infrastructure.token import jwt as module

SECRET = "0123456789abcdef0123456789abcdef"
OTHER = "another-secret-of-enough-length-for-hs256"
# Fixed: they are part of the names of tests, which every process of a run has to agree on.
SUBJECT, SESSION = UUID("c544d156-f528-4523-b3a3-24d4982cf3ba"), UUID("7c29fd22-d12a-4f21-b918-5251d7b6ed66")
NOW = 1_900_000_000


def tokens(
    *keys: tuple[str, str], clock: Callable[[], float] = lambda: NOW, issuer: str = "acme"
) -> AccessTokens:
    return AccessTokens(KeyRing(keys or (("k1", SECRET),)), issuer, "acme", clock=clock)


def part(value: Any, *, spaced: bool = False) -> str:
    text = json.dumps(value) if spaced else json.dumps(value, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def forged(
    header: dict[str, Any] | None = None,
    claims: dict[str, Any] | None = None,
    *,
    key: str = SECRET,
    spaced: bool = False,
) -> str:
    """A token with this header and these claims (None removes one), rightly signed by `key` with HS256.

    Spaced: other text than an issued token, so that the library checks it.
    """
    head = {"alg": "HS256", "typ": "at+jwt", "kid": "k1"} | (header or {})
    body = {
        "iss": "acme",
        "aud": "acme",
        "sub": str(SUBJECT),
        "sid": str(SESSION),
        "jti": "a",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 600,
    } | (claims or {})
    head = {name: value for name, value in head.items() if value is not None}
    body = {name: value for name, value in body.items() if value is not None}
    signed = f"{part(head, spaced=spaced)}.{part(body, spaced=spaced)}"
    signature = hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_issued_tokens_are_read() -> None:
    issuer = tokens()
    token = issuer.issue(SUBJECT, SESSION, timedelta(minutes=10))
    claims = issuer.read(token)
    assert (claims.subject, claims.session, claims.expires_at) == (SUBJECT, SESSION, NOW + 600)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "at+jwt", "kid": "k1"}
    payload = jwt.decode(token, options={"verify_signature": False})
    assert set(payload) == {"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"}
    assert payload["jti"] == claims.jti
    assert issuer.read(token) is claims


def test_the_helper_of_these_tests_forges_valid_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    library = jwt.decode

    def decode(token: str, *arguments: Any, **options: Any) -> Any:
        judged.append(token)
        return library(token, *arguments, **options)

    monkeypatch.setattr(jwt, "decode", decode)
    own, spaced = forged(), forged(spaced=True)
    assert own.partition(".")[0] == tokens().issue(SUBJECT, SESSION, timedelta(1)).partition(".")[0]
    assert tokens().read(own) == tokens().read(spaced)
    assert tokens().read(own).subject == SUBJECT
    assert judged == [spaced]


HEADERS: list[dict[str, Any]] = [
    {"alg": "none"},
    {"alg": "None"},
    {"alg": "HS512"},
    {"alg": "RS256"},
    {"alg": "ES256"},
    {"alg": "hs256"},
    {"alg": None},
    {"typ": None},
    {"typ": "JWT"},
    {"typ": "refresh+jwt"},
    {"typ": "AT+JWT"},
    {"kid": None},
    {"kid": ""},
    {"kid": "k2"},
    {"kid": "../../dev/null"},
    {"kid": "k1' OR '1'='1"},
    {"kid": ["k1"]},
    {"kid": {"k1": 1}},
    {"kid": 0},
    {"jku": "https://example.com/keys"},
    {"jwk": {"kty": "oct", "k": "AAAA"}},
    {"x5u": "https://example.com/cert"},
    {"x5c": ["AAAA"]},
    {"crit": ["exp"]},
    {"crit": []},
    {"b64": False},
    {"zip": "DEF"},
    {"cty": "JWT"},
]
CLAIMS: list[dict[str, Any]] = [
    *({name: None} for name in ("iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp")),
    {"iss": "elsewhere"},
    {"iss": ["acme"]},
    {"aud": "elsewhere"},
    {"aud": ["acme", "elsewhere"]},
    {"aud": "acme2"},
    {"sub": "1"},
    {"sub": 1},
    {"sub": [str(SUBJECT)]},
    {"sid": "not an id"},
    {"sid": 5},
    {"sid": {}},
    {"jti": ""},
    {"jti": 5},
    {"nbf": NOW + 6},
    {"iat": NOW + 6},
    {"exp": str(NOW + 600)},
    {"exp": NOW + 0.5},
    {"exp": True},
    {"exp": [NOW + 600]},
    {"exp": float("inf")},
    {"exp": float("nan")},
    {"nbf": "soon"},
    {"iat": {}},
]


@pytest.mark.parametrize("header", HEADERS, ids=str)
def test_other_headers_are_refused(header: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        tokens().read(forged(header))


@pytest.mark.parametrize("spaced", [False, True])
@pytest.mark.parametrize("claims", CLAIMS, ids=str)
def test_other_claims_are_refused(claims: dict[str, Any], spaced: bool) -> None:
    with pytest.raises(TokenInvalid):
        tokens().read(forged(claims=claims, spaced=spaced))


@pytest.mark.parametrize("spaced", [False, True])
@pytest.mark.parametrize("key", [OTHER, "", "k1", SECRET[:-1], SECRET.upper()])
def test_other_keys_are_refused(key: str, spaced: bool) -> None:
    with pytest.raises(TokenInvalid):
        tokens().read(forged(key=key, spaced=spaced))


def test_a_signature_has_one_valid_encoding() -> None:
    """Its last character has unused bits (RFC 4648, section 3.5)."""
    token = forged()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [token[:-1] + letter for letter in letters if letter != token[-1]]
    for other in [*others, token[:-1], token + "A", token + "=="]:
        with pytest.raises(TokenInvalid):
            tokens().read(other)
    assert tokens().read(token).subject == SUBJECT


@pytest.mark.parametrize("payload", ["", "e30", "bnVsbA", "W10", "NQ", "Iic", "eyJhIjo", "_w", "A"])
def test_a_signed_payload_without_claims_is_refused(payload: str) -> None:
    signed = f"{forged().partition('.')[0]}.{payload}"
    signature = hmac.digest(SECRET.encode(), signed.encode(), "sha256")
    with pytest.raises(TokenInvalid):
        tokens().read(f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "Bearer x",
        "\ud800",
        "é.é.é",
        forged() + ".x",
        forged().rsplit(".", 1)[0] + ".",
        forged().rsplit(".", 1)[0],
        forged()[:-2],
        " " + forged(),
        f"{part({'alg': 'none', 'typ': 'at+jwt', 'kid': 'k1'})}.{forged().split('.')[1]}.",
        f"{part([])}.{part([])}.x",
        f"{part('x')}.{part(5)}.x",
        base64.urlsafe_b64encode(b"[" * 900).decode() + ".e30.x",
        "a" * 5000,
    ],
)
def test_malformed_tokens_are_refused(token: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens().read(token)


def test_deeply_nested_claims_are_refused() -> None:
    body = base64.urlsafe_b64encode(b'{"a":' + b"[" * 1200).rstrip(b"=").decode()
    with pytest.raises(TokenInvalid):
        tokens().read(f"{part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'k1'})}.{body}.x")


def test_a_token_of_another_instance_is_refused() -> None:
    elsewhere = AccessTokens(KeyRing([("k1", OTHER)]), "acme", "acme", clock=lambda: NOW)
    with pytest.raises(TokenInvalid):
        tokens().read(elsewhere.issue(SUBJECT, SESSION, timedelta(minutes=10)))


def test_expiry_is_exact_for_cached_tokens() -> None:
    time = [NOW]
    issuer = tokens(clock=lambda: time[0])
    token = issuer.issue(SUBJECT, SESSION, timedelta(minutes=10))
    time[0] = NOW + 599
    issuer.read(token)
    time[0] = NOW + 600
    with pytest.raises(TokenExpired):
        issuer.read(token)
    with pytest.raises(TokenExpired):
        tokens(clock=lambda: NOW + 600).read(token)


def test_clocks_may_be_a_little_apart() -> None:
    token = tokens().issue(SUBJECT, SESSION, timedelta(minutes=10))
    assert tokens(clock=lambda: NOW - 5).read(token).subject == SUBJECT


def test_keys_rotate_by_order_and_end_when_removed() -> None:
    old = tokens(("k1", SECRET))
    both = tokens(("k2", OTHER), ("k1", SECRET))
    new = tokens(("k2", OTHER))
    before, after = (issuer.issue(SUBJECT, SESSION, timedelta(minutes=1)) for issuer in (old, both))
    assert jwt.get_unverified_header(after)["kid"] == "k2"
    assert both.read(before).subject == both.read(after).subject == new.read(after).subject == SUBJECT
    with pytest.raises(TokenInvalid):
        new.read(before)


@pytest.mark.parametrize(
    "keys",
    [
        (),
        (("", SECRET),),
        (("k", "short"),),
        (("k", ""),),
        (("k", SECRET), ("k", OTHER)),
        (("k", SECRET[:-1]),),
    ],
)
def test_weak_rings_are_refused(keys: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(WeakKeyError):
        KeyRing(keys)


def test_the_cache_of_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 3)
    issuer = tokens()
    for _ in range(5):
        issuer.read(issuer.issue(SUBJECT, SESSION, timedelta(minutes=1)))
    assert len(issuer._verified) == 3
