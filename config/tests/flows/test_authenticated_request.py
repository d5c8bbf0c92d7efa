"""docs/flows/authenticated-request.md: view → selector → database, and what the guard asks on the way."""

from __future__ import annotations

from collections.abc import Callable

from config.tests.flows.conftest import Site


def test_signed_in_person_reads_their_account(serve: Callable[[], Site]) -> None:
    site = serve()
    ada = site.join("ada")
    answer = site.http.get("/api/private/v1/users/me/", headers={**ada.headers, "X-Request-ID": "flow-request-1"})
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["email"]) == (ada.id, ada.email)
    assert answer.headers["X-Request-ID"] == "flow-request-1"
    assert answer.headers["Content-Type"] == "application/json"


def test_change_goes_through_service_to_the_database(serve: Callable[[], Site]) -> None:
    site = serve()
    ada = site.join("ada")
    changed = site.http.patch("/api/private/v1/users/me/", json={"name": "Ada L."}, headers=ada.headers)
    assert changed.status_code == 200, changed.text
    assert site.http.get("/api/private/v1/users/me/", headers=ada.headers).json()["name"] == "Ada L."


def test_without_a_token_the_zone_refuses_before_any_view(serve: Callable[[], Site]) -> None:
    site = serve()
    for path in ("/api/private/v1/users/me/", "/api/private/v1/no/such/thing/"):
        answer = site.http.get(path)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert answer.headers["Content-Type"] == "application/problem+json"
