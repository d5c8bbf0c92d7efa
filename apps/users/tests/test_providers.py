"""Sign-in with an outside provider that this test runs itself: the accounts that it opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from apps.common.models import AuditEvent
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import PASSWORD, UserFactory, erase
from apps.users import exceptions, services
from apps.users.models import Identity, ProviderSignIn, Session, User
from apps.users.tests.test_second_factor import enrolled
from apps.users.types import Device, ProviderReturn
from infrastructure import oauth
from infrastructure.oauth import session
from infrastructure.oauth.tests import provider as running
from infrastructure.oauth.tests.provider import TestGitHub, TestProvider

pytestmark = pytest.mark.django_db
As = Callable[[User], Api]
PUBLIC, PRIVATE = "auth/oidc/henge/", "users/me/identities/henge/"


@pytest.fixture
def henge(settings: Any) -> Iterator[TestProvider]:
    with running.running() as provider:
        settings.OIDC_PROVIDERS = [provider.row()]
        yield provider
    session.forget()


def begun(api: Api, path: str = PUBLIC) -> dict[str, Any]:
    response = api.post(path + "start/")
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    assert set(answer) == {"authorization_url", "flow", "expires_in"}
    return answer


def back_from(henge: TestProvider, start: dict[str, Any]) -> dict[str, str]:
    return {"flow": start["flow"], **henge.consent(start["authorization_url"])}


def come_back(api: Api, henge: TestProvider, path: str = PUBLIC) -> Any:
    return api.post(path + "callback/", back_from(henge, begun(api, path)))


def test_a_new_identity_creates_an_account_and_signs_in_to_it_later(
    public: Api, henge: TestProvider, relay: Callable[[], list[mail.EmailMessage]]
) -> None:
    assert public.get("auth/oidc/").json() == {"providers": [{"name": "henge", "title": "Henge"}]}
    first = come_back(public, henge)
    assert first.status_code == 200
    user = User.objects.get()
    assert (user.email, user.name, user.is_verified, user.has_usable_password()) == (
        "ada@example.com",
        "Ada Lovelace",
        True,
        False,
    )
    pair = first.json()
    me = Api("private", {"Authorization": f"Bearer {pair['access']}"}).get("users/me/").json()
    assert me["id"] == str(user.pk)
    # The address changes at the provider; the subject stays.
    henge.claims |= {"email": "elsewhere@example.com", "email_verified": False}
    assert come_back(public, henge).status_code == 200
    assert User.objects.get().email == "ada@example.com"
    assert (Identity.objects.get().user, Session.objects.count()) == (user, 2)
    assert relay() == []
    assert list(AuditEvent.objects.order_by("id").values_list("action", "details")) == [
        ("users.identity_linked", {"provider": "henge"}),
        ("users.registered", {"provider": "henge"}),
        ("users.signed_in", {"by": "provider henge"}),
        ("users.signed_in", {"by": "provider henge"}),
    ]


def test_an_account_is_not_taken_over_by_an_address(public: Api, henge: TestProvider) -> None:
    owner = UserFactory.create(email="ada@example.com")
    for verified in (True, False):
        User.objects.filter(pk=owner.pk).update(email_verified_at=timezone.now() if verified else None)
        assert code_of(come_back(public, henge)) == (409, "account_exists")
    assert not Identity.objects.exists() and not Session.objects.exists()
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "claims",
    [{"email_verified": False}, {"email_verified": "true"}, {"email": None}, {"email": "no address"}],
    ids=str,
)
def test_an_unverified_address_creates_no_account(
    public: Api, henge: TestProvider, claims: dict[str, Any]
) -> None:
    henge.claims |= claims
    assert code_of(come_back(public, henge)) == (403, "provider_email_unverified")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("name", "kept"),
    [(None, "ada"), ("  ", "ada"), ("A\u202eda\n", "Ada"), ("x" * 300, "x" * 100), (5, "ada")],
)
def test_names_of_providers_are_corrected(public: Api, henge: TestProvider, name: Any, kept: str) -> None:
    henge.claims["name"] = name
    assert come_back(public, henge).status_code == 200
    assert User.objects.get().name == kept


def test_a_return_is_valid_once_and_in_its_browser(public: Api, henge: TestProvider) -> None:
    mine, other = begun(public), begun(public)
    body = back_from(henge, mine)
    refused = (401, "provider_sign_in_refused")
    path = PUBLIC + "callback/"
    # A callback of an attacker has another browser's state, or no flow of this one.
    assert code_of(public.post(path, body | {"flow": "x" * 43})) == refused
    assert code_of(public.post(path, body | {"flow": other["flow"]})) == refused
    assert public.post(path, body).status_code == 200
    assert code_of(public.post(path, body)) == refused
    assert User.objects.count() == Session.objects.count() == 1


def test_a_failed_return_is_used_up(public: Api, henge: TestProvider) -> None:
    body = back_from(henge, begun(public))
    path = PUBLIC + "callback/"
    assert code_of(public.post(path, body | {"state": "x"})) == (401, "provider_sign_in_refused")
    assert code_of(public.post(path, body)) == (401, "provider_sign_in_refused")
    assert "/token" not in henge.asked
    assert not User.objects.exists()


def test_mixed_up_providers_are_refused(public: Api, henge: TestProvider, settings: Any) -> None:
    with running.running() as evil:
        settings.OIDC_PROVIDERS = [henge.row(), evil.row(name="evil", title="Evil")]
        body = back_from(henge, begun(public))
        assert code_of(public.post("auth/oidc/evil/callback/", body)) == (401, "provider_sign_in_refused")
        body = {
            "flow": begun(public)["flow"],
            **evil.consent(begun(public, "auth/oidc/evil/")["authorization_url"]),
        }
        assert code_of(public.post(PUBLIC + "callback/", body)) == (401, "provider_sign_in_refused")
        start = begun(public)
        body = back_from(henge, start) | {"iss": evil.issuer}
        assert code_of(public.post(PUBLIC + "callback/", body)) == (401, "provider_sign_in_refused")
        assert "/token" not in henge.asked + evil.asked
    assert not User.objects.exists()


def test_a_return_expires(public: Api, henge: TestProvider) -> None:
    body = back_from(henge, begun(public))
    late = timezone.now() + timedelta(minutes=10)
    with pytest.raises(exceptions.ProviderSignInRefused):
        services.sign_in_with_provider(
            provider="henge", returned=ProviderReturn(**body), device=Device(), now=late
        )
    services.delete_expired(now=late)
    assert not ProviderSignIn.objects.exists()


@pytest.fixture
def github(settings: Any) -> Iterator[TestGitHub]:
    with running.running_github() as provider:
        settings.OIDC_PROVIDERS = [provider.row()]
        yield provider
    session.forget()


def test_github_opens_accounts_by_the_same_rules(public: Api, github: TestGitHub, private: As) -> None:
    path = "auth/oidc/github/"
    assert public.get("auth/oidc/").json() == {"providers": [{"name": "github", "title": "GitHub"}]}
    github.emails[1]["verified"] = False
    assert code_of(come_back(public, github, path)) == (403, "provider_email_unverified")
    github.emails[1]["verified"] = True
    owner = UserFactory.create(email="ada@example.com")
    assert code_of(come_back(public, github, path)) == (409, "account_exists")
    assert (User.objects.count(), Identity.objects.count(), Session.objects.count()) == (1, 0, 0)
    assert come_back(private(owner), github, "users/me/identities/github/").status_code == 201
    assert come_back(public, github, path).status_code == 200
    identity = Identity.objects.get()
    assert (identity.user, identity.issuer, identity.subject) == (
        owner,
        "https://github.com/login/oauth",
        "583231",
    )
    github.user["id"] = 583232
    github.emails[1]["email"] = "new@example.com"
    assert come_back(public, github, path).status_code == 200
    assert User.objects.exclude(pk=owner.pk).get().email == "new@example.com"


def test_stored_values_of_a_sign_in_are_useless_to_others(public: Api, henge: TestProvider) -> None:
    start = begun(public)
    row = ProviderSignIn.objects.values("digest", "state", "nonce").get()
    assert start["flow"] not in str(row)
    assert row["nonce"] in start["authorization_url"]
    assert ProviderSignIn.objects.get().verifier not in start["authorization_url"]


@pytest.mark.parametrize("end", ["inactive", "unverified"])
def test_an_account_that_may_not_sign_in_does_not(
    public: Api, henge: TestProvider, settings: Any, end: str
) -> None:
    come_back(public, henge)
    Session.objects.all().delete()
    if end == "inactive":
        User.objects.update(is_active=False)
    else:
        User.objects.update(email_verified_at=None)
        settings.REQUIRE_VERIFIED_EMAIL = True
    assert code_of(come_back(public, henge)) == (401, "provider_sign_in_refused")
    assert not Session.objects.exists()


def test_the_second_factor_is_required_after_a_provider(
    public: Api, private: As, henge: TestProvider
) -> None:
    user = UserFactory.create()
    assert come_back(private(user), henge, PRIVATE).status_code == 201
    codes = enrolled(user)
    answer = come_back(public, henge)
    assert answer.status_code == 202
    body = {"challenge": answer.json()["challenge"], "code": codes[0]}
    assert public.post("auth/login/second-factor/", body).status_code == 200


def test_providers_that_are_unknown_or_away(public: Api, private: As, user: User, settings: Any) -> None:
    settings.OIDC_PROVIDERS = [{"name": "away", "issuer": "http://127.0.0.1:9", "client_id": "x"}]
    body = {"flow": "x", "code": "x", "state": "x"}
    for api, root in ((public, "auth/oidc/"), (private(user), "users/me/identities/")):
        assert code_of(api.post(f"{root}unknown/start/")) == (404, "provider_unknown")
        assert code_of(api.post(f"{root}unknown/callback/", body)) == (404, "provider_unknown")
        away = api.post(f"{root}away/start/")
        assert code_of(away) == (503, "provider_unavailable")
        assert int(away["Retry-After"]) > 0
    session.forget()


def test_the_signed_in_user_links_an_identity(public: Api, private: As, henge: TestProvider) -> None:
    user, other = UserFactory.create(email="ada@example.com"), UserFactory.create()
    api = private(user)
    linked = come_back(api, henge, PRIVATE)
    assert linked.status_code == 201
    assert set(linked.json()) == {"id", "provider", "subject", "created_at", "last_used_at"}
    assert [row["subject"] for row in api.get("users/me/identities/").json()["results"]] == ["subject-1"]
    assert private(other).get("users/me/identities/").json()["results"] == []
    assert code_of(come_back(private(other), henge, PRIVATE)) == (409, "identity_taken")
    pair = come_back(public, henge).json()
    assert Api("private", {"Authorization": f"Bearer {pair['access']}"}).get("users/me/").json()["id"] == str(
        user.pk
    )


def test_the_owner_is_told_by_mail_of_a_linked_and_of_an_unlinked_provider(
    private: As, henge: TestProvider, relay: Callable[[], list[mail.EmailMessage]]
) -> None:
    user = UserFactory.create()
    api = private(user)
    identity = come_back(api, henge, PRIVATE).json()["id"]
    (linked,) = relay()
    assert (linked.to, linked.subject) == ([user.email], "Your account can be signed in to with a provider")
    assert api.delete(f"users/me/identities/{identity}/").status_code == 204
    (unlinked,) = relay()
    assert (unlinked.to, unlinked.subject) == ([user.email], "A provider was unlinked from your account")


def test_a_return_links_only_the_account_that_started(public: Api, private: As, henge: TestProvider) -> None:
    user, other = UserFactory.create(), UserFactory.create()
    refused = (401, "provider_sign_in_refused")
    body = back_from(henge, begun(private(user), PRIVATE))
    assert code_of(private(other).post(PRIVATE + "callback/", body)) == refused
    assert code_of(public.post(PUBLIC + "callback/", body)) == refused
    body = back_from(henge, begun(public))
    assert code_of(private(user).post(PRIVATE + "callback/", body)) == refused
    assert not Identity.objects.exists()


def test_an_identity_is_unlinked_unless_it_is_the_only_way_in(
    public: Api, private: As, henge: TestProvider
) -> None:
    user, other = UserFactory.create(), UserFactory.create()
    identity = come_back(private(user), henge, PRIVATE).json()["id"]
    path = f"users/me/identities/{identity}/"
    assert code_of(private(other).delete(path)) == (404, "identity_not_found")
    user.set_unusable_password()
    user.save()
    assert code_of(private(user).delete(path)) == (409, "last_way_in")
    assert Identity.objects.exists()
    user.set_password(PASSWORD)
    user.save()
    assert private(user).delete(path).status_code == 204
    assert not Identity.objects.exists()
    henge.claims["email"] = "another@example.com"
    assert come_back(public, henge).status_code == 200
    assert Identity.objects.get().user not in (user, other)


def test_a_page_of_identities_costs_two_queries(
    private: As, user: User, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        Identity.objects.create(user=user, provider="henge", issuer="https://x.example", subject=str(number))
    api = private(user)
    api.get("users/me/identities/")
    with django_assert_num_queries(2):
        assert len(api.get("users/me/identities/").json()["results"]) == 3


def test_attempts_are_limited(public: Api, henge: TestProvider, settings: Any, clean_limits: None) -> None:
    settings.IDENTITY_LIMITS = {"oidc": {"address": ("2/minute",)}}
    assert [public.post(PUBLIC + "start/").status_code for _ in range(3)] == [200, 200, 429]


def test_erasure_deletes_identities(public: Api, henge: TestProvider) -> None:
    come_back(public, henge)
    user = User.objects.get()
    erase(user)
    assert not Identity.objects.exists()
    assert come_back(public, henge).status_code == 200
    assert User.objects.filter(erased_at=None).get() != user


def test_two_concurrent_returns_of_one_identity_create_one_account(
    public: Api, henge: TestProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = back_from(henge, begun(public))
    real = oauth.finish

    def other_is_faster(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(oauth, "finish", real)
        assert come_back(public, henge).status_code == 200
        return real(*arguments, **named)

    monkeypatch.setattr(oauth, "finish", other_is_faster)
    assert public.post(PUBLIC + "callback/", body).status_code == 200
    assert User.objects.count() == 1
