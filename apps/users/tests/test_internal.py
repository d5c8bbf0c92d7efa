"""The internal zone: calls of services about tokens and accounts, and the visibility of accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.api import services as keys
from apps.common.callers import ANONYMOUS, Caller, CallerKind
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import AdminFactory, UserFactory, access_token_for, bearer, caller_for
from apps.users import exceptions, policies, selectors, services
from apps.users.models import Session, User

pytestmark = pytest.mark.django_db
NOTHING = {"active": False, "sub": None, "sid": None, "exp": None, "role": None}


@pytest.fixture
def service() -> Api:
    made = keys.create_key(name="robot", scopes=["*"])
    return Api("internal", {"Authorization": f"Api-Key {made.plain}"})


def test_an_active_token_is_described(service: Api, user: User) -> None:
    token = access_token_for(user)
    claims = selectors.access_tokens().read(token)
    response = service.post("tokens/introspect/", {"token": token})
    assert response.status_code == 200
    assert response.json() == {
        "active": True,
        "sub": str(user.pk),
        "sid": str(Session.objects.get().pk),
        "exp": claims.expires_at,
        "role": "user",
    }


def test_any_other_token_is_only_inactive(service: Api, user: User) -> None:
    ended = access_token_for(user)
    services.logout_everywhere(actor=caller_for(user))
    expired = selectors.access_tokens().issue(user.pk, uuid4(), timedelta(seconds=-1))
    for token in (ended, expired, "x", "a.b.c", "\u00e9", "x" * 4096):
        response = service.post("tokens/introspect/", {"token": token})
        assert (response.status_code, response.json()) == (200, NOTHING), token
    assert code_of(service.post("tokens/introspect/", {"token": "x" * 4097})) == (400, "invalid_input")


def test_an_account_as_services_see_it(service: Api, user: User) -> None:
    answer = service.get(f"users/{user.pk}/")
    assert answer.status_code == 200
    assert set(answer.json()) == {
        "id", "email", "name", "role", "created_at", "email_verified", "avatar", "is_active",
    }  # fmt: skip
    assert code_of(service.get(f"users/{uuid4()}/")) == (404, "user_not_found")


def test_users_cannot_call_the_internal_zone(user: User) -> None:
    for other in (Api("internal"), Api("internal", bearer(AdminFactory.create()))):
        assert code_of(other.get(f"users/{user.pk}/"))[0] in (401, 403)
        assert code_of(other.post("tokens/introspect/", {"token": "x"}))[0] in (401, 403)


def test_visibility_of_accounts(user: User) -> None:
    other = uuid4()
    robot = Caller(kind=CallerKind.SERVICE, service="robot")
    boss = caller_for(AdminFactory.create())
    assert [
        policies.may_see(actor=actor, user_id=user_id)
        for actor in (ANONYMOUS, caller_for(user), boss, robot)
        for user_id in (user.pk, other)
    ] == [False, False, True, False, True, True, True, True]


def test_names_include_erased_accounts(user: User, django_assert_num_queries: Any) -> None:
    gone = UserFactory.create(name="Gone")
    services.erase_user(actor=caller_for(AdminFactory.create()), user_id=gone.pk)
    with django_assert_num_queries(1):
        assert selectors.names_of([user.pk, gone.pk, uuid4(), user.pk]) == {
            user.pk: user.name,
            gone.pk: "Deleted account",
        }
    with django_assert_num_queries(0):
        assert selectors.names_of([]) == {}


def test_selectors_write_nothing(user: User, django_assert_num_queries: Any) -> None:
    boss, token = caller_for(AdminFactory.create()), access_token_for(user)
    session = Session.objects.get(user=user)
    # The eighth reads the permissions of the role: no authenticator created this caller.
    with django_assert_num_queries(8) as captured:
        selectors.authenticate_access(token=token)
        selectors.introspect(token=token)
        selectors.list_dead_sessions(session_ids=[session.pk])
        selectors.get_user_for(actor=boss, user_id=user.pk)
        selectors.names_of([user.pk])
        list(selectors.list_users())
        selectors.get_session_of(user=user, session_id=session.pk, now=timezone.now())
    assert all(query["sql"].startswith("SELECT") for query in captured.captured_queries)


def test_erased_accounts_are_not_found(user: User) -> None:
    services.erase_user(actor=caller_for(AdminFactory.create()), user_id=user.pk)
    with pytest.raises(exceptions.UserNotFound):
        selectors.get_user(user_id=user.pk)
