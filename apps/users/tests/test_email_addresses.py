"""One spelling for each address."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from apps.users.email_addresses import InvalidEmail, canonical
from apps.users.models import User
from apps.users.tests.factories import UserFactory


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
        ("a.b+c_d-e@sub.example.co.uk", "a.b+c_d-e@sub.example.co.uk"),
        ("\u212aelvin@example.com", "kelvin@example.com"),
    ],
)
def test_spellings_become_one(typed: str, stored: str) -> None:
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
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
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


@pytest.mark.django_db
def test_every_way_into_the_database_is_canonical() -> None:
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
