"""Every end of a session closes its sockets with 4408 within five seconds, with and without Redis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.chat.tests.conftest import Site
from apps.chat.tests.factories import RoomFactory, member_of
from apps.common.testing.users import PASSWORD, AdminFactory, caller_for, erase, pair_for
from apps.users import exceptions, services
from apps.users.models import Session, User
from apps.users.types import Device, TokenPair
from infrastructure import realtime


def admin() -> Any:
    return caller_for(AdminFactory.create())


def session_of(user: User) -> Any:
    return Session.objects.filter(user=user).earliest("created_at").pk


def replay(user: User, pair: TokenPair) -> None:
    services.refresh(refresh_token=pair.refresh)
    with pytest.raises(exceptions.RefreshTokenRefused):
        services.refresh(refresh_token=pair.refresh)


CAUSES: dict[str, Callable[[User, TokenPair], Any]] = {
    "logout": lambda user, pair: services.logout(refresh_token=pair.refresh),
    "logout-all": lambda user, pair: services.logout_everywhere(actor=caller_for(user)),
    "revoked": lambda user, pair: services.revoke_session(
        actor=caller_for(user), session_id=session_of(user)
    ),
    "revoked by an admin": lambda user, pair: services.revoke_all_sessions_of(actor=admin(), user_id=user.pk),
    "reuse": replay,
    "password": lambda user, pair: services.change_password(
        actor=caller_for(user),
        current_password=PASSWORD,
        new_password="another circle, far away",
        device=Device(),
    ),
    "role": lambda user, pair: services.update_user(
        actor=admin(), user_id=user.pk, changes={"role": "moderator"}
    ),
    "deactivation": lambda user, pair: services.deactivate_user(actor=admin(), user_id=user.pk),
    "erasure": lambda user, pair: erase(user),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_sockets_are_closed_at_once(site: Site, cause: str) -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    pair = pair_for(ada)
    socket = site.handshake(room.slug, additional_headers={"Authorization": f"Bearer {pair.access}"})
    assert socket.frame()["type"] == "welcome"
    other = site.inside(room.slug, grace)
    CAUSES[cause](ada, pair)
    assert socket.close_code(timeout=5) == 4408
    grace_says = other.say("still here")
    assert other.next("ack")["client_id"] == grace_says


def test_the_sweep_finds_ended_sessions_without_an_event(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "publish", lambda *_: None)
    room = RoomFactory.create()
    sockets = {}
    for cause in CAUSES:
        user = member_of(room)
        pair = pair_for(user)
        sockets[cause] = (
            user,
            pair,
            site.handshake(room.slug, additional_headers={"Authorization": f"Bearer {pair.access}"}),
        )
    for cause, (user, pair, socket) in sockets.items():
        assert socket.frame()["type"] == "welcome"
        CAUSES[cause](user, pair)
    codes = {cause: socket.close_code(timeout=5) for cause, (_, _, socket) in sockets.items()}
    assert codes == dict.fromkeys(CAUSES, 4408)
