"""Keys of access tokens as configuration: the key set, the command, and a rotation while users are signed in."""

from __future__ import annotations

from io import StringIO
from typing import Any

import jwt
import pytest
from django.core.management import call_command
from django.test import Client

from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import bearer, pair_for
from apps.users.models import User
from infrastructure.product import PRODUCT
from infrastructure.token.tests.test_keys import NEW, OLD

SECRET = "0123456789abcdef0123456789abcdef"


def key_set(client: Client) -> list[dict[str, str]]:
    response = client.get("/.well-known/jwks.json")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/jwk-set+json"
    assert response["Cache-Control"] == "public, max-age=300"
    found: list[dict[str, str]] = response.json()["keys"]
    return found


def test_secrets_of_hs256_are_not_published(client: Client) -> None:
    assert key_set(client) == []
    assert client.post("/.well-known/jwks.json").status_code == 405


@pytest.mark.django_db
def test_eddsa_is_a_setting(client: Client, user: User, settings: Any) -> None:
    settings.JWT_ALGORITHM, settings.JWT_KEYS = "EdDSA", (("new", NEW), ("old", OLD))
    headers = bearer(user)
    assert Api("private", headers).get("users/me/").status_code == 200
    entries = key_set(client)
    assert [entry["kid"] for entry in entries] == ["new", "old"]
    key = jwt.PyJWK(entries[0])
    assert jwt.decode(headers["Authorization"].partition(" ")[2], key, audience=PRODUCT.slug)["sub"] == str(
        user.pk
    )
    settings.JWT_ALGORITHM, settings.JWT_KEYS = "HS256", (("new", SECRET),)
    assert code_of(Api("private", headers).get("users/me/")) == (401, "token_invalid")


@pytest.mark.django_db
def test_a_dropped_key_ends_access_tokens_and_no_session(user: User, public: Api, settings: Any) -> None:
    settings.JWT_KEYS = (("old", SECRET),)
    pair = pair_for(user)
    old = Api("private", {"Authorization": f"Bearer {pair.access}"})
    settings.JWT_KEYS = (("new", SECRET[::-1]), ("old", SECRET))
    assert old.get("users/me/").status_code == 200
    settings.JWT_KEYS = (("new", SECRET[::-1]),)
    assert code_of(old.get("users/me/")) == (401, "token_invalid")
    again = public.post("auth/refresh/", {"refresh": pair.refresh}).json()
    assert Api("private", {"Authorization": f"Bearer {again['access']}"}).get("users/me/").status_code == 200


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("tokenkeys", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_keys_in_use_without_secrets(settings: Any) -> None:
    settings.JWT_ALGORITHM, settings.JWT_KEYS = "EdDSA", (("new", NEW), ("old", OLD))
    head, first, second, last = said().splitlines()
    assert head.split() == ["kid", "algorithm", "use", "fingerprint"]
    assert first.split()[:4] == ["new", "EdDSA", "signs,", "verifies"]
    assert second.split()[:3] == ["old", "EdDSA", "verifies"]
    assert last == (
        f"issuer and audience {PRODUCT.slug}; a key that signs no more can go after 600 s; refresh grace 0 s"
    )
    assert NEW not in said("list") and OLD not in said("list")


def test_the_command_makes_keys() -> None:
    kid, _, key = said("new", "2026b").strip().partition(":")
    assert (kid, len(key)) == ("2026b", 43)
