"""Requests through the whole chain of middleware."""

from __future__ import annotations

import io
import json
import re

import pytest
import sentry_sdk
import structlog
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, RequestFactory
from sentry_sdk.integrations.django import DjangoIntegration

from apps.common.http.middleware.body_limits import BodyLimitMiddleware
from apps.common.http.middleware.pages import PagesMiddleware
from infrastructure.problem_documents import CONTENT_TYPE
from infrastructure.product import PRODUCT
from infrastructure.server.wsgi_bridge import PROBLEM
from infrastructure.telemetry import context

pytestmark = [pytest.mark.urls("apps.common.tests.urls")]


@pytest.fixture
def web():
    return Client(raise_request_exception=False)


@pytest.fixture
def lines():
    with structlog.testing.capture_logs() as captured:
        yield captured


class TestRequestContext:
    def test_answers_have_a_content_length(self, web):
        answer = web.get("/healthz")
        assert answer.headers["Content-Length"] == str(len(answer.content))

    @pytest.mark.parametrize("offered", ["a", "abc-123", "Z" * 128, "trace.id_1-2", "..."])
    def test_a_valid_request_id_is_kept(self, web, offered):
        answer = web.get("/api/echo/", headers={"x-request-id": offered})
        assert answer["X-Request-ID"] == offered
        assert answer.json()["id"] == offered

    @pytest.mark.parametrize(
        "offered", ["", "a" * 129, "with space", "new\nline1", "esc\x1b[31m", "ünicode1", "semi;colon"]
    )
    def test_an_invalid_request_id_is_replaced(self, web, offered):
        answer = web.get("/api/echo/", headers={"x-request-id": offered})
        assert re.fullmatch(r"[0-9a-f]{32}", answer["X-Request-ID"])
        assert answer.json()["id"] == answer["X-Request-ID"]

    @pytest.mark.parametrize("path", ["/api/echo/", "/page/", "/api/nowhere/", "/api/broken/", "/nowhere"])
    def test_every_answer_has_an_id_and_one_log_event(self, web, lines, path):
        answer = web.get(f"{path}?token=secret")
        assert answer["X-Request-ID"]
        [line] = [line for line in lines if line["event"] == "http.request"]
        assert (line["method"], line["path"], line["status"]) == ("GET", path, answer.status_code)
        assert (line["zone"], line["caller"]) == ("", "")
        assert line["ms"] >= 0
        assert "secret" not in repr(lines)

    def test_zone_and_caller_are_logged(self, web, lines):
        web.get("/api/service/7/")
        [line] = [line for line in lines if line["event"] == "http.request"]
        assert (line["zone"], line["caller"], line["path"]) == (
            "internal",
            "service:billing",
            "/api/service/7/",
        )
        labels = 'method="GET",operation="api/service/<int:number>/",status="200",zone="internal"'
        assert f"{PRODUCT.identifier}_http_request_seconds_count{{{labels}}} 1.0" in web.get("/metrics").text

    def test_successful_probes_are_not_logged(self, web, lines):
        web.get("/healthz")
        assert [line["log_level"] for line in lines if line["event"] == "http.request"] == ["debug"]

    def test_an_error_handler_that_fails_returns_a_problem(self, web, lines):
        answer = web.get("/api/broken/?handler")
        assert answer.status_code == 500
        assert answer["Content-Type"] == CONTENT_TYPE
        assert answer.json()["code"] == "internal_error"
        assert answer.json()["request_id"] == answer["X-Request-ID"]
        assert "http.error_handler_failed" in [line["event"] for line in lines]

    def test_the_context_of_the_last_request_is_cleared(self, web):
        context.bind(left_behind=1)
        web.get("/api/echo/")
        assert "left_behind" not in structlog.contextvars.get_contextvars()


