"""Schemas are complete and cached; documentation pages follow the zone's rule and load nothing from elsewhere."""

from __future__ import annotations

import gzip
import json
import re

import pytest
import yaml
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import path
from drf_spectacular.utils import OpenApiResponse, extend_schema
from drf_spectacular.validation import validate_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.openapi import error_codes
from apps.api.openapi.documents import Format
from apps.api.openapi.schema import SchemaInvalid
from apps.api.tests.conftest import ALL, CLOSED, OPEN, WIDGETS, Serve, but
from apps.api.tests.fakes.standard_views import views
from apps.api.tests.test_validation import alone, made
from apps.api.zones.indexes import words_as_html
from apps.api.zones.mounting import mount
from apps.api.zones.table import Docs, Floor, ZoneTable
from apps.common.slices import Slice
from infrastructure.product import PRODUCT

pytestmark = pytest.mark.django_db
PAGES = ("schema/", "redoc/", "schema.yaml", "schema.json", "v1/schema.yaml", "v1/schema.json")


def document(zone: str = "closed", version: str = "v1"):
    return mount(ZoneTable(ALL), (WIDGETS,)).document(zone, version).data()


@pytest.mark.parametrize("zone", [zone.name for zone in ALL])
def test_schemas_are_valid_openapi(zone: str) -> None:
    data = document(zone)
    validate_schema(json.loads(json.dumps(data)))
    assert data["openapi"] == "3.1.0"
    assert data["info"]["title"] == f"{PRODUCT.name}: {zone.title()}"
    assert data["info"]["version"] == "v1"
    assert all(item.startswith(f"/api/{zone}/v1/") for item in data["paths"])


def test_the_zone_table_completes_schemas() -> None:
    data = document()
    make = data["paths"]["/api/closed/v1/widget/"]["post"]
    assert make["security"] == [{"test": []}]
    assert {"$ref": "#/components/parameters/IdempotencyKey"} in make["parameters"]
    assert list(make["responses"]) == [
        "201",
        "400",
        "401",
        "403",
        "406",
        "409",
        "413",
        "414",
        "415",
        "422",
        "429",
        "503",
        "default",
    ]
    conflict = make["responses"]["409"]
    assert "`widget_taken`: Another call was faster." in conflict["description"]
    assert "`idempotency_in_flight`" in conflict["description"]
    examples = conflict["content"]["application/problem+json"]["examples"]
    assert examples["widget_taken"] == {"$ref": "#/components/examples/widget_taken"}
    example = data["components"]["examples"]["widget_taken"]["value"]
    assert (example["status"], example["code"], example["detail"]) == (
        409,
        "widget_taken",
        "Another call was faster.",
    )
    assert make["responses"]["429"] == {"$ref": "#/components/responses/TooManyRequests"}
    assert "Retry-After" in data["components"]["responses"]["TooManyRequests"]["headers"]
    limits = {"RateLimit", "RateLimit-Policy", "X-Request-ID"}
    assert set(make["responses"]["201"]["headers"]) == {*limits, "Idempotency-Replayed"}
    read = document("open")["paths"]["/api/open/v1/widget/"]["get"]
    assert read["security"] == [{}, {"test": []}]
    assert list(read["responses"]) == ["200", "401", "406", "414", "429", "503", "default"]
    assert set(read["responses"]["200"]["headers"]) == limits
    refused = data["components"]["responses"]["UnauthorizedOfNotAuthenticated"]
    assert set(refused["headers"]) == {"WWW-Authenticate", "X-Request-ID"}


def test_versions_differ_in_overlaid_routes_and_keep_operation_ids() -> None:
    first, second = document(version="v1")["paths"], document(version="v2")["paths"]
    assert set(first["/api/closed/v1/widget/"]) == {"get", "post"}
    assert set(second["/api/closed/v2/widget/"]) == {"get"}
    ids = [
        [
            entry["operationId"]
            for item in paths.values()
            for entry in item.values()
            if entry["operationId"] != "widget_make"
        ]
        for paths in (first, second)
    ]
    assert ids[0] == ids[1]
    assert "widgets_roll_create" in ids[0]


class Declaring(APIView):
    """Declares its failures with extend_schema."""

    @extend_schema(
        responses={
            200: views.WidgetSerializer,
            409: OpenApiResponse(
                description="Answers `service_key_invalid` never, `conflict` when it is too late."
            ),
            "default": OpenApiResponse(description="Anything."),
        }
    )
    def get(self, request) -> Response:
        """200 with a widget."""
        return Response({})


