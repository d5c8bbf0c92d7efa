"""Authentication: bearer tokens over HTTP, its cost, and the admin site's cookie."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone

from apps.common.callers import CallerKind
from apps.common.exceptions import NotAuthenticated
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import UserFactory, access_token_for, session_for
from apps.users import exceptions, selectors
from apps.users.authentication import authenticate_bearer, authenticate_session
from apps.users.models import Session, SessionEnd, User
from apps.users.selectors import authentication
from apps.users.types import SessionUser
from infrastructure import token as tokens
from infrastructure.crypto import DecryptionError
from infrastructure.token.tests import test_jwt as forgery

pytestmark = pytest.mark.django_db


def test_a_live_token_is_its_user(user: User) -> None:
    caller = selectors.authenticate_access(token=access_token_for(user))
    session = Session.objects.get()
    assert (caller.kind, caller.user, caller.session_id) == (CallerKind.USER, user, session.pk)
    assert type(caller.user) is User
    assert not caller.user._state.adding
    loaded = User.objects.get(pk=user.pk)
    for field in User._meta.concrete_fields:
        assert getattr(caller.user, field.attname) == getattr(loaded, field.attname), field.attname


def test_it_runs_one_prepared_query(user: User, django_assert_num_queries: Any) -> None:
    token = access_token_for(user)
    for _ in range(4):
        selectors.authenticate_access(token=token)
    with django_assert_num_queries(1) as captured:
        caller = selectors.authenticate_access(token=token)
        assert (caller.user.email, caller.user.role) == (user.email, "user")
    assert "password" not in captured.captured_queries[0]["sql"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%users_session%ended_at%IS NULL%'"
        )
        assert cursor.fetchone()[0] >= 1


@pytest.mark.parametrize("phone", [None, "+44 20 7946 0958"])
def test_me_costs_one_query(
    private: Callable[[User], Api], phone: str | None, django_assert_num_queries: Any
) -> None:
    api = private(UserFactory.create(phone=phone))
    api.get("users/me/")
    with django_assert_num_queries(1):
        assert api.get("users/me/").json()["phone"] == phone


def test_an_encrypted_value_is_decrypted_on_access_and_bound_to_its_row(user: User) -> None:
    other = UserFactory.create(phone="5550100")
    caller = selectors.authenticate_access(token=access_token_for(other))
    assert "phone" in caller.user.get_deferred_fields()
    assert (caller.user.phone, caller.user.phone) == ("5550100", "5550100")
    assert "phone" not in caller.user.get_deferred_fields()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE users_user SET phone = other.phone, phone_index = other.phone_index"
            " FROM users_user AS other WHERE users_user.id = %s AND other.id = %s",
            [user.pk, other.pk],
        )
    caller = selectors.authenticate_access(token=access_token_for(user))
    with pytest.raises(DecryptionError):
        _ = caller.user.phone


def test_a_column_that_needs_a_conversion_is_refused_in_the_statement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authentication._statement.cache_clear()
    monkeypatch.setattr(authentication, "LEFT_OUT", ("password",))
    try:
        with pytest.raises(TypeError, match="LEFT_OUT"):
            authentication._statement()
    finally:
        authentication._statement.cache_clear()


def test_ended_sessions_and_accounts_are_refused(user: User) -> None:
    session = session_for(user)
    lifetime = timedelta(minutes=5)
    issue = selectors.access_tokens().issue
    good = issue(user.pk, session.pk, lifetime)
    other = UserFactory.create()
    for token in (
        issue(user.pk, uuid4(), lifetime),
        issue(uuid4(), session.pk, lifetime),
        issue(other.pk, session.pk, lifetime),
    ):
        with pytest.raises(exceptions.SessionEnded):
            selectors.authenticate_access(token=token)
    selectors.authenticate_access(token=good)
    with pytest.raises(exceptions.SessionEnded):
        selectors.authenticate_access(token=good, now=session.expires_at)
    Session.objects.filter(pk=session.pk).update(ended_at=timezone.now(), end_reason="logout")
    with pytest.raises(exceptions.SessionEnded):
        selectors.authenticate_access(token=good)
    Session.objects.filter(pk=session.pk).update(ended_at=None, end_reason="")
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(exceptions.SessionEnded):
        selectors.authenticate_access(token=good)


def genuine(user: User, settings: Any, **header: Any) -> dict[str, Any]:
    """The claims of a valid token."""
    now = int(timezone.now().timestamp())
    session = session_for(user)
    names = {"iss": settings.JWT_ISSUER, "aud": settings.JWT_AUDIENCE}
    return {**names, "sub": str(user.pk), "sid": str(session.pk), "iat": now, "nbf": now, "exp": now + 600}


def test_every_forgery_is_401(user: User, settings: Any) -> None:
    ((kid, key),) = settings.JWT_KEYS
    claims = genuine(user, settings)
    good = forgery.forged({"kid": kid}, claims, key=key)
    assert Api("private", {"Authorization": f"Bearer {good}"}).get("users/me/").status_code == 200
    far = {"nbf": claims["nbf"] + 3600}, {"iat": claims["iat"] + 3600}
    headers = [header for header in forgery.HEADERS if header.get("kid") != kid]
    bodies = [
        body for body in forgery.CLAIMS if not {"nbf", "iat", "exp"} & set(body) or None in body.values()
    ]
    attempts = [
        *(forgery.forged({"kid": kid} | header, claims, key=key) for header in headers),
        *(forgery.forged({"kid": kid}, claims | body, key=key) for body in (*bodies, *far)),
        *(
            forgery.forged({"kid": kid}, claims, key=other)
            for other in ("", kid, key[:-1], settings.SECRET_KEY)
        ),
    ]
    assert len(attempts) > 45
    for token in attempts:
        response = Api("private", {"Authorization": f"Bearer {token}"}).get("users/me/")
        assert code_of(response) == (401, "token_invalid"), token
        assert response["WWW-Authenticate"].startswith("Bearer")
    expired = forgery.forged(
        {"kid": kid}, claims | {"exp": claims["iat"] - 1, "iat": claims["iat"] - 9, "nbf": 0}, key=key
    )
    assert code_of(Api("private", {"Authorization": f"Bearer {expired}"}).get("users/me/")) == (
        401,
        "token_expired",
    )


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "bearer x", "Bearer x y", "Bearer \u00e9", "BEARER a.b.c"]
)
def test_bad_bearer_headers_are_401(header: str) -> None:
    assert code_of(Api("private", {"Authorization": header}).get("users/me/")) == (401, "token_invalid")


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearerx", "Token x"])
def test_other_schemes_are_anonymous(header: str) -> None:
    assert authenticate_bearer(RequestFactory().get("/", headers={"Authorization": header})) is None
    assert code_of(Api("private", {"Authorization": header}).get("users/me/")) == (401, "not_authenticated")


def test_the_scheme_has_any_case(user: User) -> None:
    assert (
        Api("private", {"Authorization": f"bEARER {access_token_for(user)}"}).get("users/me/").status_code
        == 200
    )


def test_a_bad_token_in_the_public_zone_is_refused_too(public: Api) -> None:
    assert code_of(public.post("auth/logout/", {"refresh": "x"}, Authorization="Bearer x")) == (
        401,
        "token_invalid",
    )


def test_the_cookie_of_the_admin_site_identifies_a_caller(user: User) -> None:
    request = RequestFactory().get("/")
    assert authenticate_session(request) is None
    request.user = AnonymousUser()
    assert authenticate_session(request) is None
    request.user = user
    caller = authenticate_session(request)
    assert caller is not None
    assert (caller.kind, caller.user, caller.session_id) == (CallerKind.USER, user, None)


def test_the_settings_say_keys_issuer_and_audience(settings: Any) -> None:
    reader = selectors.access_tokens()
    good = reader.issue(uuid4(), uuid4(), timedelta(minutes=1))
    assert selectors.access_tokens() is reader
    reader.read(good)
    settings.JWT_KEYS = (("k9", "0123456789abcdefghijklmnopqrstuvwxyz0123456789"),)
    with pytest.raises(tokens.TokenInvalid):
        selectors.access_tokens().read(good)


def test_many_tokens_are_checked_like_single_ones(django_assert_num_queries: Any) -> None:
    ada, ended, inactive = (UserFactory.create() for _ in range(3))
    tokens_of = {user: access_token_for(user) for user in (ada, ended, inactive)}
    Session.objects.filter(user=ended).update(ended_at=timezone.now(), end_reason=SessionEnd.LOGOUT)
    type(inactive).objects.filter(pk=inactive.pk).update(is_active=False)
    session_id = Session.objects.get(user=ada).pk
    # Genuine, but for another user's session.
    forged = selectors.access_tokens().issue(ended.pk, session_id, timedelta(minutes=1))
    late = selectors.access_tokens().issue(ada.pk, session_id, timedelta(seconds=-1))
    given = [tokens_of[ada], "", "x.y.z", tokens_of[ended], tokens_of[inactive], forged, late]
    given += [tokens_of[ada], "a" * 5000]
    mine = SessionUser(user_id=ada.pk, name=ada.name, session_id=session_id)
    with django_assert_num_queries(1):
        judged = selectors.list_session_users(proofs=given)
    assert judged == [mine, None, None, None, None, None, None, mine, None]
    for one, found in zip(given, judged, strict=True):
        if found is None:
            with pytest.raises(NotAuthenticated):
                selectors.authenticate_access(token=one)
    with django_assert_num_queries(0):
        assert selectors.list_session_users(proofs=["", "no"]) == [None, None]
