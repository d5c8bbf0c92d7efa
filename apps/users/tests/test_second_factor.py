"""The second factor: setup, sign-in, single use of codes, loss, and removal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.common.models import AuditEvent
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import (
    PASSWORD,
    AdminFactory,
    UserFactory,
    caller_for,
    erase,
    pair_for,
    session_for,
)
from apps.users import exceptions, selectors, services
from apps.users.models import OneTimeToken, RecoveryCode, SecondFactor, Session, User
from apps.users.tests.test_admin_site import sign_in
from apps.users.types import Challenge, Device, TokenPair
from infrastructure.token import totp

As = Callable[[User], Api]
HERE = Device(address="192.0.2.1")
NEW = "another circle, far away"


def code(user: User, *, ahead: int = 0, now: datetime | None = None) -> str:
    """The code of the account's app, some steps from now."""
    step = int((now or timezone.now()).timestamp()) // totp.STEP + ahead
    return totp.code_of(SecondFactor.objects.get(user=user).secret, step)


def enrolled(user: User) -> list[str]:
    """Set it up, with a code of the step before, so that the current one is fresh. The recovery codes."""
    actor = caller_for(user)
    services.begin_second_factor(actor=actor, current_password=PASSWORD, device=HERE)
    codes = services.confirm_second_factor(actor=actor, code=code(user, ahead=-1), device=HERE)
    user.refresh_from_db()
    return codes


def challenge_of(user: User, password: str = PASSWORD) -> str:
    answer = services.login(email=user.email, password=password, device=HERE)
    assert isinstance(answer, Challenge)
    return answer.challenge


def is_live(pair: TokenPair) -> bool:
    try:
        selectors.authenticate_access(token=pair.access)
    except exceptions.SessionEnded:
        return False
    return True


