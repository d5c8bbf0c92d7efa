"""The state that steps share: the installation and the accounts in it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from deploy.journey import slices
from deploy.journey.rest import Rest
from deploy.journey.stack import Stack
from deploy.journey.websocket import WebSocket

PUBLIC, PRIVATE, ADMIN, INTERNAL = (f"/api/{zone}/v1" for zone in ("public", "private", "admin", "internal"))


@dataclass
class Account:
    """A user's account. `rest` calls with its access token."""

    name: str
    email: str
    password: str
    rest: Rest
    id: str = ""
    refresh: str = ""

    def sign_in(self) -> None:
        """Log in and keep the pair of tokens."""
        body = {"email": self.email, "password": self.password}
        pair = Rest(self.rest.port).expect(200, "POST", f"{PUBLIC}/auth/login/", body).json
        assert pair["token_type"].lower() == "bearer", pair
        self.rest.token, self.refresh = pair["access"], pair["refresh"]


@dataclass
class World:
    """The installation under test, its accounts, and the tokens that were sent in addresses."""

    stack: Stack
    accounts: dict[str, Account] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)

    @property
    def nobody(self) -> Rest:
        """Calls without a token."""
        return Rest(self.stack.port)

    def account(self, name: str) -> Account:
        """The account of this name; the first time, one that is not registered."""
        if name not in self.accounts:
            email = f"{name}-{secrets.token_hex(3)}@example.com"
            self.accounts[name] = Account(name, email, secrets.token_urlsafe(18), Rest(self.stack.port))
        return self.accounts[name]

    def stored(self) -> dict[str, Any]:
        """The stored data of the installation: profiles, and data of slices."""
        found = {
            f"profile of {name}": self.account(name).rest.expect(200, "GET", f"{PRIVATE}/users/me/").json
            for name in ("ada", "bob")
        }
        return {**found, **{module.__name__: module.stored(self) for module in slices.modules("stored")}}

    def socket(self, account: Account | None, path: str, way: str = "header") -> WebSocket:
        """A socket of the account, or of nobody; the token travels by `header`, `subprotocol` or `query`."""
        headers = {}
        if account is not None and way == "header":
            headers["Authorization"] = f"Bearer {account.rest.token}"
        elif account is not None and way == "subprotocol":
            headers["Sec-WebSocket-Protocol"] = f"bearer, {account.rest.token}"
        elif account is not None:
            path += ("&" if "?" in path else "?") + f"token={account.rest.token}"
            self.tokens.append(account.rest.token)
        return WebSocket(self.stack.port, path, headers=headers)
