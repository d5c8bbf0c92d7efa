"""docs/flows/authenticated-request.md: view → selector → database, and the guard's query."""

from __future__ import annotations

from collections.abc import Callable

from apps.common.testing.processes import Site


def test_request_through_guard_view_service_and_selector(serve: Callable[[], Site]) -> None:
    site = serve()
    ada = site.join("ada")
    me = "/api/private/v1/users/me/"

    answer = site.http.get(me, headers={**ada.headers, "X-Request-ID": "flow-request-1"})
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["email"]) == (ada.id, ada.email)
    assert answer.headers["X-Request-ID"] == "flow-request-1"
    assert answer.headers["Content-Type"] == "application/json"

    changed = site.http.patch(me, json={"name": "Ada L."}, headers=ada.headers)
    assert changed.status_code == 200, changed.text
    assert site.http.get(me, headers=ada.headers).json()["name"] == "Ada L."

    for path in (me, "/api/private/v1/no/such/thing/"):  # without a token the zone refuses before any view
        refused = site.http.get(path)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert refused.headers["Content-Type"] == "application/problem+json"
