"""Search of users by phone number."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import AdminFactory, UserFactory, caller_for
from apps.users import phone_numbers, services
from apps.users.models import User

As = Callable[[User], Api]


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+44 20 7946-0958", "+442079460958"),
        ("0044 (20) 7946/0958", "+442079460958"),
        ("555.0100", "5550100"),
        ("", ""),
    ],
)
def test_one_number_is_written_in_many_ways(typed: str, number: str) -> None:
    assert phone_numbers.canonical(typed) == number


@pytest.mark.django_db
def test_admins_find_users_by_their_number(admin: As, private: As, user: User) -> None:
    boss = AdminFactory.create()
    assert private(user).patch("users/me/", {"phone": "+44 20 7946-0958"}).status_code == 200
    UserFactory.create(phone="+44 20 7946 0959")
    api = admin(boss)
    for typed, users in {"%2B44 2079460958": [user], "0044 20 79460958": [user], "079460958": []}.items():
        rows = api.get(f"users/?phone={typed}").json()["results"]
        assert [row["id"] for row in rows] == [str(one.pk) for one in users], typed
    assert code_of(api.get("users/?phone=" + "1" * 33)) == (400, "invalid_input")
    private(user).patch("users/me/", {"phone": None})
    assert api.get("users/?phone=0044 20 79460958").json()["results"] == []
    services.erase_user(actor=caller_for(boss), user_id=user.pk)
    assert User.objects.filter(pk=user.pk, phone_index=None).exists()
