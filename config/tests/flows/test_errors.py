"""docs/flows/errors.md: a domain exception, raised in a service, as a problem document."""

from __future__ import annotations

from collections.abc import Callable

from apps.common.testing.processes import PASSWORD, Site


def test_failures_are_problem_documents(serve: Callable[[], Site]) -> None:
    site = serve()
    ada = site.join("ada")

    taken = site.http.post(
        "/api/public/v1/auth/register/",
        json={"email": ada.email.upper(), "name": "Another", "password": PASSWORD},
        headers={"X-Request-ID": "flow-errors-1"},
    )
    assert (taken.status_code, taken.headers["Content-Type"]) == (409, "application/problem+json")
    problem = taken.json()
    assert (problem["status"], problem["code"], problem["request_id"]) == (
        409,
        "email_taken",
        "flow-errors-1",
    )
    assert set(problem) == {"type", "title", "status", "detail", "code", "request_id", "errors"}

    invalid = site.http.post(
        "/api/public/v1/auth/register/", json={"email": "no address", "password": PASSWORD}
    )
    assert invalid.status_code == 400
    assert {error["field"] for error in invalid.json()["errors"]} == {"email", "name"}
