"""Names of accounts: one visible line, and not a name of the product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from apps.common import text
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import PASSWORD, AdminFactory, caller_for
from apps.users import services
from apps.users.models import User
from apps.users.services import names

pytestmark = pytest.mark.django_db
As = Callable[[User], Api]
OWN = [
    "System",
    "Ѕуѕtеm",
    "s.y.s.t.e.m",
    "Menhir",
    "Меnhіr",
    "Menhir Support",
    "The MENHIR team",
    "Deleted account",
]
OFFICES = ["Admin", "АDМIN", "Adm1n", "Support", "Suppοrt", "Moderator", "Help desk", "security team"]
NO_LINES = [
    "\u3164",
    "\u2800",
    "\u115f\uffa0",
    "\u0301",
    "\U000e0041",
    "Ada\nLovelace",
    "Ada\u202e",
    "A\u3164da",
]


@pytest.fixture(autouse=True)
def _product_name(settings: Any) -> None:
    settings.PRODUCT_NAME = "Menhir"


def faults(response: Any) -> list[tuple[str, str]]:
    assert code_of(response) == (400, "invalid_input")
    return [(error["field"], error["code"]) for error in response.json()["errors"]]


@pytest.mark.parametrize("name", [*OWN, *OFFICES])
def test_users_cannot_take_a_reserved_name(public: Api, private: As, user: User, name: str) -> None:
    body = {"email": "new@example.com", "name": name, "password": PASSWORD}
    assert faults(public.post("auth/register/", body)) == [("name", "reserved")]
    assert faults(private(user).patch("users/me/", {"name": name})) == [("name", "reserved")]
    assert list(User.objects.values_list("name", flat=True)) == [user.name]


@pytest.mark.parametrize("name", NO_LINES)
def test_names_that_are_no_visible_line_are_refused(
    public: Api, private: As, admin: As, user: User, name: str
) -> None:
    body = {"email": "new@example.com", "name": name, "password": PASSWORD}
    for response in (
        public.post("auth/register/", body),
        private(user).patch("users/me/", {"name": name}),
        admin(AdminFactory.create()).patch(f"users/{user.pk}/", {"name": name}),
    ):
        ((field, code),) = faults(response)
        assert (field, code in ("unprintable", "invisible")) == ("name", True)
    user.refresh_from_db()
    assert user.name not in NO_LINES


@pytest.mark.parametrize(
    "name", ["Menhira", "Systema", "Adminah", "Support Act", "Ada Menhirova", "Дмитрий", "张伟"]
)
def test_other_names_are_free(private: As, user: User, name: str) -> None:
    assert private(user).patch("users/me/", {"name": name}).json()["name"] == name


def test_only_admins_give_offices_and_the_products_name_is_reserved(admin: As, user: User) -> None:
    boss = admin(AdminFactory.create())
    assert boss.patch(f"users/{user.pk}/", {"name": "Support"}).json()["name"] == "Support"
    assert faults(boss.patch(f"users/{user.pk}/", {"name": "Ѕуѕtеm"})) == [("name", "reserved")]


def test_a_name_that_was_reserved_later_may_stay(private: As, user: User, settings: Any) -> None:
    user.name = settings.PRODUCT_NAME = "Dolmen"
    user.save()
    assert private(user).patch("users/me/", {"name": "Dolmen", "phone": "5550100"}).status_code == 200
    assert faults(private(user).patch("users/me/", {"name": "DOLMEN"})) == [("name", "reserved")]


def test_the_admin_site_shows_the_error(client: Client, user: User) -> None:
    boss = AdminFactory.create()
    client.post("/admin/login/?next=/admin/", {"username": boss.email, "password": PASSWORD})
    page = f"/admin/users/user/{user.pk}/change/"
    for name, words in (("\u3164", "cannot be shown"), ("Меnhіr", "reserved")):
        answer = client.post(page, {"name": name, "role": "user", "is_active": "on"}, follow=True)
        assert words in answer.content.decode()
    user.refresh_from_db()
    assert user.name not in ("\u3164", "Меnhіr")


def test_commands_and_the_database_apply_the_rule(user: User) -> None:
    with pytest.raises(text.InvalidLine):
        User.objects.create_superuser("boss@example.com", PASSWORD, name="\u3164")
    with pytest.raises(ValidationError, match="cannot be shown"):
        User._meta.get_field("name").run_validators("a\u202eb")
    for name in ("\u3164", "a\r\nBcc: x@example.com", ""):
        with pytest.raises(IntegrityError, match="users_user_name_line"), transaction.atomic():
            User.objects.filter(pk=user.pk).update(name=name)


@pytest.mark.parametrize(
    ("wishes", "name"),
    [
        (("Ada\r\nBcc: x", "ada"), "Ada Bcc: x"),
        (("\u3164", "ada"), "ada"),
        (("Menhir", "ada"), "ada"),
        (("System", "admin"), "New account"),
        (("x" * 200, ""), "x" * 100),
    ],
)
def test_names_from_other_systems_are_corrected(wishes: tuple[str, ...], name: str) -> None:
    assert names.name_for(*wishes) == name


def test_the_name_of_erased_accounts_is_reserved(user: User) -> None:
    services.erase_user(actor=caller_for(AdminFactory.create()), user_id=user.pk)
    assert User.objects.get(pk=user.pk).name == "Deleted account"
