"""One spelling for each address."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import PASSWORD, AdminFactory, UserFactory
from apps.users.email_addresses import InvalidEmail, canonical, mailable
from apps.users.models import EmailChange, User


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("ada@example.com", "ada@example.com"),
        (" Ada@EXAMPLE.com ", "ada@example.com"),
        ("ＡＤＡ@example.com", "ada@example.com"),
        ("STRASSE@example.com", "strasse@example.com"),
        ("straße@example.com", "strasse@example.com"),
        ("Jose\u0301@example.com", "jos\u00e9@example.com"),
        ("jos\u00e9@example.com", "jos\u00e9@example.com"),
        ("ada@Bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("ada@example\u3002com", "ada@example.com"),
        # IDNA 2008 distinguishes these from strasse and fass; IDNA 2003 did not.
        ("ada@Straße.example", "ada@xn--strae-oqa.example"),
        ("ada@fa\u00df.example", "ada@xn--fa-hia.example"),
        ("ada@βόλος.example", "ada@xn--nxasmm1c.example"),
        ("ada@例え.テスト", "ada@xn--r8jz45g.xn--zckzah"),
        ("ada@xn--i-7iq.ws", "ada@xn--i-7iq.ws"),
        ("ＡＤＡ＠ＥＸＡＭＰＬＥ．ＣＯＭ", "ada@example.com"),
        ("a.b+c_d-e@sub.example.co.uk", "a.b+c_d-e@sub.example.co.uk"),
        ("\u212aelvin@example.com", "kelvin@example.com"),
    ],
)
def test_spellings_have_one_canonical_form(typed: str, stored: str) -> None:
    assert canonical(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@localhost",
        "ada@example..com",
        "ada@-example.com",
        "ada@example-.com",
        "ada@127.0.0.1",
        "ada@[127.0.0.1]",
        "ada..b@example.com",
        ".ada@example.com",
        "ada.@example.com",
        "a da@example.com",
        "ada\x00@example.com",
        "ada\u202e@example.com",
        "ada\u200b@example.com",
        "ada@example.com\u200b",
        "ada@exam\u00adple.com",
        "ada@exam\u2060ple.com",
        'ada"@example.com',
        '"ada b"@example.com',
        "ada@b@example.com",
        "ada\r\nBcc: x@example.com",
        "ada@example.com\nx",
        "\ud800@example.com",
        "ada@\ud800.com",
        "a" * 65 + "@example.com",
        "a@" + ".".join(["b" * 63] * 4) + ".com",
        "a@" + "b" * 64 + ".com",
        "a" * 255,
        "a@" + ".".join(["bü" * 12] * 9) + ".com",
        "ada@exa mple.com",
        "ada@exa_mple.com",
        "ada@i❤.ws",
        "ada@\u0301x.example",
        "ada@ab--c\u00fc.example",
        "ada@a\u200db.example",
    ],
)
def test_invalid_addresses_are_refused(typed: str) -> None:
    with pytest.raises(InvalidEmail):
        canonical(typed)


@given(
    st.text(max_size=60)
    | st.builds("{}@{}.{}".format, st.text(max_size=20), st.text(max_size=20), st.text(max_size=9))
)
def test_the_canonical_form_is_its_own(typed: str) -> None:
    try:
        once = canonical(typed)
    except InvalidEmail:
        return
    assert canonical(once) == once
    assert canonical(once.upper()) == canonical(once.upper().lower())


@pytest.mark.parametrize(
    "typed", ["zoë@example.com", "用户@example.com", "ÅSA@example.com", "a.é@bücher.example"]
)
def test_addresses_that_many_servers_refuse_are_found_but_not_accepted(typed: str) -> None:
    assert canonical(typed)
    with pytest.raises(InvalidEmail, match="before the @"):
        mailable(typed)
    with pytest.raises(InvalidEmail, match="before the @"):
        User.objects.create_superuser(typed, "x")


def test_domains_of_every_script_are_mailed() -> None:
    assert mailable("Ada@Bücher.example") == "ada@xn--bcher-kva.example"


@pytest.mark.django_db
def test_new_accounts_need_an_address_that_can_be_mailed(public: Api, private: Any, user: User) -> None:
    body = {"email": "zoë@example.com", "name": "Zoë", "password": PASSWORD}
    change = {"email": body["email"], "current_password": PASSWORD}
    for answer in (public.post("auth/register/", body), private(user).post("users/me/email/", change)):
        assert code_of(answer) == (400, "invalid_input")
        assert [(fault["field"], fault["code"]) for fault in answer.json()["errors"]] == [
            ("email", "invalid_email")
        ]
    assert (User.objects.count(), EmailChange.objects.count()) == (1, 0)


@pytest.mark.django_db
def test_an_account_with_an_older_address_signs_in_and_is_listed(public: Api, admin: Any) -> None:
    for number in range(3):
        UserFactory.create(email=f"user{number}@example.com")
    User.objects.filter(email="user1@example.com").update(email="zoë@example.com")
    sign_in = {"email": "Zoe\u0308@Example.com", "password": PASSWORD}
    assert public.post("auth/login/", sign_in).status_code == 200
    api, seen = admin(AdminFactory.create(email="zz@example.com")), []
    path = "users/?ordering=email&limit=1"
    while path:
        page = api.get(path).json()
        seen += [one["email"] for one in page["results"]]
        path = (page["next"] or "").partition("/v1/")[2]
    assert sorted(seen) == ["user0@example.com", "user2@example.com", "zoë@example.com", "zz@example.com"]


@pytest.mark.django_db
def test_every_write_stores_the_canonical_form() -> None:
    user = UserFactory.create(email="Ada@Example.com")
    assert user.email == "ada@example.com"
    assert User.objects.get(email="ADA@example.COM") == user
    assert User.objects.get_by_natural_key("ＡＤＡ@example.com") == user
    User.objects.filter(pk=user.pk).update(email="Lovelace@Example.com")
    assert User.objects.values_list("email", flat=True).get() == "lovelace@example.com"
    with pytest.raises(User.DoesNotExist):
        User.objects.get_by_natural_key("nobody")


@pytest.mark.django_db
def test_the_database_refuses_a_second_and_a_raw_spelling() -> None:
    user = UserFactory.create(email="ada@example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        UserFactory.create(email="ADA@EXAMPLE.COM")
    with pytest.raises(IntegrityError, match="users_user_email_canonical"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("UPDATE users_user SET email = 'Ada@example.com' WHERE id = %s", [user.pk])