@pytest.mark.django_db
def test_it_is_set_up_with_the_password_and_a_code(
    private: As, user: User, relay: Callable[[], list[mail.EmailMessage]]
) -> None:
    other = pair_for(user)
    api = private(user)
    path = "users/me/second-factor/"
    off = {"is_enabled": False, "enabled_at": None, "recovery_codes_left": 0}
    assert api.get(path).json() == off
    assert code_of(api.post(path + "confirm/", {"code": "123456"})) == (409, "second_factor_missing")
    assert code_of(api.post(path, {"current_password": "wrong"})) == (403, "wrong_password")
    assert not SecondFactor.objects.exists()
    first = api.post(path, {"current_password": PASSWORD})
    begun = api.post(path, {"current_password": PASSWORD}).json()
    assert first.status_code == 201
    assert set(begun) == {"secret", "uri", "qr_code"} and first.json()["secret"] != begun["secret"]
    assert f"secret={begun['secret']}" in begun["uri"]
    assert begun["qr_code"] == totp.qr_code(begun["uri"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM users_secondfactor")
        assert begun["secret"] not in cursor.fetchone()[0]
    assert code_of(api.post(path + "confirm/", {"code": "000000"})) == (403, "wrong_code")
    assert api.get(path).json() == off
    confirmed = api.post(path + "confirm/", {"code": code(user)})
    assert confirmed.status_code == 200
    codes = confirmed.json()["recovery_codes"]
    assert len(set(codes)) == 10
    assert confirmed["Cache-Control"] == "no-store"
    stored = {bytes(row.digest) for row in RecoveryCode.objects.all()}
    assert len(stored) == 10 and not any(shown.encode() in stored for shown in codes)
    state = api.get(path).json()
    assert (state["is_enabled"], state["recovery_codes_left"]) == (True, 10)
    assert not is_live(other)
    assert api.get("users/me/").status_code == 200
    assert code_of(api.post(path, {"current_password": PASSWORD})) == (409, "second_factor_enabled")
    assert code_of(api.post(path + "confirm/", {"code": code(user)})) == (409, "second_factor_enabled")
    assert [message.subject for message in relay()] == ["Your account has a second factor"]
    assert list(AuditEvent.objects.values_list("action", "target_id")) == [
        ("users.second_factor_enabled", str(user.pk))
    ]


@pytest.mark.django_db
def test_signing_in_requires_both_factors(public: Api, user: User) -> None:
    enrolled(user)
    before = Session.objects.count()
    answer = public.post("auth/login/", {"email": user.email, "password": PASSWORD})
    assert answer.status_code == 202
    body = answer.json()
    assert (set(body), body["methods"], body["expires_in"]) == (
        {"challenge", "methods", "expires_in"},
        ["totp", "recovery_code"],
        300,
    )
    assert Session.objects.count() == before
    as_token = Api("private", {"Authorization": f"Bearer {body['challenge']}"})
    assert code_of(as_token.get("users/me/")) == (401, "token_invalid")
    assert code_of(public.post("auth/refresh/", {"refresh": body["challenge"]})) == (
        401,
        "refresh_token_invalid",
    )
    path = "auth/login/second-factor/"
    wrong = public.post(path, {"challenge": body["challenge"], "code": "000000"})
    assert code_of(wrong) == (401, "second_factor_refused")
    pair = public.post(path, {"challenge": body["challenge"], "code": code(user)})
    assert pair.status_code == 200
    assert (
        Api("private", {"Authorization": f"Bearer {pair.json()['access']}"}).get("users/me/").status_code
        == 200
    )
    again = public.post(path, {"challenge": body["challenge"], "code": code(user, ahead=1)})
    assert code_of(again) == (401, "challenge_invalid")
    assert Session.objects.count() == before + 1
    assert list(AuditEvent.objects.order_by("id").values_list("action", "details"))[1:] == [
        ("users.second_factor_refused", {}),
        ("users.signed_in", {"by": "totp"}),
    ]


@pytest.mark.django_db
def test_a_wrong_password_does_not_reveal_the_second_factor(public: Api, user: User) -> None:
    enrolled(user)
    wrong = public.post("auth/login/", {"email": user.email, "password": "wrong and wrong"})
    assert code_of(wrong) == (401, "invalid_credentials")
    assert not OneTimeToken.objects.exists()


@pytest.mark.django_db
def test_a_code_works_once_and_older_codes_never_after_it(user: User) -> None:
    enrolled(user)
    services.complete_login(challenge=challenge_of(user), code=code(user, ahead=1), device=HERE)
    for ahead in (1, 0, -1):
        with pytest.raises(exceptions.SecondFactorRefused):
            services.complete_login(challenge=challenge_of(user), code=code(user, ahead=ahead), device=HERE)


@pytest.mark.django_db(transaction=True)
def test_of_many_concurrent_uses_of_a_code_one_succeeds() -> None:
    user = UserFactory.create()
    codes = enrolled(user)
    for shown in (code(user), codes[0]):
        challenges = [challenge_of(user) for _ in range(8)]
        barrier = threading.Barrier(8)

        def come(challenge: str, shown: str = shown, barrier: threading.Barrier = barrier) -> bool:
            try:
                barrier.wait(10)
                services.complete_login(challenge=challenge, code=shown, device=HERE)
            except exceptions.SecondFactorRefused:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(come, challenges)) == 1


@pytest.mark.django_db
def test_a_recovery_code_works_once_however_it_is_typed(
    user: User, relay: Callable[[], list[mail.EmailMessage]]
) -> None:
    codes = enrolled(user)
    relay()
    typed = codes[3].lower().replace("-", " ")
    services.complete_login(challenge=challenge_of(user), code=typed, device=HERE)
    assert selectors.get_second_factor_state(user=user).recovery_codes_left == 9
    with pytest.raises(exceptions.SecondFactorRefused):
        services.complete_login(challenge=challenge_of(user), code=codes[3], device=HERE)
    assert [message.subject for message in relay()] == ["A recovery code was used"]
    other = UserFactory.create()
    enrolled(other)
    with pytest.raises(exceptions.SecondFactorRefused):
        services.complete_login(challenge=challenge_of(other), code=codes[4], device=HERE)


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["late", "password", "logout-all", "deactivated", "switched off"])
def test_a_challenge_ends_with_its_account_or_password(user: User, end: str) -> None:
    enrolled(user)
    challenge, now = challenge_of(user), timezone.now()
    if end == "late":
        now += timedelta(minutes=5)
    elif end == "password":
        services.change_password(
            actor=caller_for(user), current_password=PASSWORD, new_password=NEW, device=HERE
        )
    elif end == "logout-all":
        services.logout_everywhere(actor=caller_for(user))
    elif end == "deactivated":
        services.deactivate_user(actor=caller_for(AdminFactory.create()), user_id=user.pk)
    else:
        services.remove_second_factor_of(actor=caller_for(AdminFactory.create()), user_id=user.pk)
    shown = "000000" if end == "switched off" else code(user, now=now)
    sessions = Session.objects.filter(ended_at=None).count()
    with pytest.raises(exceptions.ChallengeRefused):
        services.complete_login(challenge=challenge, code=shown, device=HERE, now=now)
    assert Session.objects.filter(ended_at=None).count() == sessions