class TestSecurityHeaders:
    def test_headers_of_the_api(self, web):
        headers = web.get("/api/echo/").headers
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Permissions-Policy"].startswith("accelerometer=()")
        assert "Strict-Transport-Security" not in headers
        assert headers["Vary"] == "origin"
        assert "Set-Cookie" not in headers

    def test_headers_of_a_page_without_inline_code(self, web):
        headers = web.get("/page/").headers
        policy = headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "connect-src 'self' ws://testserver;" in policy
        assert "unsafe" not in policy
        assert headers["X-Frame-Options"] == "DENY"
        assert "Cache-Control" not in headers

    @pytest.mark.parametrize("path", ["/page/", "/api/docs/"])
    def test_the_policy_has_a_nonce_if_the_page_reads_it(self, web, path):
        first, second = web.get(f"{path}?nonce"), web.get(f"{path}?nonce")
        nonce = re.fullmatch(r"<p>([\w-]{24})</p>", first.text)[1]
        assert f"script-src 'self' 'nonce-{nonce}';" in first["Content-Security-Policy"]
        assert nonce not in second.text
        assert first["X-Frame-Options"] == "DENY"
        assert ("Cache-Control" in first.headers) is path.startswith("/api/")

    def test_a_view_may_set_headers(self, web):
        headers = web.get("/api/own/").headers
        assert headers["Cache-Control"] == "max-age=60"
        assert headers["Content-Security-Policy"] == "default-src 'self'"

    @pytest.mark.parametrize("path", ["/api/echo/", "/page/"])
    def test_foreign_hosts_are_refused(self, web, path):
        answer = web.get(path, headers={"host": "evil.example"})
        assert answer.status_code == 400
        assert answer.json() == {"code": "DisallowedHost"}
        assert answer["X-Request-ID"]

    def test_api_calls_without_tls_are_refused(self, web, settings):
        settings.SECURE_SSL_REDIRECT = True
        settings.SECURE_HSTS_SECONDS = 60
        settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
        settings.SECURE_HSTS_PRELOAD = True
        plain = web.get("/api/echo/")
        assert (plain.status_code, plain.json()["code"]) == (403, "tls_required")
        assert "Strict-Transport-Security" not in plain
        moved = web.get("/page/")
        assert (moved.status_code, moved["Location"]) == (301, "https://testserver/page/")
        for path in ("/api/echo/", "/page/"):
            answer = web.get(path, secure=True)
            assert answer.status_code == 200
            assert answer["Strict-Transport-Security"] == "max-age=60; includeSubDomains; preload"
        assert "connect-src 'self' wss://testserver;" in answer["Content-Security-Policy"]


class TestAddressText:
    @pytest.mark.parametrize("path", ["/api/echo/%00", "/page/%00/", "/static/%00", "/media/a%00b", "/%00"])
    def test_a_path_that_is_not_text_is_refused(self, web, path):
        answer = web.get(path)
        assert (answer.status_code, answer["Content-Type"]) == (400, CONTENT_TYPE)
        assert answer.json()["code"] == "bad_request"
        assert answer["X-Request-ID"] == answer.json()["request_id"]
        assert answer["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize(
        "query", ["a=%00", "%00=a", "a=%ff", "a=%ed%a0%80", "a=%C3", "a=\xff", "a=b%00c&d=e"]
    )
    def test_a_query_string_that_is_not_text_is_refused(self, web, query):
        answer = web.get("/api/echo/", QUERY_STRING=query)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")

    @pytest.mark.parametrize(
        "query", ["", "a=%20%25", "a=%C3%A9", "a=%zz", "a=%", "a=%EF%BF%BD", "%F0%9F%91%A9"]
    )
    def test_valid_text_is_accepted(self, web, query):
        assert web.get("/api/echo/", QUERY_STRING=query).status_code == 200

    def test_a_path_may_have_letters_of_any_script(self, web):
        assert web.get("/api/%D0%B6/").status_code == 404

    @pytest.mark.parametrize("path", ["/api/%ff/", "/api/%ed%a0%80/", "/api/%c0%80/"])
    def test_bytes_that_are_not_text_match_no_route(self, web, path):
        assert web.get(path).status_code == 404


