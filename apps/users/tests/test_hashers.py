"""Argon2id by the settings, renewed at sign-in, bounded in number."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, identify_hasher, make_password

from apps.users import hashers

PASSWORD = "a widget circle on the downs"


def test_parameters_come_from_the_settings(settings: Any) -> None:
    settings.ARGON2_MEMORY_KIB, settings.ARGON2_TIME, settings.ARGON2_PARALLELISM = 16, 3, 2
    assert make_password(PASSWORD).startswith("argon2$argon2id$v=19$m=16,t=3,p=2$")


def test_a_hash_with_other_parameters_verifies_and_is_outdated(settings: Any) -> None:
    old = make_password(PASSWORD)
    settings.ARGON2_TIME = 2
    assert check_password(PASSWORD, old)
    assert identify_hasher(old).must_update(old)
    assert not identify_hasher(old).must_update(make_password(PASSWORD))


COMPOSED, DECOMPOSED = " Jos\u00e9 of the downs ", " Jose\u0301 of the\u00a0downs "


def test_passwords_are_compared_in_one_form_and_otherwise_exactly() -> None:
    for typed in (COMPOSED, DECOMPOSED):
        encoded = make_password(typed)
        assert check_password(COMPOSED, encoded) and check_password(DECOMPOSED, encoded)
        for other in (COMPOSED.strip(), COMPOSED.lower(), COMPOSED.replace("\u00e9", "e")):
            assert not check_password(other, encoded)


def test_a_hash_of_a_password_as_typed_verifies_and_is_outdated() -> None:
    hasher = identify_hasher(make_password(PASSWORD))
    assert isinstance(hasher, hashers.Argon2idHasher)
    typed = Argon2PasswordHasher.encode(hasher, DECOMPOSED, "salt" * 6)
    assert check_password(DECOMPOSED, typed)
    assert not check_password(COMPOSED, typed)
    assert [hasher.is_outdated(DECOMPOSED, old) for old in (typed, make_password(DECOMPOSED))] == [
        True,
        False,
    ]
    assert not hasher.is_outdated(PASSWORD, make_password(PASSWORD))


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("Jose\u0301", "Jos\u00e9"),
        ("a\u00a0b\u2003c\u3000d\u1680e\u202ff", "a b c d e f"),
        ("\uff21\ufb01\u2460", "\uff21\ufb01\u2460"),  # nothing is folded
        ("  \tPass\u200dword\n", "  \tPass\u200dword\n"),
        ("\u1100\u1161\u11a8", "\uac01"),
        (b"Jose\xcc\x81", b"Jose\xcc\x81"),
    ],
)
def test_the_canonical_form_of_a_password(typed: Any, form: Any) -> None:
    assert hashers.opaque(typed) == form
    assert hashers.opaque(form) == form


def test_concurrent_hashes_are_bounded(settings: Any) -> None:
    settings.ARGON2_CONCURRENCY = 3
    running, most = 0, 0
    lock = threading.Lock()
    barrier = threading.Event()

    def hash_one() -> None:
        nonlocal running, most
        with hashers.hashing_slot():
            with lock:
                running += 1
                most = max(most, running)
            barrier.wait(0.02)
            with lock:
                running -= 1

    threads = [threading.Thread(target=hash_one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 3


def test_waiting_too_long_is_a_503_with_retry_after(settings: Any) -> None:
    settings.ARGON2_CONCURRENCY = 1
    with hashers.hashing_slot():
        with pytest.raises(hashers.HashingBusy) as refused, hashers.hashing_slot(patience=0.01):
            pass
    assert refused.value.retry_after == 2
    with hashers.hashing_slot(patience=0.01):
        pass
