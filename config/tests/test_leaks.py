"""A broad run at the most talkative log level: no secret that is used in it may be in the log or in an error report."""

from __future__ import annotations

import io
import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import sentry_sdk
import structlog
from django.conf import settings
from django.test import Client

from apps.api import services as keys
from apps.common.testing.servers import Site, serving
from apps.common.tests.campaigns import contributions
from apps.users import selectors as users
from apps.users import services
from apps.users.models import User
from infrastructure import telemetry
from infrastructure.server.tests import frames
from infrastructure.telemetry.logging import dictionary
from infrastructure.token import totp

PASSWORD, NEW_PASSWORD, WRONG = (
    "a quiet evening on the downs",
    "another circle on the moor",
    "a wrong guess of mine",
)


@dataclass
class Watch:
    """All output, and every secret that was used."""

    log: io.StringIO
    reports: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    def keep(self, name: str, secret: str) -> str:
        """Note a secret; of a token each part counts."""
        assert len(secret) >= 6
        self.secrets[name] = secret
        for number, piece in enumerate(re.split(r"[.:]", secret)):
            if len(piece) >= 16 and not piece.startswith("eyJ"):
                self.secrets[f"{name}, part {number}"] = piece
        return secret

    def found(self) -> list[str]:
        """The names of the secrets in the output."""
        said = self.log.getvalue() + "".join(self.reports)
        return sorted(name for name, secret in self.secrets.items() if secret in said)


@pytest.fixture
def watch() -> Iterator[Watch]:
    """The project's own pipeline at DEBUG for every logger, and Sentry's client with a transport that keeps."""
    watched = Watch(io.StringIO())

    class Transport(sentry_sdk.transport.Transport):
        def capture_envelope(self, envelope: Any) -> None:
            watched.reports.extend(json.dumps(item.payload.json, default=str) for item in envelope.items)

    root = logging.getLogger()
    before = root.handlers[:], root.level
    telemetry.configure(
        json=True, environment="test", sentry_dsn="https://public@sentry.invalid/1", release=""
    )
    client = sentry_sdk.get_client()
    client.transport = Transport(client.options)
    form = dictionary(json=True, level="DEBUG")["formatters"]["line"]
    handler = logging.StreamHandler(watched.log)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=form["processors"], foreign_pre_chain=form["foreign_pre_chain"]
        )
    )
    root.handlers[:] = [handler]
    root.setLevel("DEBUG")
    yield watched
    root.handlers[:], root.level = before[0], before[1]
    sentry_sdk.get_global_scope().set_client(None)
    telemetry.configure(json=True, environment="test")


@pytest.fixture
def relayed(relay: Callable[[], Any]) -> Callable[[], str]:
    """Runs the tasks of events directly. Returns the text of the mails."""
    return lambda: "\n".join(str(message.body) for message in relay())


@pytest.fixture
def site(transactional_db: None) -> Iterator[Site]:
    with serving(Site) as started:
        yield started


class Caller:
    """JSON calls that keep no exception from being answered."""

    def __init__(self) -> None:
        self._client = Client(raise_request_exception=False)

    def __call__(
        self,
        path: str,
        body: Any = None,
        bearer: str = "",
        status: int = 200,
        shown: Any = None,
        method: str = "post",
    ) -> Any:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else shown or {}
        call = self._client.get if body is None else getattr(self._client, method)
        sends = {} if body is None else {"data": body, "content_type": "application/json"}
        answer = call(f"/api/{path}", headers=headers, **sends)
        assert answer.status_code == status, (path, answer.content[:300])
        return answer.json() if answer.content else None


def token_of(text: str, action: str) -> str:
    """The token of a link in a mail. It follows the #, which browsers do not send."""
    found = re.search(rf"{re.escape(settings.PUBLIC_URL)}/#{action}=([\w.-]+)", text)
    assert found is not None, text
    return found[1]