class TestBodyLimit:
    def test_a_body_over_the_limit_is_refused(self, web, settings):
        settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
        assert web.post("/api/echo/", b"x" * 100, content_type="application/json").json()["size"] == 100
        answer = web.post("/api/echo/", b"x" * 101, content_type="application/json")
        assert (answer.status_code, answer["Content-Type"]) == (413, CONTENT_TYPE)
        assert answer.json()["code"] == "payload_too_large"
        assert answer.json()["request_id"] == answer["X-Request-ID"]

    def test_forms_with_files_may_be_longer(self, web, settings):
        settings.MAX_BODY_BYTES, settings.MAX_UPLOAD_BYTES = 100, 10_000
        kind = "multipart/form-data; boundary=x"
        assert web.post("/api/echo/", b"x" * 75_000, content_type=kind).status_code == 200
        assert web.post("/api/echo/", b"x" * 76_000, content_type=kind).status_code == 413

    @pytest.mark.parametrize("length", ["-1", "1e3", "ten", "٣"])
    def test_a_length_is_a_number(self, web, length):
        answer = web.post("/api/echo/", b"{}", content_type="application/json", CONTENT_LENGTH=length)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")

    @pytest.mark.parametrize(("size", "status"), [(0, 200), (100, 200), (101, 413), (5_000_000, 413)])
    def test_chunked_bodies_are_counted(self, settings, size, status):
        settings.MAX_BODY_BYTES = 100
        stream = io.BytesIO(b"x" * size)
        request = RequestFactory().generic("POST", "/api/echo/", HTTP_TRANSFER_ENCODING="chunked")
        request.META["CONTENT_LENGTH"], request.META["wsgi.input"] = "", stream
        seen = []

        def view(request):
            seen.append(request.body)
            return

        answer = BodyLimitMiddleware(view)(request)
        assert (answer.status_code if answer else 200) == status
        assert seen == ([b"x" * size] if status == 200 else [])
        assert stream.tell() <= 70_000

    def test_invalid_chunks_are_refused(self):
        class Broken(io.BytesIO):
            def read(self, size=-1):
                raise OSError("Invalid chunk size: b'zz'")

        request = RequestFactory().generic("POST", "/api/echo/", HTTP_TRANSFER_ENCODING="chunked")
        request.META["CONTENT_LENGTH"], request.META["wsgi.input"] = "", Broken()
        answer = BodyLimitMiddleware(lambda request: None)(request)
        assert (answer.status_code, answer["Content-Type"]) == (400, CONTENT_TYPE)


class TestContentEncoding:
    @pytest.mark.parametrize(
        "coding", ["gzip", "GZIP", "br", "identity, gzip", "identity,,x", "aes128gcm", "chunked"]
    )
    @pytest.mark.parametrize("path", ["/api/echo/", "/page/echo/"])
    def test_an_encoded_body_is_refused(self, web, path, coding):
        answer = web.post(path, b"{}", content_type="application/json", headers={"content-encoding": coding})
        assert (answer.status_code, answer["Content-Type"]) == (415, CONTENT_TYPE)
        assert answer.json()["code"] == "unsupported_media_type"
        assert answer["Accept-Encoding"] == "identity"

    @pytest.mark.parametrize("coding", ["", "identity", "Identity", " identity , identity ", ","])
    def test_identity_is_accepted(self, web, coding):
        answer = web.post(
            "/api/echo/", b"{}", content_type="application/json", headers={"content-encoding": coding}
        )
        assert answer.json()["size"] == 2


LATE = {"status": 408, "code": "request_timeout", "detail": "Too late."}


def test_a_late_body_is_refused_with_408(web):
    answer = web.post("/api/echo/", b"", content_type="application/json", **{PROBLEM: LATE})
    assert (answer.status_code, answer.json()["code"]) == (408, "request_timeout")
    assert answer.json()["request_id"] == answer["X-Request-ID"]


