"""Sessions: continued by refresh tokens that work once, and ended finally."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.common.models import OutboxEvent
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import PASSWORD, UserFactory, caller_for, pair_for, session_for
from apps.users import exceptions, selectors, services
from apps.users.models import RefreshToken, Session, SessionEnd, User
from apps.users.services import sessions
from apps.users.types import Device, TokenPair

Told = list[tuple[str, dict[str, str]]]
As = Callable[[User], Api]


def is_live(pair: TokenPair) -> bool:
    try:
        selectors.authenticate_access(token=pair.access)
    except exceptions.SessionEnded:
        return False
    return True


@pytest.mark.django_db
def test_a_refresh_token_is_traded_for_a_new_pair(public: Api, user: User) -> None:
    first = pair_for(user)
    before = Session.objects.get()
    response = public.post("auth/refresh/", {"refresh": first.refresh})
    assert response.status_code == 200
    second = response.json()
    assert set(second) == {"access", "refresh", "token_type", "expires_in"}
    assert second["refresh"] != first.refresh
    after = Session.objects.get()
    assert after.pk == before.pk
    assert after.last_seen_at > before.last_seen_at
    assert after.expires_at > before.expires_at
    assert [token.used_at is None for token in RefreshToken.objects.order_by("id")] == [False, True]
    assert is_live(first)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["access", "unknown", "long", "another"])
def test_other_tokens_are_refused(public: Api, user: User, kind: str) -> None:
    pair = pair_for(user)
    token = {"access": pair.access, "unknown": "x", "long": "x" * 4096, "another": pair.refresh[:-1]}[kind]
    assert code_of(public.post("auth/refresh/", {"refresh": token})) == (401, "refresh_token_invalid")
    assert public.post("auth/logout/", {"refresh": token}).status_code == 204
    assert is_live(pair)


@pytest.mark.django_db
def test_reuse_ends_the_session_and_all_its_tokens(
    public: Api,
    user: User,
    pushed: Told,
    relay: Callable[[], list[mail.EmailMessage]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    other = pair_for(user)
    first = pair_for(user)
    second = services.refresh(refresh_token=first.refresh)
    third = services.refresh(refresh_token=second.refresh)
    assert is_live(third)
    with django_capture_on_commit_callbacks(execute=True):
        assert code_of(public.post("auth/refresh/", {"refresh": first.refresh})) == (
            401,
            "refresh_token_invalid",
        )
    assert [is_live(pair) for pair in (first, second, third, other)] == [False, False, False, True]
    for pair in (first, second, third):
        with pytest.raises(exceptions.RefreshTokenRefused):
            services.refresh(refresh_token=pair.refresh)
    session = Session.objects.get(end_reason=SessionEnd.REUSED)
    assert pushed == [(f"session:{session.pk}", {"type": "session.ended"})]
    assert [event.name for event in OutboxEvent.objects.all()] == ["users.refresh_token_reused"]
    assert [message.subject for message in relay()] == ["A device was signed out"]


@pytest.mark.django_db
def test_reuse_within_an_idempotent_call_is_not_rolled_back(public: Api, user: User) -> None:
    first = pair_for(user)
    second = services.refresh(refresh_token=first.refresh)
    response = public.post(
        "auth/refresh/", {"refresh": first.refresh}, **{"Idempotency-Key": "the-same-call"}
    )
    assert code_of(response) == (401, "refresh_token_invalid")
    assert not is_live(second)


@pytest.mark.django_db
def test_a_lost_answer_is_repeated_by_its_idempotency_key(public: Api, user: User) -> None:
    first = pair_for(user)
    answers = [
        public.post(
            "auth/refresh/", {"refresh": first.refresh}, **{"Idempotency-Key": "the-same-call"}
        ).json()
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert public.post("auth/refresh/", {"refresh": answers[0]["refresh"]}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_20_concurrent_refreshes_at_most_one_lineage_stays_live() -> None:
    for _ in range(3):
        user = UserFactory.create()
        first = pair_for(user)
        barrier = threading.Barrier(20)

        def trade(
            _: int, token: str = first.refresh, barrier: threading.Barrier = barrier
        ) -> TokenPair | None:
            try:
                barrier.wait(10)
                return services.refresh(refresh_token=token)
            except exceptions.RefreshTokenRefused:
                return None
            finally:
                connection.close()

        with ThreadPoolExecutor(20) as pool:
            pairs = [pair for pair in pool.map(trade, range(20)) if pair is not None]
        assert len(pairs) == 1
        assert not is_live(pairs[0])
        assert RefreshToken.objects.filter(session__user=user).count() == 2
        with pytest.raises(exceptions.RefreshTokenRefused):
            services.refresh(refresh_token=pairs[0].refresh)


@pytest.mark.django_db(transaction=True)
def test_a_refresh_during_a_logout_leaves_no_live_token() -> None:
    for _ in range(10):
        first = pair_for(UserFactory.create())
        barrier = threading.Barrier(2)
        made: list[TokenPair] = []

        def trade(
            token: str = first.refresh, barrier: threading.Barrier = barrier, made: list[TokenPair] = made
        ) -> None:
            barrier.wait(10)
            try:
                made.append(services.refresh(refresh_token=token))
            except exceptions.RefreshTokenRefused:
                pass
            finally:
                connection.close()

        thread = threading.Thread(target=trade)
        thread.start()
        barrier.wait(10)
        services.logout(refresh_token=first.refresh)
        thread.join()
        assert not is_live(first)
        for pair in made:
            assert not is_live(pair)
            with pytest.raises(exceptions.RefreshTokenRefused):
                services.refresh(refresh_token=pair.refresh)


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["", "x", "\u00e9" * 50, "a.b.c", "x" * 201, 5, None, ["x"]])
def test_malformed_refresh_tokens_are_refused(public: Api, token: Any) -> None:
    response = public.post("auth/refresh/", {"refresh": token})
    assert code_of(response) in {(401, "refresh_token_invalid"), (400, "invalid_input")}


@pytest.mark.django_db
def test_one_kind_of_token_is_not_accepted_as_another(public: Api, user: User) -> None:
    pair = pair_for(user)
    refused = Api("private", {"Authorization": f"Bearer {pair.refresh}"}).get("users/me/")
    assert code_of(refused) == (401, "token_invalid")
    with pytest.raises(exceptions.RefreshTokenRefused):
        services.refresh(refresh_token=pair.access)
    assert is_live(pair)


@pytest.mark.django_db
def test_a_refresh_token_expires_and_ends_with_its_account(user: User) -> None:
    pair = pair_for(user)
    with pytest.raises(exceptions.RefreshTokenRefused):
        services.refresh(refresh_token=pair.refresh, now=timezone.now() + timedelta(days=15))
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(exceptions.RefreshTokenRefused):
        services.refresh(refresh_token=pair.refresh)
    assert not is_live(pair)


@pytest.mark.django_db
@pytest.mark.parametrize("grace", [0, 5])
def test_a_session_ends_at_its_maximum_age_in_spite_of_renewals(
    user: User, settings: Any, grace: int
) -> None:
    settings.SESSION_LIFETIME, settings.REFRESH_GRACE = timedelta(days=30), timedelta(seconds=grace)
    pair, start = pair_for(user), Session.objects.get().created_at
    for day in (10, 20, 29):
        for _ in range(1 + (grace > 0)):  # the second time within the grace
            pair_of_day = services.refresh(refresh_token=pair.refresh, now=start + timedelta(days=day))
        pair = pair_of_day
    assert Session.objects.get().expires_at == start + timedelta(days=30)
    assert RefreshToken.objects.get(used_at=None).expires_at == start + timedelta(days=30)
    with pytest.raises(exceptions.RefreshTokenRefused):
        services.refresh(refresh_token=pair.refresh, now=start + timedelta(days=30))
    settings.SESSION_LIFETIME = timedelta(hours=1)
    pair_for(user)
    session = Session.objects.order_by("-created_at")[0]
    assert session.expires_at == session.created_at + timedelta(hours=1)


@pytest.mark.django_db
def test_the_database_keeps_one_unused_token_a_session(user: User) -> None:
    session = session_for(user)
    expires = timezone.now() + timedelta(days=1)
    RefreshToken.objects.create(session=session, digest=b"1", expires_at=expires)
    with pytest.raises(IntegrityError, match="one_unused"), transaction.atomic():
        RefreshToken.objects.create(session=session, digest=b"2", expires_at=expires)


@pytest.mark.django_db
def test_logout_ends_the_session_of_any_of_its_tokens(
    public: Api, user: User, pushed: Told, django_capture_on_commit_callbacks: Any
) -> None:
    other, first = pair_for(user), pair_for(user)
    second = services.refresh(refresh_token=first.refresh)
    with django_capture_on_commit_callbacks(execute=True):
        assert public.post("auth/logout/", {"refresh": first.refresh}).status_code == 204
    assert [is_live(pair) for pair in (other, first, second)] == [True, False, False]
    session = Session.objects.get(end_reason=SessionEnd.LOGOUT)
    assert pushed == [(f"session:{session.pk}", {"type": "session.ended"})]
    assert public.post("auth/logout/", {"refresh": first.refresh}).status_code == 204
    assert public.post("auth/logout/", {"refresh": "unknown"}).status_code == 204


@pytest.mark.django_db
def test_sessions_are_listed_for_their_owner(private: As, user: User) -> None:
    session_for(UserFactory.create())
    over = session_for(user)
    Session.objects.filter(pk=over.pk).update(expires_at=timezone.now())
    services.login(
        email=user.email, password=PASSWORD, device=Device(address="2001:db8::/64", user_agent="Circle/1")
    )
    response = private(user).get("users/me/sessions/")
    page = response.json()
    assert response.status_code == 200
    assert set(page) == {"next", "previous", "results"}
    assert [(row["user_agent"], row["network"], row["is_current"]) for row in page["results"]] == [
        ("", "", True),
        ("Circle/1", "2001:db8::/64", False),
    ]
    assert set(page["results"][0]) == {
        "id", "user_agent", "network", "created_at", "last_seen_at", "expires_at", "is_current",
    }  # fmt: skip


@pytest.mark.django_db
def test_a_page_of_sessions_costs_two_queries(
    private: As, user: User, django_assert_num_queries: Any
) -> None:
    for _ in range(30):
        session_for(user)
    api = private(user)
    api.get("users/me/sessions/")
    with django_assert_num_queries(2):
        page = api.get("users/me/sessions/").json()
    assert len(page["results"]) == 20
    assert page["next"] is not None


@pytest.mark.django_db
def test_a_user_ends_one_session(private: As, user: User) -> None:
    pair, theirs = pair_for(user), session_for(UserFactory.create())
    session = Session.objects.get(user=user)
    api = private(user)
    assert code_of(api.delete(f"users/me/sessions/{theirs.pk}/")) == (404, "session_not_found")
    assert Session.objects.get(pk=theirs.pk).ended_at is None
    assert api.delete(f"users/me/sessions/{session.pk}/").status_code == 204
    assert not is_live(pair)
    assert code_of(api.delete(f"users/me/sessions/{session.pk}/")) == (404, "session_not_found")
    session.refresh_from_db()
    assert session.end_reason == SessionEnd.REVOKED


@pytest.mark.django_db
def test_all_sessions_are_ended(
    private: As, user: User, pushed: Told, django_capture_on_commit_callbacks: Any
) -> None:
    pairs = [pair_for(user) for _ in range(3)]
    theirs = pair_for(UserFactory.create())
    api = private(user)
    with django_capture_on_commit_callbacks(execute=True):
        assert api.post("users/me/logout-all/").status_code == 204
    assert not any(is_live(pair) for pair in pairs)
    assert is_live(theirs)
    assert len(pushed) == 4
    assert code_of(api.get("users/me/")) == (401, "session_ended")


@pytest.mark.django_db
def test_ending_an_ended_session_notifies_no_socket(
    user: User, pushed: Told, django_capture_on_commit_callbacks: Any
) -> None:
    actor = caller_for(user)
    with django_capture_on_commit_callbacks(execute=True):
        services.logout_everywhere(actor=actor)
        services.logout_everywhere(actor=actor)
    assert len(pushed) == 1


@pytest.mark.django_db
def test_ended_sessions_are_distinguished_from_live_ones(user: User, django_assert_num_queries: Any) -> None:
    live, logged_out, expired, unknown = (session_for(user) for _ in range(4))
    of_inactive = session_for(UserFactory.create(is_active=False))
    sessions.end_sessions(
        sessions=Session.objects.filter(pk=logged_out.pk), reason=SessionEnd.LOGOUT, now=timezone.now()
    )
    Session.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    unknown_id = unknown.pk
    unknown.delete()
    asked = {live.pk, logged_out.pk, expired.pk, unknown_id, of_inactive.pk}
    with django_assert_num_queries(1):
        assert selectors.list_dead_sessions(session_ids=asked) == asked - {live.pk}
    with django_assert_num_queries(0):
        assert selectors.list_dead_sessions(session_ids=[]) == set()