@pytest.mark.django_db
def test_guessing_codes_is_limited(public: Api, user: User, settings: Any, clean_limits: None) -> None:
    enrolled(user)
    settings.IDENTITY_LIMITS = {
        "login": {"pair": ("100/minute",)},
        "second_factor": {"pair": ("3/minute",), "account": ("5/minute",)},
    }
    challenge = challenge_of(user)
    body = {"challenge": challenge, "code": "000000"}
    answers = [public.post("auth/login/second-factor/", body) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert code_of(answers[3]) == (429, "too_many_attempts")
    assert 0 < int(answers[3]["Retry-After"]) <= 66
    right = {"challenge": challenge, "code": code(user)}
    assert public.post("auth/login/second-factor/", right).status_code == 429
    # A network that the owner signed in from is counted separately, so others cannot lock the owner out.
    session_for(user)
    Session.objects.filter(user=user).update(network="198.51.100.0/24")
    services.complete_login(challenge=challenge, code=code(user), device=Device(address="198.51.100.7"))


@pytest.mark.django_db
def test_disabling_requires_both_factors(
    private: As, user: User, relay: Callable[[], list[mail.EmailMessage]]
) -> None:
    enrolled(user)
    relay()
    other = pair_for(user)
    api, path = private(user), "users/me/second-factor/disable/"
    right = {"current_password": PASSWORD, "code": code(user)}
    assert code_of(api.post(path, right | {"current_password": "wrong"})) == (403, "wrong_password")
    assert code_of(api.post(path, right | {"code": "000000"})) == (403, "wrong_code")
    assert is_live(other)
    assert isinstance(services.login(email=user.email, password=PASSWORD, device=HERE), Challenge)
    assert api.post(path, right).status_code == 204
    assert not is_live(other)
    assert not SecondFactor.objects.exists() and not RecoveryCode.objects.exists()
    assert isinstance(services.login(email=user.email, password=PASSWORD, device=HERE), TokenPair)
    assert code_of(api.post(path, right)) == (409, "second_factor_missing")
    assert "Your account has no second factor any more" in [message.subject for message in relay()]


@pytest.mark.django_db
def test_recovery_codes_are_renewed(private: As, user: User) -> None:
    old = enrolled(user)
    api, path = private(user), "users/me/second-factor/recovery-codes/"
    refused = api.post(path, {"current_password": PASSWORD, "code": "000000"})
    assert code_of(refused) == (403, "wrong_code")
    new = api.post(path, {"current_password": PASSWORD, "code": old[0]}).json()["recovery_codes"]
    assert len(set(new)) == 10 and not set(new) & set(old)
    with pytest.raises(exceptions.SecondFactorRefused):
        services.complete_login(challenge=challenge_of(user), code=old[1], device=HERE)
    services.complete_login(challenge=challenge_of(user), code=new[1], device=HERE)


@pytest.mark.django_db
def test_admins_reset_a_lost_second_factor(admin: As, user: User) -> None:
    enrolled(user)
    pair, boss = pair_for(user), AdminFactory.create()
    assert code_of(admin(user).delete(f"users/{user.pk}/second-factor/")) == (403, "permission_denied")
    assert is_live(pair)
    api = admin(boss)
    assert api.delete(f"users/{user.pk}/second-factor/").status_code == 204
    assert not is_live(pair)
    assert isinstance(services.login(email=user.email, password=PASSWORD, device=HERE), TokenPair)
    assert code_of(api.delete(f"users/{user.pk}/second-factor/")) == (409, "second_factor_missing")
    assert code_of(api.delete(f"users/{boss.pk}/second-factor/")) == (409, "own_account")
    row = AuditEvent.objects.filter(action="users.second_factor_disabled").get()
    assert (row.actor_id, row.target_id) == (boss.pk, str(user.pk))


@pytest.mark.django_db
def test_the_admin_role_has_no_permissions_without_it(admin: As, private: As, settings: Any) -> None:
    settings.ADMIN_SECOND_FACTOR = True
    boss, user = AdminFactory.create(), UserFactory.create()
    api = admin(boss)
    assert code_of(api.get("users/")) == (403, "second_factor_required")
    assert code_of(api.post(f"users/{user.pk}/deactivate/")) == (403, "second_factor_required")
    user.refresh_from_db()
    assert user.is_active
    with pytest.raises(exceptions.UserNotFound):
        services.deactivate_user(actor=caller_for(boss), user_id=user.pk)
    assert code_of(admin(user).get("users/")) == (403, "permission_denied")
    own = private(boss)
    assert own.post("users/me/second-factor/", {"current_password": PASSWORD}).status_code == 201
    assert own.post("users/me/second-factor/confirm/", {"code": code(boss)}).status_code == 200
    assert Api("admin", own.headers).get("users/").status_code == 200
    assert code_of(api.get("users/")) == (401, "session_ended")


@pytest.mark.django_db
def test_the_admin_site_requires_it(user: User) -> None:
    enrolled(user)
    with pytest.raises(ValidationError) as due:
        authenticate(None, username=user.email, password=PASSWORD)
    assert due.value.code == "second_factor_required"
    with pytest.raises(ValidationError) as wrong:
        authenticate(None, username=user.email, password=PASSWORD, second_factor="000000")
    assert wrong.value.code == "wrong_code"
    assert authenticate(None, username=user.email, password="wrong", second_factor=code(user)) is None
    assert authenticate(None, username=user.email, password=PASSWORD, second_factor=code(user)) == user


@pytest.mark.django_db
def test_an_account_without_a_password_needs_a_fresh_sign_in(user: User) -> None:
    user.set_unusable_password()
    user.save()
    actor = caller_for(user)
    services.begin_second_factor(actor=actor, current_password="", device=HERE)
    Session.objects.update(created_at=timezone.now() - timedelta(minutes=10))
    with pytest.raises(exceptions.SignInStale):
        services.begin_second_factor(actor=actor, current_password="", device=HERE)


@pytest.mark.django_db
def test_erasure_deletes_the_second_factor(user: User) -> None:
    enrolled(user)
    erase(user)
    assert not SecondFactor.objects.exists() and not RecoveryCode.objects.exists()
    user.refresh_from_db()
    assert user.second_factor_at is None


@pytest.mark.django_db
def test_older_cookies_lack_the_second_factor(client: Client) -> None:
    boss = AdminFactory.create()
    sign_in(client, boss.email)
    assert client.get("/admin/").status_code == 200
    enrolled(boss)
    assert client.get("/admin/").status_code == 302
