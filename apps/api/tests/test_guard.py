"""The guard is a floor: no declaration of a view admits a caller below it."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from django.test import Client

from apps.api.tests.conftest import ALL, CLOSED, FAKES, MACHINE, OFFICE, OPEN, WIDGETS, Serve, but
from apps.api.tests.fakes.standard_views import views
from apps.api.zones.mounting import mount
from apps.api.zones.table import Version, ZoneTable
from apps.common.slices import Slice
from infrastructure.telemetry import metrics

pytestmark = pytest.mark.django_db

PATHS = {
    "widget/": "get",
    "overridden/": "get",
    "function/": "get",
    "plain/": "get",
    "later/": "get",
    "class/": "get",
    "nested/deep/12/": "get",
    "widgets/": "get",
    "widgets/roll/": "post",
}
ADMITTED = {
    "open": {"anonymous", "user", "admin", "service"},
    "closed": {"user", "admin"},
    "machine": {"service"},
    "office": {"admin"},
}


def call(client: Client, path: str, caller: str = "anonymous", method: str = "get", **more):
    headers = {} if caller == "anonymous" else {"Authorization": f"Test {caller}"}
    return getattr(client, method)(path, headers={**headers, **more.pop("headers", {})}, **more)


@pytest.mark.parametrize("caller", ["anonymous", "user", "admin", "service"])
@pytest.mark.parametrize("name", list(ADMITTED))
def test_every_kind_of_view_is_behind_the_floor(serve: Serve, name: str, caller: str) -> None:
    client = serve()
    for path, method in PATHS.items():
        views.touched.clear()
        response = call(client, f"/api/{name}/v1/{path}", caller, method)
        if caller in ADMITTED[name]:
            assert response.status_code == 200, path
            assert len(views.touched) == 1
        else:
            assert response.status_code == (401 if caller == "anonymous" else 403), path
            assert response.json()["code"] == (
                "not_authenticated" if caller == "anonymous" else "permission_denied"
            )
            assert views.touched == []


EVASIVE_VIEWS = {
    "bare/": "get",
    "skipping/": "get",
    "dispatching/": "get",
    "forgiving/": "get",
    "function/": "get",
    "decorated/": "get",
    "partial/": "get",
    "object/": "get",
    "async-class/": "get",
    "open-gadgets/": "get",
    "router/gadgets/7/skim/": "post",
}


def with_evasive_views(serve: Serve, *changed: Any) -> Client:
    by_name = {zone.name: zone for zone in (*ALL, *changed)}
    gadget_zones = [
        but(zone, slices=("gadgets",), versions=(Version(name="v1"),)) for zone in by_name.values()
    ]
    return serve(*gadget_zones, slices=(Slice("gadgets", f"{FAKES}.evasive_views"),))


@pytest.mark.parametrize("name", list(ADMITTED))
def test_views_that_evade_drfs_checks_stay_behind_the_floor(serve: Serve, name: str) -> None:
    client = with_evasive_views(serve)
    for path, method in EVASIVE_VIEWS.items():
        url = f"/api/{name}/v1/{path}"
        # Admitted callers first: answers that a view caches must not reach the others.
        for caller in sorted(
            ("anonymous", "user", "admin", "service"), key=lambda caller: caller not in ADMITTED[name]
        ):
            views.touched.clear()
            response = call(client, url, caller, method)
            if caller in ADMITTED[name]:
                assert response.status_code == 200, (path, caller)
            else:
                assert response.status_code == (401 if caller == "anonymous" else 403), (path, caller)
                assert views.touched == [], path


def test_errors_of_guard_and_view_are_equal(serve: Serve) -> None:
    client = with_evasive_views(serve)
    by_zone = call(client, "/api/office/v1/bare/", "user")
    by_view = call(client, "/api/closed/v1/narrow/", "user")
    by_viewset = call(client, "/api/closed/v1/router/gadgets/", "user")
    for response in (by_zone, by_view, by_viewset):
        assert response.status_code == 403
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json() | {"request_id": ""} == by_zone.json() | {"request_id": ""}
    limited = call(client, "/api/closed/v1/limited/", "user")
    assert (limited.status_code, limited.json()["code"]) == (429, "too_many_requests")
    assert limited.headers["Retry-After"] == "3"
    assert limited.headers["RateLimit-Policy"] == '"10000-per-60s";q=10000;w=60'
    assert views.touched == []


def without_ids(response: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
    headers = {
        name: value for name, value in response.headers.items() if name not in ("X-Request-ID", "RateLimit")
    }
    return response.status_code, headers, response.json() | {"request_id": ""}


@pytest.mark.parametrize("method", ["get", "post", "delete", "trace"])
def test_known_and_unknown_routes_answer_outsiders_equally(serve: Serve, method: str) -> None:
    client = serve()
    answers = [
        without_ids(call(client, f"/api/closed/v1/{path}", method=method))
        for path in ("widget/", "widgets/roll/", "none/", "widget/none/")
    ]
    assert answers[0][0] == 401
    assert answers[1:] == answers[:-1]


def figures() -> dict[str, float]:
    return {
        f"{sample.labels['zone']} {sample.labels['code']}": sample.value
        for metric in metrics.ZONE_REFUSED.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


def test_refused_and_throttled_calls_are_logged_and_counted_by_zone(serve: Serve) -> None:
    client = with_evasive_views(serve, but(CLOSED, rates=("3/minute",), refused_rates=("1/minute",)))
    before = figures()
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        call(client, "/api/closed/v1/bare/")  # anonymous
        call(client, "/api/closed/v1/none/", "impostor")  # the address's limit
        call(client, "/api/closed/v1/narrow/", "user")  # the view
        call(client, "/api/closed/v1/limited/", "user")  # the view's own limit
        call(client, "/api/closed/v1/bare/", "user")  # in
        call(client, "/api/closed/v1/bare/", "user")  # the caller's limit
        call(client, "/api/office/schema.yaml", "user", REMOTE_ADDR="192.0.2.9")  # documentation
        call(client, "/api/office/v1/bare/", "user")  # known, not admitted
    refused = [f"{line['zone']} {line['code']}" for line in lines if line["event"] == "zone_refused"]
    assert refused == [
        "closed not_authenticated",
        "closed too_many_requests",
        "closed permission_denied",
        "closed too_many_requests",
        "closed too_many_requests",
        "office permission_denied",
        "office permission_denied",
    ]
    grown = {name: value - before.get(name, 0) for name, value in figures().items()}
    assert {name: count for name, count in grown.items() if count} == {
        "closed not_authenticated": 1,
        "closed permission_denied": 1,
        "closed too_many_requests": 3,
        "office permission_denied": 2,
    }
    assert lines[-2]["refused"] == lines[-1]["refused"] == "user:ada"
    assert [line["zone"] for line in lines if line["event"] == "http.request"] == ["closed"] * 6 + [
        "office"
    ] * 2


def test_a_throttled_reader_of_documentation_gets_retry_after(serve: Serve) -> None:
    client = serve(but(OFFICE, refused_rates=("1/minute",)))
    answers = [call(client, "/api/office/schema.yaml") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 429]
    assert int(answers[1].headers["Retry-After"]) >= 1
    assert answers[1].headers["RateLimit-Policy"] == '"1-per-60s";q=1;w=60'


@pytest.mark.parametrize(
    "path", ["", "v1/", "v1/none/", "v9/", "v1/widget", "v1/nested/deep/1234/", "%ff", "v1/../x"]
)
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options", "head"])
def test_a_guarded_zone_does_not_reveal_its_routes(serve: Serve, path: str, method: str) -> None:
    response = call(serve(), f"/api/closed/{path}", method=method)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_wrong_method_is_401_first_and_405_inside(serve: Serve) -> None:
    client = serve()
    assert call(client, "/api/closed/v1/widget/", method="delete").status_code == 401
    refused = call(client, "/api/closed/v1/widget/", "user", "delete")
    assert refused.status_code == 405
    assert refused.headers["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert refused.json()["code"] == "method_not_allowed"
    plain = call(client, "/api/closed/v1/class/", "user", "post")
    assert (plain.status_code, plain.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert plain.json()["code"] == "method_not_allowed"


def test_an_unknown_path_inside_is_404(serve: Serve) -> None:
    response = call(serve(), "/api/closed/v1/none/", "user")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "not_found"


def test_a_bad_credential_is_refused_in_an_open_zone(serve: Serve) -> None:
    response = call(serve(), "/api/open/v1/widget/", "impostor")
    assert response.status_code == 401
    assert views.touched == []


def test_drf_sees_the_guards_caller(serve: Serve) -> None:
    client = serve()
    assert call(client, "/api/closed/v1/overridden/", "user").json()["name"] == "Caller"
    assert call(client, "/api/open/v1/overridden/").json()["name"] == "NoneType"
    assert call(client, "/api/open/v1/plain/", "user").json() == {"caller": "user", "zone": "open"}


def test_rates_are_counted_by_caller_and_sent_in_headers(serve: Serve) -> None:
    client = serve(but(CLOSED, rates=("3/minute",)))
    answers = [call(client, "/api/closed/v1/widget/", "user") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"3-per-60s";q=3;w=60'
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 66
    assert answers[3].json()["code"] == "too_many_requests"
    assert call(client, "/api/closed/v1/widget/", "admin").status_code == 200
    assert len(views.touched) == 4


def test_an_open_zone_counts_every_caller_by_address(serve: Serve) -> None:
    client = serve(but(OPEN, rates=("2/minute",)))
    assert call(client, "/api/open/v1/widget/", "user").status_code == 200
    assert call(client, "/api/open/v1/widget/", "admin").status_code == 200
    assert call(client, "/api/open/v1/widget/").status_code == 429
    assert call(client, "/api/open/v1/widget/", REMOTE_ADDR="192.0.2.7").status_code == 200


def test_refused_calls_count_for_their_address_only(serve: Serve) -> None:
    client = serve(but(CLOSED, refused_rates=("2/minute",)))
    statuses = [
        call(client, "/api/closed/v1/widget/", caller).status_code for caller in ("x", "anonymous", "y")
    ]
    assert statuses == [401, 401, 429]
    refused = call(client, "/api/closed/v1/widget/", "x", REMOTE_ADDR="192.0.2.8")
    assert refused.headers["RateLimit-Policy"] == '"2-per-60s";q=2;w=60'
    assert refused.headers["RateLimit"].startswith('"2-per-60s";r=1;t=')
    assert call(client, "/api/closed/v1/widget/", "user").status_code == 200
    assert call(client, "/api/closed/v1/widget/", "x", REMOTE_ADDR="192.0.2.7").status_code == 401


def test_a_known_caller_without_access_is_counted_as_a_caller(serve: Serve) -> None:
    client = serve(but(OFFICE, rates=("2/minute",)))
    statuses = [call(client, "/api/office/v1/widget/", "user").status_code for _ in range(3)]
    assert statuses == [403, 403, 429]
    assert call(client, "/api/office/v1/widget/", "admin").status_code == 200


def test_each_of_several_limits_applies(serve: Serve) -> None:
    client = serve(but(CLOSED, rates=("100/hour", "1/second")))
    first = call(client, "/api/closed/v1/widget/", "user")
    assert first.headers["RateLimit-Policy"] == '"100-per-3600s";q=100;w=3600, "1-per-1s";q=1;w=1'
    assert first.headers["RateLimit"].startswith('"1-per-1s";r=0;t=')


def test_a_cookie_session_opens_no_zone(serve: Serve, admin_client: Client) -> None:
    serve()
    assert admin_client.get("/api/office/v1/widget/").status_code == 401
    assert admin_client.get("/api/closed/v1/widget/").status_code == 401


def test_an_idempotency_key_repeats_only_the_answer(serve: Serve) -> None:
    client = serve()
    body = {"name": "blue", "weight": 3}
    headers = {"Idempotency-Key": "k-1"}
    one, two = (
        call(
            client,
            "/api/closed/v1/widget/",
            "user",
            "post",
            data=body,
            content_type="application/json",
            headers=headers,
        )
        for _ in range(2)
    )
    assert (one.status_code, two.status_code) == (201, 201)
    assert one.content == two.content
    assert views.touched == ["made"]
    other = call(
        client,
        "/api/closed/v1/widget/",
        "user",
        "post",
        data=body | {"weight": 4},
        content_type="application/json",
        headers=headers,
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert "RateLimit" in other.headers
    bad = call(client, "/api/closed/v1/widget/", "user", "post", headers={"Idempotency-Key": "ü"})
    assert (bad.status_code, bad.json()["code"]) == (400, "idempotency_key_invalid")


def test_an_unknown_method_is_a_405_with_any_idempotency_key(serve: Serve) -> None:
    client, headers = serve(), {"Authorization": "Test user", "Idempotency-Key": "k-1"}
    made = client.post(
        "/api/closed/v1/widget/",
        {"name": "blue", "weight": 3},
        content_type="application/json",
        headers=headers,
    )
    assert made.status_code == 201
    asked = client.generic("QUERY", "/api/closed/v1/widget/", b"{}", "application/json", headers=headers)
    assert (asked.status_code, asked.json()["code"]) == (405, "method_not_allowed")
    put = client.put("/api/closed/v1/widget/", b"{}", "application/json", headers=headers)
    assert (put.status_code, put.json()["code"]) == (405, "method_not_allowed")


def hook(request, call):
    """The middleware of a test zone."""
    views.touched.append("before")
    response = call()
    response.headers["X-Hook"] = request.zone.name
    return response


def test_a_zones_middleware_runs_for_admitted_calls_only(serve: Serve) -> None:
    client = serve(but(CLOSED, middleware=(f"{__name__}.hook",)))
    assert call(client, "/api/closed/v1/widget/").status_code == 401
    assert views.touched == []
    assert call(client, "/api/closed/v1/widget/", "user").headers["X-Hook"] == "closed"
    assert views.touched == ["before", "widget"]


def test_wrapped_callbacks_keep_their_attributes() -> None:
    mounted = mount(ZoneTable(ALL), (WIDGETS,))
    for endpoint in mounted.endpoints:
        callback: Any = endpoint.callback
        assert callback.csrf_exempt is True
        assert callback.guard.zone.name == endpoint.zone
    widget: Any = next(
        item.callback for item in mounted.endpoints if item.name == "api:closed:v1:widgets:widget"
    )
    assert widget.cls is views.Widget
    roll: Any = next(item.callback for item in mounted.endpoints if item.path.endswith("/widgets/roll/"))
    assert roll.actions == {"post": "roll"}
    assert {item.zone for item in mounted.endpoints} == {"open", "closed", "machine", "office"}
    assert {MACHINE.name, OFFICE.name} <= {document.zone.name for document in mounted.documents}
