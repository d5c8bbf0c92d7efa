"""REFRESH_GRACE: the token that was traded last is accepted again for some seconds; ended sessions stay ended."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.common.testing.users import UserFactory, pair_for
from apps.users import exceptions, selectors, services
from apps.users.models import RefreshToken, Session, SessionEnd, User
from apps.users.types import TokenPair


@pytest.fixture(autouse=True)
def grace(settings: Any) -> None:
    settings.REFRESH_GRACE = timedelta(seconds=5)


def trade(pair: TokenPair, *, seconds: float = 0) -> TokenPair:
    return services.refresh(refresh_token=pair.refresh, now=timezone.now() + timedelta(seconds=seconds))


def is_live(pair: TokenPair) -> bool:
    try:
        selectors.authenticate_access(token=pair.access)
    except exceptions.SessionEnded:
        return False
    return True


def unused() -> int:
    return RefreshToken.objects.filter(used_at=None).count()


@pytest.mark.django_db
def test_a_lost_answer_is_repeated(user: User) -> None:
    first = pair_for(user)
    trade(first)
    for seconds in (1, 4):
        again = trade(first, seconds=seconds)
        assert unused() == 1
    assert is_live(trade(again, seconds=4))


@pytest.mark.django_db
def test_the_lost_pair_is_no_second_lineage(user: User) -> None:
    first = pair_for(user)
    lost = trade(first)
    kept = trade(first, seconds=1)
    with pytest.raises(exceptions.RefreshTokenRefused):
        trade(lost, seconds=6)
    assert Session.objects.get().end_reason == SessionEnd.REUSED
    assert not is_live(kept)


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [5, 60])
def test_after_the_grace_it_is_reuse(user: User, seconds: int) -> None:
    first = pair_for(user)
    second = trade(first, seconds=-seconds)
    with pytest.raises(exceptions.RefreshTokenRefused):
        trade(first)
    assert not is_live(second)


@pytest.mark.django_db
def test_a_token_before_the_last_is_reuse_at_once(user: User) -> None:
    first = pair_for(user)
    second = trade(first)
    third = trade(second)
    with pytest.raises(exceptions.RefreshTokenRefused):
        trade(first)
    assert not is_live(third)
    assert Session.objects.get().end_reason == SessionEnd.REUSED


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["logout", "reuse", "inactive", "expired"])
def test_the_grace_revives_no_ended_session(user: User, end: str) -> None:
    first = pair_for(user)
    second = trade(first)
    if end == "logout":
        services.logout(refresh_token=second.refresh)
    elif end == "reuse":
        third = trade(second)
        with pytest.raises(exceptions.RefreshTokenRefused):
            trade(first)
        second = third
    elif end == "inactive":
        User.objects.filter(pk=user.pk).update(is_active=False)
    else:
        Session.objects.update(expires_at=timezone.now())
    for pair in (first, second):
        with pytest.raises(exceptions.RefreshTokenRefused):
            trade(pair)
    assert not is_live(second)


@pytest.mark.django_db(transaction=True)
def test_of_20_at_once_one_token_works() -> None:
    first = pair_for(UserFactory.create())
    barrier = threading.Barrier(20)

    def come(_: int) -> TokenPair | None:
        try:
            barrier.wait(10)
            return trade(first)
        except exceptions.RefreshTokenRefused:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        pairs = [pair for pair in pool.map(come, range(20)) if pair is not None]
    assert len(pairs) == 20
    assert unused() == 1
    with pytest.raises(exceptions.RefreshTokenRefused):
        trade(first, seconds=6)
    assert not any(is_live(pair) for pair in pairs)
