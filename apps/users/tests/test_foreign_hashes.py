"""Password hashes of accounts from another system, and unreadable hashes."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from argon2 import PasswordHasher as Argon2
from django.contrib.auth.hashers import (
    BCryptPasswordHasher,
    BCryptSHA256PasswordHasher,
    PBKDF2PasswordHasher,
    PBKDF2SHA1PasswordHasher,
    ScryptPasswordHasher,
    make_password,
)
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import PASSWORD, AdminFactory, UserFactory, caller_for
from apps.users import exceptions, hashers, services
from apps.users.models import Session, User
from apps.users.services import hash_renewal
from apps.users.types import Device
from config.env import BASE_DIR

SALT: Any = b"$2b$04$CCCCCCCCCCCCCCCCCCCCC."  # Django says text and takes bytes
RAW = bcrypt.hashpw(PASSWORD.encode(), SALT).decode()
OURS = "argon2$argon2id$v=19$m=8,t=1,p=1"
ARGON2ID = f"{OURS}$b2xpdmVzYW5kdGhlZG93bnM$JHs2TS8CkhjGNrhpcTKkCIfU0DpoBXWXM2aj533BxjA"
HERE = Device(address="192.0.2.1")
As = Callable[[User], Api]

FOREIGN = {
    "2b": RAW,
    "2a": RAW.replace("$2b$", "$2a$"),
    "2y": RAW.replace("$2b$", "$2y$"),
    "django-bcrypt": BCryptPasswordHasher().encode(PASSWORD, SALT),
    "django-bcrypt-sha256": BCryptSHA256PasswordHasher().encode(PASSWORD, SALT),
    "pbkdf2": PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000),
    "pbkdf2-sha1": PBKDF2SHA1PasswordHasher().encode(PASSWORD, "salt", 1000),
    "scrypt": ScryptPasswordHasher().encode(PASSWORD, "salt", n=16),
}
UNREADABLE = {
    "empty": "",
    "unusable": "!",
    "unknown": "rot13$salt$hash",
    "plain": PASSWORD,
    "md5": "5f4dcc3b5aa765d61d8327deb882cf99",
    "crypt": "$6$rounds=5000$salt$abcdef",
    "2x": RAW.replace("$2b$", "$2x$"),
    "bcrypt-short": RAW[:-1],
    "bcrypt-alphabet": RAW[:-1] + "!",
    "bcrypt-salt": RAW[:28] + "/" + RAW[29:],
    "bcrypt-of-days": RAW.replace("$04$", "$31$"),
    "django-bcrypt-short": f"bcrypt${RAW[:20]}",
    "django-bcrypt-sha256-short": "bcrypt_sha256$$2b$04$",
    "argon2-name": "argon2$",
    "argon2-cut-in-the-digest": ARGON2ID[:-1],
    "argon2-cut-in-the-salt": ARGON2ID[:45],
    "argon2-cut-in-the-parameters": ARGON2ID[:25],
    "argon2-of-terabytes": ARGON2ID.replace("m=8", "m=4294967295"),
    "argon2-of-nothing": ARGON2ID.replace("m=8", "m=0"),
    "argon2-of-another-kind": ARGON2ID.replace("argon2id", "argon2x"),
    "pbkdf2-short": "pbkdf2_sha256$1000$salt",
    "pbkdf2-words": "pbkdf2_sha256$many$salt$hash",
    "pbkdf2-no-salt": "pbkdf2_sha256$1000$$" + "A" * 43 + "=",
    "pbkdf2-of-days": "pbkdf2_sha256$99999999999999999999$salt$" + "A" * 43 + "=",
    "scrypt-short": "scrypt$16$salt$8$5",
    "scrypt-impossible": "scrypt$17$salt$8$5$" + "A" * 86 + "==",
    "scrypt-of-gigabytes": f"scrypt${2**22}$salt$8$5$" + "A" * 86 + "==",
}


@pytest.fixture
def user(db: None) -> User:
    return UserFactory.create()


@pytest.fixture(params=FOREIGN.values(), ids=list(FOREIGN))
def foreign(request: pytest.FixtureRequest, user: User) -> User:
    """A user who has a hash of another system."""
    return with_hash(user, request.param)


def with_hash(user: User, encoded: str) -> User:
    User.objects.filter(pk=user.pk).update(password=encoded)
    user.refresh_from_db()
    return user


def hash_of(user: User) -> str:
    return User.objects.values_list("password", flat=True).get(pk=user.pk)


def is_ours(encoded: str) -> bool:
    return encoded.startswith(OURS)


@pytest.mark.parametrize(
    ("password", "encoded"),
    [  # what crypt_blowfish and the manual of PHP print
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("rasmuslerdorf", "$2a$07$usesomesillystringfore2uDLvp1Ii2e./U9C8sBjqp8I90dH6hi"),
    ],
)
def test_published_hashes_match(password: str, encoded: str) -> None:
    assert hashers.verify(password, encoded)
    assert not hashers.verify(password + "x", encoded)


def test_the_first_sign_in_renews_the_hash(public: Api, foreign: User) -> None:
    old = foreign.password
    wrong = public.post("auth/login/", {"email": foreign.email, "password": PASSWORD + "x"})
    assert code_of(wrong) == (401, "invalid_credentials")
    assert hash_of(foreign) == old
    assert public.post("auth/login/", {"email": foreign.email, "password": PASSWORD}).status_code == 200
    renewed = hash_of(foreign)
    assert is_ours(renewed)
    assert public.post("auth/login/", {"email": foreign.email, "password": PASSWORD}).status_code == 200
    assert hash_of(foreign) == renewed


def test_a_raw_hash_of_argon2_is_renewed(user: User) -> None:
    with_hash(user, make_password(PASSWORD).removeprefix("argon2"))
    services.login(email=user.email, password=PASSWORD, device=HERE)
    assert is_ours(hash_of(user))


def test_the_admin_site_renews_the_hash_and_keeps_its_session(client: Client, db: None) -> None:
    boss = with_hash(AdminFactory.create(), RAW)
    sent = {"username": boss.email, "password": PASSWORD}
    assert client.post("/admin/login/?next=/admin/", {**sent, "password": "wrong"}).status_code == 200
    assert hash_of(boss) == RAW
    assert client.post("/admin/login/?next=/admin/", sent).status_code == 302
    assert is_ours(hash_of(boss))
    assert client.get("/admin/").status_code == 200


def test_reauthentication_renews_the_hash_and_keeps_the_session(private: As, foreign: User) -> None:
    api, old = private(foreign), foreign.password
    wrong = api.post("users/me/email/", {"email": "new@example.com", "current_password": PASSWORD + "x"})
    assert code_of(wrong) == (403, "wrong_password")
    assert hash_of(foreign) == old
    asked = {"email": "new@example.com", "current_password": PASSWORD}
    assert api.post("users/me/email/", asked).status_code == 202
    assert is_ours(hash_of(foreign))
    assert api.get("users/me/").status_code == 200


def test_a_password_is_changed_by_one_of_another_system(private: As, foreign: User) -> None:
    body = {"current_password": PASSWORD, "new_password": "another circle, far away"}
    assert private(foreign).post("users/me/password/", body).status_code == 204
    assert hashers.verify("another circle, far away", hash_of(foreign))


def test_an_account_is_erased_with_a_password_of_another_system(private: As, foreign: User) -> None:
    assert private(foreign).delete("users/me/", {"current_password": PASSWORD}).status_code == 204
    assert not User.objects.get(pk=foreign.pk).is_active


def test_a_renewal_elsewhere_keeps_cookies_of_the_admin_site(client: Client, db: None, settings: Any) -> None:
    boss = AdminFactory.create()
    client.post("/admin/login/?next=/admin/", {"username": boss.email, "password": PASSWORD})
    settings.ARGON2_TIME = 2
    services.login(email=boss.email, password=PASSWORD, device=HERE)
    assert "t=2" in hash_of(boss)
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("typed", ["Jose\u0301 of the downs", "Jos\u00e9 of the downs"])
def test_a_hash_of_another_system_is_of_the_password_as_it_was_typed(user: User, typed: str) -> None:
    with_hash(user, bcrypt.hashpw(typed.encode(), SALT).decode())
    services.login(email=user.email, password=typed, device=HERE)
    assert is_ours(hash_of(user))
    for spelling in ("Jose\u0301 of the downs", "Jos\u00e9 of the downs"):
        services.login(email=user.email, password=spelling, device=HERE)


@pytest.mark.parametrize("encode", [str, lambda raw: f"bcrypt${raw}"])
def test_bcrypt_compares_72_bytes_and_the_renewed_hash_all(user: User, encode: Any) -> None:
    long = "\u00e9" * 35 + "and the rest of it"  # the 72nd byte ends a character
    with_hash(user, encode(bcrypt.hashpw(long.encode()[:72], SALT).decode()))
    with pytest.raises(exceptions.InvalidCredentials):
        services.login(email=user.email, password=long[:36], device=HERE)
    services.login(email=user.email, password=long, device=HERE)
    assert is_ours(hash_of(user))
    with pytest.raises(exceptions.InvalidCredentials):
        services.login(email=user.email, password=long + "x", device=HERE)
    services.login(email=user.email, password=long, device=HERE)


def test_the_whole_password_counts_where_it_was_hashed_before(user: User) -> None:
    long = "x" * 80
    with_hash(user, BCryptSHA256PasswordHasher().encode(long, SALT))
    with pytest.raises(exceptions.InvalidCredentials):
        services.login(email=user.email, password="x" * 79, device=HERE)
    services.login(email=user.email, password=long, device=HERE)


@pytest.mark.parametrize("encoded", UNREADABLE.values(), ids=UNREADABLE)
class TestUnreadable:
    def test_an_unreadable_hash_is_answered_like_a_wrong_password(
        self, public: Api, user: User, encoded: str
    ) -> None:
        with_hash(user, encoded)
        answers = []
        for email in (user.email, "nobody@example.com"):
            response = public.post("auth/login/", {"email": email, "password": PASSWORD})
            problem = response.json()
            problem.pop("request_id")
            answers.append((response.status_code, problem, response["WWW-Authenticate"]))
        assert answers[0] == answers[1]
        assert (answers[0][0], answers[0][1]["code"]) == (401, "invalid_credentials")
        assert hash_of(user) == encoded

    def test_an_unreadable_hash_costs_one_hash(
        self, user: User, encoded: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compared: list[str] = []
        real = Argon2.verify

        def verify(self: Any, hash: str, password: str) -> Any:
            compared.append(hash)
            return real(self, hash, password)

        monkeypatch.setattr(Argon2, "verify", verify)
        with_hash(user, encoded)
        with pytest.raises(exceptions.InvalidCredentials):
            services.login(email=user.email, password=PASSWORD, device=HERE)
        # The library refuses truncated text before it computes anything.
        assert len([one for one in compared if one != encoded.removeprefix("argon2")]) == 1

    def test_the_admin_site_refuses_it(self, client: Client, db: None, encoded: str) -> None:
        boss = with_hash(AdminFactory.create(), encoded)
        sent = {"username": boss.email, "password": PASSWORD}
        response = client.post("/admin/login/?next=/admin/", sent)
        assert response.status_code == 200
        assert "Please enter the correct" in response.text

    def test_reauthentication_refuses_it(self, private: As, user: User, encoded: str) -> None:
        api = private(with_hash(user, encoded))
        for path, body in (
            ("users/me/password/", {"current_password": PASSWORD, "new_password": "another circle away"}),
            ("users/me/second-factor/", {"current_password": PASSWORD}),
        ):
            response = api.post(path, body)
            # An account without a password needs a recent sign-in, which `private` has.
            is_fresh = encoded == "!" and path.endswith("factor/")
            assert response.status_code == (201 if is_fresh else 403), response.text


class TestConcurrently:
    def test_a_new_password_is_not_overwritten(self, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
        with_hash(user, RAW)
        chosen = make_password("what was chosen meanwhile")

        def slow(password: str) -> str:
            User.objects.filter(pk=user.pk).update(password=chosen, signed_out_at=timezone.now())
            return make_password(password)

        monkeypatch.setattr(hash_renewal, "make_password", slow)
        with pytest.raises(exceptions.InvalidCredentials):
            services.login(email=user.email, password=PASSWORD, device=HERE)
        assert hash_of(user) == chosen
        assert not Session.objects.exists()

    def test_a_change_of_password_survives_a_sign_in_that_renews(
        self, user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        actor = caller_for(with_hash(user, RAW))

        def slow(password: str) -> str:
            monkeypatch.undo()
            services.login(email=user.email, password=PASSWORD, device=HERE)
            return make_password(password)

        monkeypatch.setattr(hash_renewal, "make_password", slow)
        services.change_password(
            actor=actor, current_password=PASSWORD, new_password="another circle, far away", device=HERE
        )
        assert hashers.verify("another circle, far away", hash_of(user))

    @pytest.mark.django_db(transaction=True)
    def test_all_of_several_first_sign_ins_succeed(self, user: User) -> None:
        with_hash(user, RAW)
        together = threading.Barrier(6)

        def sign_in(_: int) -> Any:
            try:
                together.wait()
                return services.login(email=user.email, password=PASSWORD, device=HERE)
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as pool:
            assert len({pair.access for pair in pool.map(sign_in, range(6))}) == 6
        assert is_ours(hash_of(user))


@pytest.mark.parametrize("encoded", FOREIGN.values(), ids=FOREIGN)
def test_hashes_of_other_systems_take_a_slot(encoded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    @contextmanager
    def counted() -> Iterator[None]:
        taken.append(encoded)
        yield

    hashers._dummy_hash()  # the first call of a process takes a slot as well
    monkeypatch.setattr(hashers, "hashing_slot", counted)
    assert hashers.verify(PASSWORD, encoded)
    assert taken == [encoded]


def test_a_busy_server_keeps_the_old_hash(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with_hash(user, RAW)

    def busy(_: str) -> str:
        raise hashers.HashingBusy

    monkeypatch.setattr(hash_renewal, "make_password", busy)
    services.login(email=user.email, password=PASSWORD, device=HERE)
    assert hash_of(user) == RAW


def test_the_guide_imports_accounts(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = (BASE_DIR / "apps/users/docs/password-hashes.md").read_text(encoding="utf-8")
    bring, give_up = re.findall(r"^```python\n(.*?)^```", guide, flags=re.MULTILINE | re.DOTALL)
    lines = ["email,name,password_hash", f"Jose@Example.com,José,{RAW}", f"grace@example.com,Grace,{RAW}"]
    (tmp_path / "accounts.csv").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(bring, {})
    services.login(email="grace@example.com", password=PASSWORD, device=HERE)
    exec(give_up, {})
    assert capsys.readouterr().out == "1\n"
    with pytest.raises(exceptions.InvalidCredentials):
        services.login(email="jose@example.com", password=PASSWORD, device=HERE)
    services.login(email="grace@example.com", password=PASSWORD, device=HERE)
    (tmp_path / "accounts.csv").write_text("email,name,password_hash\na@example.com,A,x", encoding="utf-8")
    with pytest.raises(ValueError, match="Unknown password hashing algorithm"):
        exec(bring, {})
