"""The key ring: two algorithms, one at a time; its public facts have no secret."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from infrastructure.token import AccessTokens, KeyRing, TokenInvalid, WeakKeyError, keys, new_key

SUBJECT, SESSION = UUID(int=1), UUID(int=2)
OLD, NEW = "T2xkIHByaXZhdGUga2V5IG9mIHRoZSB0ZXN0cyEhISE", "TmV3IHByaXZhdGUga2V5IG9mIHRoZSB0ZXN0cyEhISE"
MINUTE = timedelta(minutes=1)


def tokens(*ring: tuple[str, str]) -> AccessTokens:
    return AccessTokens(KeyRing(ring, keys.EDDSA), "acme", "acme")


def test_eddsa_signs_and_reads() -> None:
    issuer = tokens(("new", NEW), ("old", OLD))
    token = issuer.issue(SUBJECT, SESSION, MINUTE)
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": "at+jwt", "kid": "new"}
    assert issuer.read(token).subject == SUBJECT


def test_others_verify_by_the_key_set_alone() -> None:
    issuer = tokens(("new", NEW), ("old", OLD))
    published = jwt.PyJWKSet.from_dict(issuer.keys.jwks())
    token = issuer.issue(SUBJECT, SESSION, MINUTE)
    key = published[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, audience="acme")["sub"] == str(SUBJECT)
    assert [(entry["kid"], entry["crv"], entry["alg"]) for entry in issuer.keys.jwks()["keys"]] == [
        ("new", "Ed25519", "EdDSA"),
        ("old", "Ed25519", "EdDSA"),
    ]


def test_rotation_overlaps_and_an_emergency_drop_ends_the_overlap() -> None:
    before, during, after = tokens(("old", OLD)), tokens(("new", NEW), ("old", OLD)), tokens(("new", NEW))
    token = before.issue(SUBJECT, SESSION, MINUTE)
    assert during.read(token).session == SESSION
    with pytest.raises(TokenInvalid):
        after.read(token)
    # Announced before it signs: the new key verifies from the second place on.
    assert tokens(("old", OLD), ("new", NEW)).read(after.issue(SUBJECT, SESSION, MINUTE)).session == SESSION


def test_one_algorithm_never_passes_for_the_other() -> None:
    eddsa, hmac = tokens(("k", NEW)), AccessTokens(KeyRing([("k", NEW)]), "acme", "acme")
    for issuer, reader in ((eddsa, hmac), (hmac, eddsa)):
        with pytest.raises(TokenInvalid):
            reader.read(issuer.issue(SUBJECT, SESSION, MINUTE))
    # The classic: an HMAC under the public key, which is public (RFC 8725, section 2.1).
    public = base64.urlsafe_b64decode(eddsa.keys.jwks()["keys"][0]["x"] + "=")
    confused = AccessTokens(KeyRing([("k", public.hex())]), "acme", "acme")
    with pytest.raises(TokenInvalid):
        eddsa.read(confused.issue(SUBJECT, SESSION, MINUTE))


@pytest.mark.parametrize(
    "key",
    ["", "short", "x" * 43, "A" * 43, NEW + "AAAA", NEW[:-2] + "é!", "0123456789abcdef0123456789abcdef"],
)
def test_invalid_private_keys_are_refused(key: str) -> None:
    with pytest.raises(WeakKeyError, match="'k'"):
        KeyRing([("k", key)], keys.EDDSA)


@pytest.mark.parametrize("algorithm", ["none", "RS256", "hs256", ""])
def test_two_algorithms_are_supported(algorithm: str) -> None:
    with pytest.raises(WeakKeyError, match="none of HS256, EdDSA"):
        KeyRing([("k", NEW)], algorithm)


@pytest.mark.parametrize("algorithm", keys.ALGORITHMS)
def test_a_new_key_fits_both_algorithms(algorithm: str) -> None:
    first, second = new_key(), new_key()
    assert first != second
    KeyRing([("first", first), ("second", second)], algorithm)


@pytest.mark.parametrize("algorithm", keys.ALGORITHMS)
def test_key_information_has_no_secret(algorithm: str) -> None:
    ring = KeyRing([("new", NEW), ("old", OLD)], algorithm)
    shown: Any = [(key.kid, key.algorithm, key.signs) for key in ring.in_use()]
    assert shown == [("new", algorithm, True), ("old", algorithm, False)]
    told = json.dumps([key.fingerprint for key in ring.in_use()]) + json.dumps(ring.jwks())
    for secret in (NEW, OLD):
        assert secret not in told
        raw = base64.urlsafe_b64decode(secret + "=")
        assert base64.urlsafe_b64encode(raw).decode().rstrip("=") not in told
    assert len({key.fingerprint for key in ring.in_use()}) == 2
    assert isinstance(ring["new"], Ed25519PublicKey) is (algorithm == keys.EDDSA)
