"""The table of providers: valid and invalid rows."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure import oauth
from infrastructure.oauth.tests.provider import SITE

ROW = {"name": "acme", "issuer": "https://acme.example", "client_id": "x"}


@pytest.mark.parametrize(
    "rows",
    [
        {"name": "acme"},
        ["acme"],
        [{"name": "acme"}],
        [{**ROW, "colour": "red"}],
        [{**ROW, "name": "A b"}],
        [{**ROW, "issuer": "http://acme.example"}],
        [{**ROW, "client_id": ""}],
        [{**ROW, "scopes": ["email"]}],
        [{**ROW, "algorithms": ["HS256"]}],
        [{**ROW, "algorithms": ["none"]}],
        [ROW, ROW],
        [{**ROW, "issuer": "https://["}],
        [{**ROW, "client_id": None}],
        [{**ROW, "client_id": 5}],
        [{**ROW, "scopes": "openid"}],
        [{**ROW, "scopes": ["openid", 5]}],
        [{**ROW, "type": "saml"}],
        [{**ROW, "type": []}],
        [{**ROW, "token_endpoint": "https://acme.example/token"}],
        [{**ROW, "type": "oauth2"}],
        [{"type": "github"}],
        [{"type": "github", "client_id": "x", "algorithms": ["RS256"]}],
        [{"type": "github", "client_id": "x", "userinfo_endpoint": "http://api.example/user"}],
        [{"type": "github", "client_id": "x", "emails_endpoint": "ftp://api.example/user"}],
        [{"type": "github", "client_id": "x", "token_endpoint_auth_method": "private_key_jwt"}],
    ],
    ids=str,
)
def test_an_invalid_table_is_refused(rows: Any) -> None:
    with pytest.raises(oauth.ProviderTableError):
        oauth.providers(rows, site=SITE)


def test_the_table() -> None:
    (row,) = oauth.providers([{**ROW, "redirect_uri": "https://app.example/back"}], site=SITE).values()
    assert (row.title, row.redirect_uri, row.client_secret) == ("Acme", "https://app.example/back", "")
