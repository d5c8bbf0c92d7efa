"""Providers on this machine, of OpenID Connect and one like GitHub: PKCE checked, and every fault that a test asks for."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from jwt.algorithms import ECAlgorithm

from infrastructure import oauth

CLIENT, SECRET = "acme:client", "a secret/of the + client"


SITE = "http://127.0.0.1:8000"


def read(row: dict[str, Any]) -> oauth.Provider:
    """The one provider of a table with this row."""
    (provider,) = oauth.providers([row], site=SITE).values()
    return provider


class TestProvider:
    """Its answers can be changed by attributes: `metadata`, `claims`, `header`, `sign`, `answer`, `keys`, `returns`."""

    __test__ = False

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.metadata: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "authorization_response_iss_parameter_supported": True,
        }
        self.keys: dict[str, EllipticCurvePrivateKey] = {}
        self.rotate("first")
        self.claims: dict[str, Any] = {
            "sub": "subject-1",
            "email": "ada@example.com",
            "email_verified": True,
            "name": "Ada Lovelace",
        }
        self.header: dict[str, Any] = {}
        self.token_answer: dict[str, Any] = {}
        self.more_keys: list[Any] = []
        self.status = 200
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        # Changed parameters of the return; None omits one.
        self.returns: dict[str, str | None] = {}
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}

    def rotate(self, kid: str) -> None:
        """Sign with a new key from now on; the old one is withdrawn."""
        self.keys = {kid: generate_private_key(SECP256R1())}

    def signed(self, claims: dict[str, Any]) -> str:
        """An ID token of these claims; None removes one."""
        ((kid, key),) = self.keys.items()
        return jwt.encode(
            {name: value for name, value in claims.items() if value is not None},
            key,
            algorithm="ES256",
            headers={"kid": kid, **self.header},
        )

    def consent(self, url: str) -> dict[str, str]:
        """The parameters of a return after a sign-in at this authorization URL."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert asked["client_id"] == CLIENT
        code = uuid4().hex
        self._codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def authorize(self, path: str) -> str:
        """The URL that a browser is redirected to, without any question to the user."""
        back: dict[str, str | None] = {**self.consent(path), **self.returns}
        asked = parse_qs(urlsplit(path).query)
        query = urlencode({name: value for name, value in back.items() if value is not None})
        return f"{asked['redirect_uri'][0]}&{query}"

    def get(self, path: str, authorization: str) -> tuple[int, Any]:
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return self.status, self.metadata
        if path == "/keys":
            return 200, {
                "keys": [
                    {
                        **json.loads(ECAlgorithm.to_jwk(key.public_key())),
                        "kid": kid,
                        "use": "sig",
                        "alg": "ES256",
                    }
                    for kid, key in self.keys.items()
                ]
                + self.more_keys
            }
        return 404, {}

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        self.asked.append("/token")
        basic = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        asked = self._taken_code(form)
        if asked is None or (unquote_plus(basic[0]), unquote_plus(basic[2])) != (CLIENT, SECRET):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.claims,
        }
        return 200, {
            "access_token": "opaque",
            "token_type": "Bearer",
            "id_token": self.sign(claims),
            **self.token_answer,
        }

    def _taken_code(self, form: dict[str, str]) -> dict[str, str] | None:
        """The authorization request of a code, if code and verifier are valid."""
        asked = self._codes.pop(form.get("code", ""), None)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            asked is None
            or form.get("redirect_uri") != asked["redirect_uri"]
            or base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() != asked["code_challenge"]
        ):
            return None
        return asked

    def row(self, **changes: Any) -> dict[str, Any]:
        """Its row of OIDC_PROVIDERS."""
        return {
            "name": "henge",
            "title": "Henge",
            "issuer": self.issuer,
            "client_id": CLIENT,
            "client_secret": SECRET,
            **changes,
        }


class TestGitHub(TestProvider):
    """Plain OAuth 2.0 like GitHub: errors of the token endpoint are 200, addresses are a separate list."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.user: Any = {"id": 583231, "login": "ada", "name": "Ada Lovelace", "email": "shown@example.com"}
        self.emails: Any = [
            {"email": "old@example.com", "primary": False, "verified": True},
            {"email": "ada@example.com", "primary": True, "verified": True},
        ]
        self.refused_path = ""

    def consent(self, url: str) -> dict[str, str]:
        """GitHub sends no `iss`."""
        assert "nonce=" not in url
        back = super().consent(url)
        return {name: value for name, value in back.items() if name != "iss"}

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        self.asked.append("/token")
        if authorization or (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return 200, {"error": "incorrect_client_credentials"}
        if self._taken_code(form) is None:
            return 200, {"error": "bad_verification_code", "error_description": "The code is incorrect."}
        return 200, {"access_token": "gho_x", "token_type": "bearer", "scope": "", **self.token_answer}

    def get(self, path: str, authorization: str) -> tuple[int, Any]:
        self.asked.append(path)
        if authorization != "Bearer gho_x" or path == self.refused_path:
            return 401, {"message": "Requires authentication"}
        return 200, {"/user": self.user, "/user/emails": self.emails}[path]

    def row(self, **changes: Any) -> dict[str, Any]:
        """Its row of OIDC_PROVIDERS: GitHub's, on this machine."""
        return {
            "type": "github",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/user",
            "emails_endpoint": f"{self.issuer}/user/emails",
            **changes,
        }


_P = TypeVar("_P", bound=TestProvider)


def running() -> AbstractContextManager[TestProvider]:
    """A provider of OpenID Connect that answers on a free port of this machine."""
    return _running(TestProvider)


def running_github() -> AbstractContextManager[TestGitHub]:
    """One like GitHub."""
    return _running(TestGitHub)


@contextmanager
def _running(kind: type[_P]) -> Iterator[_P]:

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/authorize?"):
                self.send_response(303)
                self.send_header("Location", provider.authorize(self.path))
                self.end_headers()
            else:
                self.answer(*provider.get(self.path, self.headers.get("Authorization", "")))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self.answer(*provider.token(form, self.headers.get("Authorization", "")))

        def answer(self, status: int, value: Any) -> None:
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == 302:
                self.send_header("Location", f"{provider.issuer}/keys?{urlencode({'a': 1})}")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = kind(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
