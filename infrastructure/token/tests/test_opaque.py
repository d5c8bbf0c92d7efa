"""Random tokens and their digests."""

from __future__ import annotations

import hashlib
import re

from infrastructure.token import digest, new_token


def test_tokens_are_256_random_bits() -> None:
    made = {new_token() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[\w-]{43}", token) for token in made)


def test_the_digest_is_sha256() -> None:
    assert digest("abc") == hashlib.sha256(b"abc").digest()
    assert len(digest("\ud800")) == 32
