"""Every failure below /api/ is a problem document, and reveals nothing internal."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from apps.api import problems
from apps.api.openapi import error_codes
from apps.api.tests.conftest import Serve
from apps.common import exceptions

pytestmark = pytest.mark.django_db

MEMBERS = ["type", "title", "status", "detail", "code", "request_id", "errors"]
CASES = [
    ("domain", 409, "widget_taken"),
    ("gone", 410, "gone"),
    ("unprocessable", 422, "unprocessable"),
    ("too-many", 429, "too_many_requests"),
    ("unavailable", 503, "unavailable"),
    ("http404", 404, "not_found"),
    ("denied", 403, "permission_denied"),
    ("suspicious", 400, "bad_request"),
    ("data", 400, "invalid_input"),
    ("database", 503, "unavailable"),
    ("acceptable", 406, "not_acceptable"),
    ("throttled", 429, "too_many_requests"),
    ("validation", 400, "invalid_input"),
    ("whole", 400, "invalid_input"),
    ("bug", 500, "internal_error"),
]


@pytest.mark.parametrize("way", ["fail", "fail-rest"])
@pytest.mark.parametrize(("kind", "status", "code"), CASES)
def test_errors_are_translated_equally_with_and_without_drf(
    serve: Serve, way: str, kind: str, status: int, code: str
) -> None:
    response = serve().get(f"/api/open/v1/{way}/{kind}/", headers={"X-Request-ID": "abcdef123456"})
    body = response.json()
    assert (response.status_code, body["code"], body["status"]) == (status, code, status)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert list(body) == MEMBERS
    assert body["type"] == f"/api/problems/#{code}"
    assert body["request_id"] == response.headers["X-Request-ID"] == "abcdef123456"
    assert "secret words" not in response.text
    if status in (429, 503):
        expected = {"too-many": "7", "unavailable": "3", "database": "2", "throttled": "2"}[kind]
        assert response.headers["Retry-After"] == expected


def test_nested_validation_errors_are_one_list_of_paths(serve: Serve) -> None:
    body = serve().get("/api/open/v1/fail-rest/validation/").json()
    assert [(error["field"], error["code"], error["detail"]) for error in body["errors"]] == [
        ("a.b", "invalid", "x"),
        ("a.b", "invalid", "y"),
        ("c.1.d", "invalid", "z"),
    ]
    whole = serve().get("/api/open/v1/fail-rest/whole/").json()
    assert [error["field"] for error in whole["errors"]] == [""]


def test_a_domain_failures_own_field_errors_are_kept(serve: Serve) -> None:
    body = serve().get("/api/open/v1/fail/domain/").json()
    assert body["errors"] == [{"field": "name", "code": "taken", "detail": "Taken."}]
    assert body["detail"] == "Another call was faster."


def test_serializer_errors_name_field_and_code(serve: Serve) -> None:
    response = serve().post("/api/open/v1/widget/", {"weight": 0}, content_type="application/json")
    assert response.status_code == 400
    errors = response.json()["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [
        ("name", "required"),
        ("weight", "min_value"),
    ]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "invalid_json"),
        (b'{"name": "a", "name": "b", "weight": 1}', "application/json", 400, "duplicate_key"),
        (b'{"name": "\\ud800", "weight": 1}', "application/json", 400, "invalid_json"),
        (b'{"name": "a\\u0000", "weight": 1}', "application/json", 400, "null_character"),
        (b"[" * 40 + b"]" * 40, "application/json", 400, "too_deep"),
        (b"name=a", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"{}", "application/json; charset=utf-16", 415, "unsupported_media_type"),
        (b'"' + b"x" * 2_000_000 + b'"', "application/json", 413, "payload_too_large"),
        (b'{"name": "a", "weight": 1e400}', "application/json", 400, "invalid_json"),
        (b'{"name": "a", "weight": 99999999999999999999999}', "application/json", 400, "invalid_input"),
        (b"[1]", "application/json", 400, "invalid_input"),
        (b"null", "application/json", 400, "invalid_input"),
    ],
)
def test_bad_bodies_are_4xx_problems(
    serve: Serve, body: bytes, content_type: str, status: int, code: str
) -> None:
    response = serve().generic("POST", "/api/open/v1/widget/", body, content_type)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"


def test_error_responses_of_plain_views_become_problems(serve: Serve) -> None:
    client = serve()
    refused = client.get("/api/open/v1/fail/response/")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert "<h1>" not in refused.text
    odd = client.get("/api/open/v1/fail/teapot/")
    assert (odd.status_code, odd.json()["code"]) == (418, "error")
    assert client.get("/api/open/v1/fail/unheard/").json()["status"] == 499
    method = client.get("/api/open/v1/fail/method/")
    assert (method.status_code, method.headers["Allow"]) == (405, "PATCH")


def test_unknown_zones_hosts_and_pages_elsewhere(serve: Serve) -> None:
    client = serve()
    assert client.get("/api/nowhere/").json()["code"] == "not_found"
    assert client.get("/api/open").json()["code"] == "not_found"
    assert client.get("/api").json()["code"] == "not_found"
    host = client.get("/api/open/v1/widget/", headers={"Host": "evil.example"})
    assert (host.status_code, host.json()["code"]) == (400, "bad_request")
    assert client.get("/elsewhere").headers["Content-Type"] == "text/html; charset=utf-8"


def test_an_unexpected_failure_is_logged_once_with_its_cause(serve: Serve, caplog) -> None:
    serve().get("/api/open/v1/fail-rest/bug/")
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.msg["event"] for record in errors] == ["unexpected_error"]
    assert isinstance(errors[0].msg["exc_info"], ZeroDivisionError)


def test_handlers_answer_pages_in_html_and_the_api_in_problems() -> None:
    page, api = RequestFactory().get("/page"), RequestFactory().get("/api/x")
    cause = Exception("secret words")
    for handler, status in (
        (problems.bad_request, 400),
        (problems.permission_denied, 403),
        (problems.not_found, 404),
    ):
        answers = [handler(page, cause), handler(api, cause)]
        assert [answer.status_code for answer in answers] == [status, status]
        assert answers[0].headers["Content-Type"].startswith("text/html")
        assert answers[1].headers["Content-Type"] == "application/problem+json"
    assert problems.server_error(page).headers["Content-Type"].startswith("text/html")
    assert json.loads(problems.server_error(api).content)["code"] == "internal_error"


def test_a_page_without_its_database_is_an_html_503() -> None:
    try:
        raise OperationalError("10.0.0.7 refused")
    except OperationalError:
        answer = problems.server_error(RequestFactory().get("/admin/"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert b"10.0.0.7" not in answer.content


def test_each_kind_has_its_status_and_a_failure_without_a_kind_is_a_400() -> None:
    class Odd(exceptions.DomainError):
        code = "odd"

    assert problems.status_of(Odd) == 400
    assert {kind.__name__: status for kind, status in problems.STATUS_OF_KIND.items()} == {
        "InvalidInput": 400,
        "NotAuthenticated": 401,
        "Denied": 403,
        "NotFound": 404,
        "Conflict": 409,
        "Gone": 410,
        "RangeNotSatisfiable": 416,
        "Unprocessable": 422,
        "TooManyRequests": 429,
        "Unavailable": 503,
    }


def test_the_catalogue_lists_each_code_once_with_its_status(serve: Serve) -> None:
    client: Client = serve()
    listed = client.get("/api/problems/").json()["problems"]
    codes = {item["code"]: item["status"] for item in listed}
    assert len(codes) == len(listed)
    assert codes["service_key_refused"] == 401
    assert codes["internal_error"] == 500
    assert codes["idempotency_in_flight"] == 409
    assert "widget_taken" not in codes
    page = client.get("/api/problems/", headers={"Accept": "text/html"})
    assert 'id="service_key_refused"' in page.text
    assert client.post("/api/problems/").status_code == 405


def test_a_code_with_two_statuses_is_found(monkeypatch) -> None:
    class One(exceptions.Conflict):
        code = "same"

    class Two(exceptions.Gone):
        code = "same"

    monkeypatch.setattr(error_codes, "declared", lambda: [One, Two])
    assert error_codes.clashes() == [("same", [409, 410])]
