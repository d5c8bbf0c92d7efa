"""The keys of access tokens: a ring of one algorithm.

HS256 (the default) is one secret that signs and verifies, for services under one owner. EdDSA (Ed25519, RFC 8037) signs
by a private key; its public half is published as a JSON Web Key Set, so that others can verify but not sign. A ring never
mixes both: a token does not choose its algorithm (RFC 8725, section 3.1).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infrastructure import lazy_import

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519
else:
    serialization = lazy_import.module("cryptography.hazmat.primitives.serialization")
    ed25519 = lazy_import.module("cryptography.hazmat.primitives.asymmetric.ed25519")

HS256: Final = "HS256"
EDDSA: Final = "EdDSA"
ALGORITHMS: Final = (HS256, EDDSA)
_MIN_KEY_BYTES: Final = 32
_MIN_DISTINCT_BYTES: Final = 12


class TokenError(Exception):
    """Base: the token is not accepted."""


class TokenInvalid(TokenError):
    """It is malformed, of another kind or issuer, or not signed by a key of the ring."""


class WeakKeyError(ValueError):
    """A signing key is missing, malformed, too short, or named twice; or the algorithm is none of ALGORITHMS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInUse:
    """The public facts about a key. `fingerprint` tells keys apart (16 hex digits of SHA-256)."""

    kid: str
    algorithm: str
    signs: bool
    fingerprint: str


class KeyRing:
    """Keys by their id. The first signs, all verify: add a new key in front, and remove the old one when its tokens have expired.

    Args:
        keys: (kid, key) each: for HS256 a secret of 32 bytes or more, for EdDSA the 32 bytes of an Ed25519 private key
            in URL-safe base64.

    Raises:
        WeakKeyError: for an empty ring, an empty or doubled id, an unknown algorithm, and a key below 256 bits
            (RFC 7518, section 3.2).
    """

    def __init__(self, keys: Sequence[tuple[str, str]], algorithm: str = HS256) -> None:
        if algorithm not in ALGORITHMS:
            raise WeakKeyError(f"{algorithm!r} is none of {', '.join(ALGORITHMS)}.")
        if not keys:
            raise WeakKeyError("There is no key to sign access tokens with.")
        self.algorithm = algorithm
        self._verifying: dict[str, Any] = {}
        for position, (kid, text) in enumerate(keys):
            if not kid:
                raise WeakKeyError("A signing key has no id.")
            if kid in self._verifying:
                raise WeakKeyError("Two signing keys have the same id.")
            signing, self._verifying[kid] = _pair(kid, text, algorithm)
            if position == 0:
                self.kid, self.signing_key = kid, signing

    def __getitem__(self, kid: object) -> Any:
        """The verifying key of that id. Raises TokenInvalid."""
        key = self._verifying.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise TokenInvalid("No key of the ring has the token's kid.")
        return key

    def secrets(self) -> dict[str, bytes]:
        """The secrets by their id; empty for a ring of key pairs."""
        return {kid: key.encode() for kid, key in self._verifying.items()} if self.algorithm == HS256 else {}

    def in_use(self) -> list[KeyInUse]:
        """The keys without their secrets, the one that signs first."""
        return [
            KeyInUse(
                kid=kid,
                algorithm=self.algorithm,
                signs=kid == self.kid,
                fingerprint=hashlib.sha256(b"token-key:" + _bytes(key)).hexdigest()[:16],
            )
            for kid, key in self._verifying.items()
        ]

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The JSON Web Key Set (RFC 7517) of the public keys; empty for HS256."""
        return {
            "keys": [
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "x": base64.urlsafe_b64encode(_bytes(key)).rstrip(b"=").decode(),
                    "kid": kid,
                    "use": "sig",
                    "alg": EDDSA,
                }
                for kid, key in self._verifying.items()
                if isinstance(key, ed25519.Ed25519PublicKey)
            ]
        }


def new_key() -> str:
    """256 random bits, as text that both algorithms take."""
    return base64.urlsafe_b64encode(os.urandom(_MIN_KEY_BYTES)).rstrip(b"=").decode()


def _pair(kid: str, text: str, algorithm: str) -> tuple[Any, Any]:
    """The signing and the verifying key. Raises WeakKeyError."""
    if algorithm == HS256:
        if len(text.encode()) < _MIN_KEY_BYTES:
            raise WeakKeyError(f"The signing key {kid!r} is shorter than {_MIN_KEY_BYTES} bytes.")
        return text, text
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    if len(raw) != _MIN_KEY_BYTES or len(set(raw)) < _MIN_DISTINCT_BYTES:
        raise WeakKeyError(f"The signing key {kid!r} is not 32 random bytes in URL-safe base64.")
    private = ed25519.Ed25519PrivateKey.from_private_bytes(raw)
    return private, private.public_key()


def _bytes(key: Any) -> bytes:
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return str(key).encode()