class TestCors:
    """Scripts of allowed origins can read every answer, also those of middleware."""

    ORIGIN = "https://app.example"

    @pytest.fixture(autouse=True)
    def _origins(self, settings):
        settings.CORS_ALLOWED_ORIGINS = [self.ORIGIN]

    def readable(self, answer, status):
        assert answer.status_code == status
        assert answer["Access-Control-Allow-Origin"] == self.ORIGIN
        assert "x-request-id" in answer["Access-Control-Expose-Headers"]
        assert answer["X-Request-ID"]
        assert answer["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize(
        ("path", "status", "headers"),
        [
            ("/api/echo/", 200, {}),
            ("/api/nowhere/", 404, {}),
            ("/api/broken/", 500, {}),
            ("/api/broken/?handler", 500, {}),
            ("/api/echo/", 400, {"host": "evil.example"}),
            ("/api/echo/?a=%00", 400, {}),
            ("/api/echo/%00", 400, {}),
            ("/api/echo/", 415, {"content-encoding": "gzip"}),
        ],
    )
    def test_headers_of_refused_calls(self, web, path, status, headers):
        self.readable(web.get(path, headers={"origin": self.ORIGIN, **headers}), status)

    @pytest.mark.parametrize(
        ("size", "status", "more"),
        [(101, 413, {}), (1, 400, {"CONTENT_LENGTH": "x"}), (1, 408, {PROBLEM: LATE})],
    )
    def test_headers_of_refused_bodies(self, web, settings, size, status, more):
        settings.MAX_BODY_BYTES = 100
        answer = web.post(
            "/api/echo/",
            b"x" * size,
            content_type="application/json",
            headers={"origin": self.ORIGIN},
            **more,
        )
        self.readable(answer, status)

    def test_headers_of_calls_without_tls(self, settings):
        settings.SECURE_SSL_REDIRECT = True
        self.readable(Client().get("/api/echo/", headers={"origin": self.ORIGIN}), 403)

    def test_preflights_have_the_common_headers(self, web, lines):
        answer = web.options(
            "/api/echo/", headers={"origin": self.ORIGIN, "access-control-request-method": "GET"}
        )
        self.readable(answer, 200)
        assert [line["method"] for line in lines if line["event"] == "http.request"] == ["OPTIONS"]

    def test_other_origins_and_pages_have_no_headers(self, web):
        for path, origin in (("/api/nowhere/", "https://evil.example"), ("/page/", self.ORIGIN)):
            assert "Access-Control-Allow-Origin" not in web.get(path, headers={"origin": origin})


class TestPages:
    def test_api_calls_skip_the_page_middleware(self, web):
        answer = web.post("/api/echo/", b"{}", content_type="application/json").json()
        assert (answer["session"], answer["user"]) == (False, False)

    def test_pages_pass_the_page_middleware(self, web):
        answer = web.get("/page/echo/").json()
        assert (answer["session"], answer["user"]) == (True, True)

    def test_documentation_accepts_the_session_of_the_admin_site(self, web):
        web.cookies["sessionid"] = "anything"
        assert web.get("/api/echo/").json()["session"] is True
        web.cookies["sessionid"] = ""
        del web.cookies["sessionid"]
        web.cookies["other"] = "x"
        assert web.get("/api/echo/").json()["session"] is False

    def test_a_view_below_api_is_protected_by_csrf(self):
        strict = Client(enforce_csrf_checks=True)
        assert strict.post("/api/echo/").status_code == 403
        strict.cookies["sessionid"] = "anything"
        assert strict.post("/api/echo/").status_code == 403

    def test_middleware_without_its_end_is_refused_at_start(self):
        with pytest.raises(ImproperlyConfigured, match="BehindPagesMiddleware after PagesMiddleware"):
            PagesMiddleware(lambda request: None)

    def test_layers_wrapped_by_sentry_work(self, web):
        """Sentry's Django integration wraps each layer for the rest of the process."""
        sentry_sdk.init(dsn="https://public@sentry.invalid/1", integrations=[DjangoIntegration()])
        try:
            wrapped = Client()
            assert (
                wrapped.post("/api/echo/", b"{}", content_type="application/json").json()["session"] is False
            )
            assert wrapped.get("/page/echo/").json()["session"] is True
        finally:
            sentry_sdk.get_global_scope().set_client(None)


def test_problem_documents_are_json(web):
    answer = web.post("/api/echo/", b"x" * 2_000_000, content_type="application/json")
    assert set(json.loads(answer.content)) == {
        "type",
        "title",
        "status",
        "detail",
        "code",
        "request_id",
        "errors",
    }
