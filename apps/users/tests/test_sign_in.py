"""Sign-in: the same answer and cost for every failure; limits; races with changes of the account."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import identify_hasher, make_password
from django.db import connection
from redis import Redis

from apps.common import rate_limits
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import PASSWORD, UserFactory
from apps.users import exceptions, selectors, services
from apps.users.models import Session, User
from apps.users.services import sign_in
from apps.users.types import Device
from infrastructure import token as tokens
from infrastructure.cache.breaker import Breaker
from infrastructure.cache.ratelimit import Limiter, LocalCounter

HERE = Device(address="192.0.2.1", user_agent="Circle/1.0")


@pytest.mark.django_db
def test_tokens_of_a_new_session(public: Api, user: User) -> None:
    response = public.post(
        "auth/login/",
        {"email": user.email.upper(), "password": PASSWORD},
        **{"User-Agent": "Cir\xe7le/1\x07" + "x" * 300},
    )
    answer = response.json()
    session = Session.objects.get()
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert set(answer) == {"access", "refresh", "token_type", "expires_in"}
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 600)
    claims = selectors.access_tokens().read(answer["access"])
    assert (claims.subject, claims.session) == (user.pk, session.pk)
    assert session.user == user
    assert (session.network, session.user_agent) == ("127.0.0.0/24", "Cir\xe7le/1 " + "x" * 191)
    assert bytes(session.refresh_tokens.get().digest) == tokens.digest(answer["refresh"])


@pytest.mark.django_db
def test_every_failure_has_the_same_answer(public: Api, user: User, settings: Any) -> None:
    inactive = UserFactory.create(is_active=False)
    unusable = UserFactory.create(password=None)
    unverified = UserFactory.create(email_verified_at=None)
    settings.REQUIRE_VERIFIED_EMAIL = True
    tries = [
        {"email": user.email, "password": PASSWORD + "x"},
        {"email": "nobody@example.com", "password": PASSWORD},
        {"email": "no address", "password": PASSWORD},
        {"email": inactive.email, "password": PASSWORD},
        {"email": unusable.email, "password": PASSWORD},
        {"email": unverified.email, "password": PASSWORD},
    ]
    answers = []
    for body in tries:
        response = public.post("auth/login/", body)
        problem = response.json()
        assert len(problem.pop("request_id")) >= 8
        answers.append((response.status_code, problem, response["WWW-Authenticate"]))
    assert answers == [answers[0]] * len(tries)
    assert answers[0][0] == 401
    assert answers[0][1]["code"] == "invalid_credentials"
    assert not Session.objects.exists()


@pytest.mark.django_db
def test_every_failure_costs_one_hash_of_the_same_parameters(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    hasher = type(identify_hasher(user.password))
    real = hasher.verify

    def verify(self: Any, password: str, encoded: str) -> bool:
        verified.append(encoded.rsplit("$", 2)[0])
        return real(self, password, encoded)

    monkeypatch.setattr(hasher, "verify", verify)
    UserFactory.create(email="off@example.com", is_active=False)
    UserFactory.create(email="none@example.com", password=None)
    for email in (user.email, "nobody@example.com", "garbage", "off@example.com", "none@example.com"):
        with pytest.raises(exceptions.InvalidCredentials):
            services.login(email=email, password="wrong and wrong", device=HERE)
    assert verified == ["argon2$argon2id$v=19$m=8,t=1,p=1"] * 5


@pytest.mark.django_db
def test_an_unverified_account_may_sign_in_unless_the_settings_forbid_it(user: User, settings: Any) -> None:
    User.objects.filter(pk=user.pk).update(email_verified_at=None)
    services.login(email=user.email, password=PASSWORD, device=HERE)
    settings.REQUIRE_VERIFIED_EMAIL = True
    with pytest.raises(exceptions.InvalidCredentials):
        services.login(email=user.email, password=PASSWORD, device=HERE)
    assert Session.objects.count() == 1


@pytest.mark.django_db
def test_an_old_hash_is_renewed(user: User, settings: Any) -> None:
    settings.ARGON2_TIME = 2
    services.login(email=user.email, password=PASSWORD, device=HERE)
    user.refresh_from_db()
    assert "t=2" in user.password
    renewed = user.password
    services.login(email=user.email, password=PASSWORD, device=HERE)
    user.refresh_from_db()
    assert user.password == renewed


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another"}])
def test_a_change_during_the_check_of_the_password_prevails(
    user: User, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    real = sign_in.check_credentials

    def slow(**arguments: Any) -> User:
        found = real(**arguments)
        User.objects.filter(pk=user.pk).update(
            **{key: make_password(value) if key == "password" else value for key, value in change.items()}
        )
        return found

    monkeypatch.setattr(sign_in, "check_credentials", slow)
    with pytest.raises(exceptions.InvalidCredentials):
        services.login(email=user.email, password=PASSWORD, device=HERE)
    assert not Session.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@example.com"},
        {"email": 1, "password": PASSWORD},
        {"email": "a@b.c", "password": "x" * 513},
        [],
    ],
)
def test_bad_input_is_a_problem(public: Api, body: Any) -> None:
    assert code_of(public.post("auth/login/", body)) == (400, "invalid_input")


LIMITS = {"login": {"address": ("50/minute",), "account": ("10/minute",), "pair": ("5/minute",)}}


@pytest.mark.django_db
def test_the_pair_the_account_and_the_address_are_limited(
    user: User, settings: Any, clean_limits: None
) -> None:
    settings.IDENTITY_LIMITS = LIMITS

    def attempts(email: str, address: str) -> int:
        """The number of attempts that were evaluated before one was refused."""
        for count in range(100):
            with pytest.raises((exceptions.InvalidCredentials, exceptions.TooManyAttempts)) as refused:
                services.login(email=email, password="wrong and wrong", device=Device(address=address))
            if isinstance(refused.value, exceptions.TooManyAttempts):
                assert 0 < refused.value.retry_after <= 66
                return count
        raise AssertionError("nothing was refused")

    assert attempts(user.email, "192.0.2.1") == 5
    assert attempts(user.email.upper(), "192.0.2.1") == 0
    assert attempts(user.email, "192.0.2.2") == 5
    assert attempts(user.email, "192.0.2.3") == 0
    # Each account takes five attempts and the one that the pair refuses, which counts for the address as well.
    assert sum(attempts(f"other{number}@example.com", "192.0.2.9") for number in range(20)) == 42
    # A right password does not bypass it.
    with pytest.raises(exceptions.TooManyAttempts):
        services.login(email=user.email, password=PASSWORD, device=Device(address="192.0.2.3"))


@pytest.mark.django_db
def test_the_owner_can_sign_in_to_an_attacked_account(user: User, settings: Any, clean_limits: None) -> None:
    settings.IDENTITY_LIMITS = LIMITS
    services.login(email=user.email, password=PASSWORD, device=Device(address="198.51.100.7"))
    for number in range(20):
        with pytest.raises((exceptions.InvalidCredentials, exceptions.TooManyAttempts)):
            services.login(
                email=user.email, password="wrong and wrong", device=Device(address=f"192.0.2.{number}")
            )
    with pytest.raises(exceptions.TooManyAttempts):
        services.login(email=user.email, password=PASSWORD, device=Device(address="203.0.113.1"))
    services.login(email=user.email, password=PASSWORD, device=Device(address="198.51.100.99"))
    assert Session.objects.count() == 2


@pytest.mark.django_db
def test_a_limit_is_429_with_retry_after_and_not_fooled_by_forwarded_headers(
    public: Api, user: User, settings: Any, clean_limits: None
) -> None:
    settings.IDENTITY_LIMITS = {"login": {"address": ("3/minute",)}}
    body = {"email": user.email, "password": "wrong and wrong"}
    responses = [
        public.post("auth/login/", body, **{"X-Forwarded-For": f"203.0.113.{number}"}) for number in range(4)
    ]
    assert [response.status_code for response in responses] == [401, 401, 401, 429]
    assert code_of(responses[3]) == (429, "too_many_attempts")
    assert 0 < int(responses[3]["Retry-After"]) <= 66
    # The limit that was met, then the zone's.
    policies = responses[3]["RateLimit-Policy"].split(", ")
    assert policies[0] == '"login-by-address";q=3;w=60'
    assert policies[1].endswith("w=60")
    assert responses[3]["RateLimit"].startswith('"login-by-address";r=0;t=')


@pytest.mark.django_db
@pytest.mark.parametrize("proxies", [0, 1])
@pytest.mark.parametrize(
    ("header", "claim"),
    [
        ("X-Forwarded-For", "203.0.113.{n}"),
        ("X-Forwarded-For", "2001:db8:{n}::1, 198.51.100.{n}"),
        ("X-Forwarded-For", "garbage {n},,"),
        ("Forwarded", 'for="[2001:db8:{n}::1]:4711";proto=https'),
        ("X-Real-IP", "203.0.113.{n}"),
        ("CF-Connecting-IP", "203.0.113.{n}"),
    ],
)
def test_a_claimed_address_changes_nothing(
    public: Api, settings: Any, clean_limits: None, proxies: int, header: str, claim: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    settings.IDENTITY_LIMITS = {"login": {"address": ("2/minute",)}}
    statuses = []
    for number in range(3):
        headers = {header: claim.format(n=number)}
        if proxies:
            # The address that the proxy has seen is last.
            before = headers.get("X-Forwarded-For")
            headers["X-Forwarded-For"] = f"{before}, 192.0.2.7" if before else "192.0.2.7"
        body = {"email": "nobody@example.com", "password": "wrong and wrong"}
        statuses.append(public.post("auth/login/", body, **headers).status_code)
    assert statuses == [401, 401, 429]


@pytest.mark.django_db
def test_without_redis_sign_in_works_and_is_limited(
    user: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IDENTITY_LIMITS = {"login": {"pair": ("2/minute",)}}
    away = Limiter(
        connect=lambda: Redis.from_url("redis://127.0.0.1:1/0"),
        breaker=Breaker(pause=60),
        local=LocalCounter(),
    )
    monkeypatch.setattr(rate_limits, "limiter", away)
    services.login(email=user.email, password=PASSWORD, device=HERE)
    with pytest.raises(exceptions.InvalidCredentials):
        services.login(email=user.email, password="wrong and wrong", device=HERE)
    with pytest.raises(exceptions.TooManyAttempts):
        services.login(email=user.email, password=PASSWORD, device=HERE)
    assert Session.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_100_concurrent_wrong_logins_at_most_the_limit_is_evaluated(
    settings: Any, clean_limits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IDENTITY_LIMITS = {"login": {"pair": ("7/minute",)}}
    user = UserFactory.create()
    evaluated = []
    lock = threading.Lock()
    hasher = type(identify_hasher(user.password))
    real = hasher.verify

    def verify(self: Any, password: str, encoded: str) -> bool:
        with lock:
            evaluated.append(encoded)
        return real(self, password, encoded)

    monkeypatch.setattr(hasher, "verify", verify)

    def attempt(_: int) -> str:
        try:
            services.login(email=user.email, password="wrong and wrong", device=HERE)
        except exceptions.InvalidCredentials:
            return "refused"
        except exceptions.TooManyAttempts:
            return "limited"
        finally:
            connection.close()
        return "in"

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(attempt, range(100)))
    assert (outcomes.count("refused"), outcomes.count("limited")) == (7, 93)
    assert len(evaluated) == 7