def test_declared_failures_become_problem_documents() -> None:
    slice_ = made(closed=[path("x/", Declaring.as_view(), name="x")])
    data = mount(ZoneTable((alone(),)), (slice_,)).documents[0].data()
    operation = data["paths"]["/api/closed/v1/x/"]["get"]
    conflict = operation["responses"]["409"]
    assert conflict["description"].startswith("Answers `service_key_invalid` never")
    # Words that are codes of this status in the catalogue are listed.
    assert list(conflict["content"]["application/problem+json"]["examples"]) == ["conflict"]
    assert operation["responses"]["default"] == {"$ref": "#/components/responses/AnyProblem"}


def test_every_code_has_an_anchor() -> None:
    assert error_codes.lookup("gone").status == 410
    assert error_codes.lookup("widget_taken").status == 409
    with pytest.raises(KeyError):
        error_codes.lookup("unheard_of")


def test_descriptions_are_escaped_on_pages() -> None:
    assert words_as_html("Send `A: <b>`.\n\n<script>") == (
        "<p>Send <code>A: &lt;b&gt;</code>.</p><p>&lt;script&gt;</p>"
    )


class Undescribed(APIView):
    """A view without a description."""

    def get(self, request) -> Response:
        """Read."""
        return Response({})


def test_an_undescribed_view_is_an_error() -> None:
    slice_ = made(closed=[path("x/", Undescribed.as_view(), name="x")])
    mounted = mount(ZoneTable((alone(),)), (slice_,))
    with pytest.raises(SchemaInvalid) as refused:
        mounted.documents[0].data()
    assert refused.value.zone == "closed"
    assert any("unable to guess serializer" in finding for finding in refused.value.findings)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("zone", "who", "status"),
    [
        ("open", None, 200),
        ("closed", None, 401),
        ("closed", "impostor", 401),
        ("closed", "user", 200),
        ("closed", "service", 403),
        ("machine", "service", 200),
        ("machine", "user", 403),
        ("office", "user", 403),
        ("office", "admin", 200),
    ],
)
def test_documentation_follows_the_zones_rule(
    serve: Serve, zone: str, who: str | None, status: int, page: str
) -> None:
    headers = {"Authorization": f"Test {who}"} if who else {}
    response = serve().get(f"/api/{zone}/{page}", headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert response.json()["code"] == "not_authenticated"
    if status == 200 and zone != "open" and page.endswith(("yaml", "json")):
        assert response.headers["Cache-Control"] == "private, no-cache"


def test_docs_of_an_open_zone_may_require_a_sign_in(serve: Serve) -> None:
    client = serve(but(OPEN, docs=Docs.FLOOR), but(CLOSED, docs=Docs.OPEN))
    assert client.get("/api/open/schema.json").status_code == 401
    assert client.get("/api/open/schema.json", headers={"Authorization": "Test user"}).status_code == 200
    assert client.get("/api/closed/schema.json").status_code == 200
    assert client.get("/api/closed/v1/widget/").status_code == 401


def test_refused_readers_use_up_their_addresss_limit(serve: Serve) -> None:
    client = serve(but(CLOSED, refused_rates=("1/minute",)))
    assert client.get("/api/closed/schema.json").status_code == 401
    assert client.get("/api/closed/schema.json").status_code == 429


def test_a_browser_is_sent_to_sign_in_from_pages_only(serve: Serve) -> None:
    client, browser = serve(), {"Accept": "text/html,*/*"}
    page = client.get("/api/closed/schema/", headers=browser)
    assert (page.status_code, page.headers["Location"]) == (
        302,
        "/admin/login/?next=%2Fapi%2Fclosed%2Fschema%2F",
    )
    assert client.get("/api/closed/schema.yaml", headers=browser).status_code == 401
    assert client.post("/api/closed/schema/", headers=browser).status_code == 405


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("text/html", "text/html"),
        ("text/html,*/*", "text/html"),
        ("application/json", "application/json"),
        ("application/json, text/html;q=0.5", "application/json"),
        ("*/*", "application/json"),
        ("text/html;q=0, */*", "application/json"),
        ("", "application/json"),
    ],
)
def test_the_index_follows_the_accept_header(serve: Serve, accept: str, kind: str) -> None:
    answer = serve().get("/api/", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (200, kind)
    assert "Accept" in answer.headers["Vary"]
    if kind == "text/html":
        assert 'href="/readyz"' in answer.text
        assert 'href="/api/closed/schema/"' in answer.text
    else:
        told = answer.json()
        assert told["health"] == {"alive": "/healthz", "ready": "/readyz"}
        assert [zone["name"] for zone in told["zones"]] == ["open", "closed", "machine", "office"]


@pytest.mark.parametrize("format_", list(Format))
def test_a_schema_is_served_with_etag_304_and_compression(serve: Serve, format_: Format) -> None:
    client = serve()
    url = f"/api/open/schema.{format_}"
    plain = client.get(url)
    etag = plain.headers["ETag"]
    load = yaml.safe_load if format_ is Format.YAML else json.loads
    assert load(plain.content)["info"]["title"] == f"{PRODUCT.name}: Open"
    zipped = client.get(url, headers={"Accept-Encoding": "gzip, br"})
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.content) == plain.content
    assert zipped.headers["ETag"] != etag
    assert "Accept-Encoding" in zipped.headers["Vary"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        same = client.get(url, headers={"If-None-Match": known})
        assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", etag)
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.head(url).status_code == 200
    assert client.get(f"/api/open/v1/schema.{format_}").content == plain.content


def test_the_zones_own_schema_is_its_newest_versions(serve: Serve) -> None:
    client = serve()
    headers = {"Authorization": "Test user"}
    assert client.get("/api/closed/schema.json", headers=headers).json()["info"]["version"] == "v2"
    assert client.get("/api/closed/v1/schema.json", headers=headers).json()["info"]["version"] == "v1"


@pytest.mark.parametrize("page", ["schema/", "redoc/"])
def test_pages_have_no_inline_code_and_only_files_that_exist(serve: Serve, page: str) -> None:
    response = serve().get(f"/api/open/{page}")
    html = response.text
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert "<style" not in html
    assert " style=" not in html
    links = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert links
    for link in links:
        assert link.startswith("/static/"), link
        assert finders.find(link.removeprefix("/static/")), link


def test_the_index_is_a_page_for_browsers_and_json_for_clients(serve: Serve) -> None:
    client = serve()
    listed = client.get("/api/").json()
    assert [zone["name"] for zone in listed["zones"]] == ["open", "closed", "machine", "office"]
    closed = listed["zones"][1]
    assert closed["docs"] == {
        "access": "floor",
        "swagger": "/api/closed/schema/",
        "redoc": "/api/closed/redoc/",
        "yaml": "/api/closed/schema.yaml",
        "json": "/api/closed/schema.json",
    }
    assert [version["url"] for version in closed["versions"]] == ["/api/closed/v1/", "/api/closed/v2/"]
    page = client.get("/api/", headers={"Accept": "text/html"})
    assert page.headers["Content-Type"].startswith("text/html")
    assert 'href="/api/closed/schema/"' in page.text
    assert client.delete("/api/").status_code == 405


def test_a_version_answers_with_its_routes(serve: Serve) -> None:
    client: Client = serve()
    routes = client.get("/api/open/v1/").json()["routes"]
    by_name = {route["name"]: route for route in routes}
    assert by_name["api:open:v1:widgets:widget"] == {
        "name": "api:open:v1:widgets:widget",
        "path": "/api/open/v1/widget/",
        "methods": ["GET", "POST"],
    }
    assert by_name["api:open:v1:widgets:deep"]["path"] == "/api/open/v1/nested/deep/{number}/"
    assert by_name["api:open:v1:widgets:fail"]["path"] == "/api/open/v1/fail/{kind}/"
    assert by_name["api:open:v1:widgets:class"]["methods"] == ["GET"]
    assert client.get("/api/open/").json()["name"] == "open"
    assert client.get("/api/closed/v1/").status_code == 401
    assert client.get("/api/closed/v1/", headers={"Authorization": "Test user"}).status_code == 200
    assert client.post("/api/open/v1/").status_code == 405


def test_an_admin_session_reads_the_docs_of_a_service_zone_and_cannot_call_it() -> None:
    from apps.api.openapi.views import DocsGuard
    from apps.api.tests.conftest import MACHINE, Account
    from apps.common.callers import Caller, CallerKind
    from apps.common.exceptions import Denied

    guard = DocsGuard(MACHINE)
    guard._require(Caller(kind=CallerKind.USER, user=Account("grace", is_admin=True)))
    with pytest.raises(Denied):
        guard._require(Caller(kind=CallerKind.USER, user=Account("ada")))
    assert MACHINE.floor is Floor.SERVICE
    assert views.touched == []


def test_a_document_that_does_not_exist_is_a_key_error() -> None:
    mounted = mount(ZoneTable(ALL), (Slice("widgets", WIDGETS.package),))
    with pytest.raises(KeyError, match="closed/v3"):
        mounted.document("closed", "v3")
    with pytest.raises(KeyError, match="the table has open, closed"):
        mounted.table.get("clsed")