def accounts(watch: Watch, call: Caller, relayed: Callable[[], str]) -> str:
    """Registration to the second factor, right and wrong. An access token that holds."""
    email = "grace.leak@example.com"
    watch.keep("address", email)
    watch.keep("password", PASSWORD)
    watch.keep("new password", NEW_PASSWORD)
    watch.keep("wrong password", WRONG)
    call("public/v1/auth/register/", {"email": email, "name": "Grace", "password": PASSWORD}, status=201)
    verification = watch.keep("verification token", token_of(relayed(), "verify-email"))
    call("public/v1/auth/email/verify/", {"token": verification}, status=204)
    call("public/v1/auth/email/verify/", {"token": verification}, status=400)
    call("public/v1/auth/login/", {"email": email, "password": WRONG}, status=401)
    call("public/v1/auth/login/", {"email": email, "password": [WRONG], "x": WRONG}, status=400)
    pair = call("public/v1/auth/login/", {"email": email, "password": PASSWORD})
    first = watch.keep("refresh token", pair["refresh"])
    watch.keep("access token", pair["access"])
    call("public/v1/auth/refresh/", {"refresh": first}, shown={"Idempotency-Key": "a-key-of-a-client"})
    call("public/v1/auth/refresh/", {"refresh": first}, status=401)  # reuse: an audited event
    call("public/v1/auth/password/reset/", {"email": email}, status=202)
    reset = watch.keep("reset token", token_of(relayed(), "reset-password"))
    call("public/v1/auth/password/reset/confirm/", {"token": reset, "password": "short"}, status=400)
    call("public/v1/auth/password/reset/confirm/", {"token": reset, "password": NEW_PASSWORD}, status=204)
    relayed()
    pair = call("public/v1/auth/login/", {"email": email, "password": NEW_PASSWORD})
    access = watch.keep("access token of the second session", pair["access"])
    watch.keep("refresh token of the second session", pair["refresh"])
    begun = call(
        "private/v1/users/me/second-factor/", {"current_password": NEW_PASSWORD}, bearer=access, status=201
    )
    watch.keep("secret of the second factor", begun["secret"])
    call("private/v1/users/me/second-factor/confirm/", {"code": "000000"}, bearer=access, status=403)
    code = totp.code_of(begun["secret"], int(time.time()) // totp.STEP)  # too short to look for among numbers
    codes = call("private/v1/users/me/second-factor/confirm/", {"code": code}, bearer=access)[
        "recovery_codes"
    ]
    for number, recovery in enumerate(codes):
        watch.keep(f"recovery code {number}", recovery)
    asked = call("public/v1/auth/login/", {"email": email, "password": NEW_PASSWORD}, status=202)
    challenge = watch.keep("challenge", asked["challenge"])
    second = "public/v1/auth/login/second-factor/"
    call(second, {"challenge": challenge, "code": code}, status=401)  # shown once before
    watch.keep(
        "access token by a recovery code", call(second, {"challenge": challenge, "code": codes[0]})["access"]
    )
    phone = watch.keep("phone number", "+44 20 7946 0958")
    call("private/v1/users/me/", {"phone": phone}, bearer=access, method="patch")
    page = Client(raise_request_exception=False)
    for word in (NEW_PASSWORD, WRONG):
        assert page.post("/admin/login/", {"username": email, "password": word}).status_code == 200
    call("private/v1/users/me/", bearer=access + "x", status=401)
    call("private/v1/users/me/?token=" + access, status=401)
    return str(access)


def machines(watch: Watch, call: Caller, access: str) -> None:
    """A service's key, right and wrong, and a token in a body."""
    key = watch.keep("service key", keys.create_key(name="leaks", scopes=["*"]).plain)
    shown = {"Authorization": f"Api-Key {key}"}
    assert call("internal/v1/tokens/introspect/", {"token": access}, shown=shown)["active"] is True
    call(
        "internal/v1/tokens/introspect/",
        {"token": access},
        status=401,
        shown={"Authorization": f"Api-Key {key}x"},
    )


def sockets(watch: Watch, site: Site, access: str) -> list[str]:
    """A token in the query, as a subprotocol and in a header, and a ticket; right, wrong, broken. Returns the paths."""
    user = User.objects.get(email="grace.leak@example.com")
    paths = [socket_path(user) for socket_path in contributions("socket_path")]
    for path in paths:
        assert site.connect(f"{path}?token={access}").frame()["type"] == "welcome"
        assert site.connect(path, subprotocols=["bearer", access]).frame()["type"] == "welcome"
        assert site.connect(f"{path}?token={access}x").close_code() == 4401
        actor = users.authenticate_access(token=access)
        ticket = watch.keep("ticket", services.issue_ticket(actor=actor).ticket)
        assert site.connect(f"{path}?ticket={ticket}").frame()["type"] == "welcome"
        assert site.connect(f"{path}?ticket={ticket}").close_code() == 4401
        broken = f"GET {path}?token={access} HTTP/1.1\r\nBroken\r\n\r\n"
        assert b" 400 " in frames.converse(site.port, broken.encode())
    return paths


def faults(
    watch: Watch, call: Caller, site: Site, access: str, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors of ours while secrets are in hand: in every frame's variables, and in an exception's own words."""

    def fail(*_: Any, **given: Any) -> Any:
        raise RuntimeError(
            f"could not handle password={given.get('password', NEW_PASSWORD)!r} Bearer {access}"
        )

    body = {"email": "grace.leak@example.com", "password": NEW_PASSWORD}
    reported = len(watch.reports)
    with monkeypatch.context() as patched:
        patched.setattr(services, "login", fail)
        answer = call("public/v1/auth/login/", body, status=500)
        assert answer["code"] == "internal_error"
        assert NEW_PASSWORD not in json.dumps(answer)
        patched.setattr(users, "authenticate_access", fail)
        call("private/v1/users/me/", bearer=access, status=500)
        for path in paths:
            with site.connect(f"{path}?token={access}").connection as connection:
                assert connection.close_code is None
    assert len(watch.reports) > reported


def test_no_secret_is_in_a_log_or_a_report(
    watch: Watch, relayed: Callable[[], str], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Caller()
    access = accounts(watch, call, relayed)
    machines(watch, call, access)
    paths = sockets(watch, site, access)
    faults(watch, call, site, access, paths, monkeypatch)
    for kid, secret in settings.JWT_KEYS:
        watch.keep(f"signing key {kid}", secret)
    for number, secret in enumerate(settings.FIELD_ENCRYPTION_KEYS):
        watch.keep(f"field key {number}", secret)
    watch.keep("secret key", settings.SECRET_KEY)
    watch.keep("password of the database", settings.DATABASES["default"]["PASSWORD"])
    site.hang_up()
    assert watch.found() == []
    # There was output.
    said = watch.log.getvalue()
    redacted = [f"GET {path}?token=[redacted]" for path in paths]
    for word in ("http.request", "unexpected_error", "RuntimeError", *redacted):
        assert word in said or word in "".join(watch.reports), word
    assert len(watch.secrets) > 20
