"""Argon2id by the settings, renewed at sign-in, bounded in number."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, identify_hasher, make_password

from apps.users import hashers

PASSWORD = "a widget circle on the downs"


def test_parameters_are_those_of_the_settings(settings: Any) -> None:
    settings.ARGON2_MEMORY_KIB, settings.ARGON2_TIME, settings.ARGON2_PARALLELISM = 16, 3, 2
    assert make_password(PASSWORD).startswith("argon2$argon2id$v=19$m=16,t=3,p=2$")


def test_other_parameters_verify_and_call_for_a_new_hash(settings: Any) -> None:
    old = make_password(PASSWORD)
    settings.ARGON2_TIME = 2
    assert check_password(PASSWORD, old)
    assert identify_hasher(old).must_update(old)
    assert not identify_hasher(old).must_update(make_password(PASSWORD))


def test_passwords_are_compared_exactly_as_typed() -> None:
    encoded = make_password(" Jos\u00e9 of the downs ")
    assert check_password(" Jos\u00e9 of the downs ", encoded)
    for other in ("Jos\u00e9 of the downs", " Jose\u0301 of the downs ", " jos\u00e9 of the downs "):
        assert not check_password(other, encoded)


def test_no_more_hashes_run_at_once_than_there_are_places(settings: Any) -> None:
    settings.ARGON2_CONCURRENCY = 3
    running, most = 0, 0
    lock = threading.Lock()
    barrier = threading.Event()

    def hash_one() -> None:
        nonlocal running, most
        with hashers.place():
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


def test_who_would_wait_too_long_is_told_to_come_again(settings: Any) -> None:
    settings.ARGON2_CONCURRENCY = 1
    with hashers.place():
        with pytest.raises(hashers.HashingBusy) as refused, hashers.place(patience=0.01):
            pass
    assert refused.value.retry_after == 2
    with hashers.place(patience=0.01):
        pass
