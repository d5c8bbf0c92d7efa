"""The router's own pages: index, catalogue of problems, schemas, Swagger UI and ReDoc of each zone.

The `docs` rule of a zone decides who may read its pages; `guard` is for the zone's own routes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import URLPattern
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags, urlencode

from apps.api import problems
from apps.api.openapi import error_codes
from apps.api.openapi.asyncapi import SocketDocument
from apps.api.openapi.documents import Document, Format
from apps.api.zones.guard import identify, refuse, require_floor
from apps.api.zones.rate_limits import limits_of
from apps.api.zones.routes import at
from apps.api.zones.table import Docs, Floor, Zone
from apps.common.callers import Caller
from apps.common.exceptions import Denied, DomainError, NotAuthenticated, TooManyRequests
from apps.common.http.authentication import authenticator, authenticator_names

SESSION = "session"
LOGIN = "/admin/login/"
_CONTENT_TYPES = {Format.YAML: "application/yaml; charset=utf-8", Format.JSON: "application/json"}

Page = Callable[..., HttpResponseBase]


def page(view: Page) -> Page:
    """A page of the router below /api/: GET and HEAD only, failures as problem documents."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD"):
            return problems.as_problem(request, HttpResponseNotAllowed(["GET", "HEAD"]))
        try:
            return view(request, *args, **kwargs)
        except DomainError as error:
            return problems.of_domain(request, error)

    answer.csrf_exempt = True  # type: ignore[attr-defined]
    answer.api_page = True  # type: ignore[attr-defined]
    return answer


class DocsGuard:
    """Enforces a zone's documentation rule: public, or the zone's floor by its credentials or the admin site's session."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        names = [*zone.authentication, *([SESSION] if SESSION in authenticator_names() else [])]
        self._authenticators = tuple(authenticator(name) for name in dict.fromkeys(names))
        self._limits = limits_of(zone)

    def protect(self, view: Page, *, login: bool = False) -> Page:
        """Wrap `view` in the rule. With `login`, a browser without a session is redirected to sign in."""

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            request.zone = self._zone  # type: ignore[attr-defined]
            if self._zone.docs is Docs.FLOOR:
                try:
                    self._admit(request)
                except (NotAuthenticated, Denied, TooManyRequests) as error:
                    if login and isinstance(error, NotAuthenticated) and wants_html(request):
                        target = f"{LOGIN}?{urlencode({'next': request.get_full_path()})}"
                        return HttpResponse(status=302, headers={"Location": target})
                    return refuse(request, self._zone, error)
            return view(request, *args, **kwargs)

        answer = page(guarded)
        answer.docs_of = self._zone  # type: ignore[attr-defined]  # whose rule it follows, for the audit
        return answer

    def _admit(self, request: HttpRequest) -> None:
        try:
            self._require(identify(request, self._authenticators))
        except (NotAuthenticated, Denied):
            self._limits.count_refusal(request)
            raise

    def _require(self, caller: Caller) -> None:
        # Users of the admin site create the service keys, so their sessions may read what a key may call.
        if self._zone.floor is Floor.SERVICE and caller.is_admin:
            return
        require_floor(Floor.USER if self._zone.floor is Floor.ANYONE else self._zone.floor, caller)


def schema_view(document: Document, format_: Format) -> Page:
    """The document in one format, with ETag, 304 and gzip."""

    def view(request: HttpRequest) -> HttpResponse:
        rendered = document.rendered(format_)
        zipped = "gzip" in request.META.get("HTTP_ACCEPT_ENCODING", "")
        etag = f'"{rendered.etag}-gz"' if zipped else f'"{rendered.etag}"'
        known = {tag.removeprefix("W/") for tag in parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))}
        response = HttpResponse(content_type=_CONTENT_TYPES[format_])
        if "*" in known or etag in known:
            response.status_code = 304
            del response.headers["Content-Type"]
        else:
            response.content = rendered.gzipped if zipped else rendered.plain
            name = f"{document.name}.{format_}"
            response.headers["Content-Disposition"] = f'inline; filename="{name}"'
            if zipped:
                response.headers["Content-Encoding"] = "gzip"
        response.headers["ETag"] = etag
        response.headers["Cache-Control"] = (
            "public, no-cache" if document.zone.docs is Docs.OPEN else "private, no-cache"
        )
        patch_vary_headers(response, ["Accept-Encoding"])
        return response

    return view


def swagger_view(document: Document) -> Page:
    """Swagger UI over the zone's newest schema."""

    def view(request: HttpRequest) -> HttpResponse:
        return html_page(request, "api/swagger.html", {"document": document})

    return view


def redoc_view(document: Document) -> Page:
    """ReDoc over the zone's newest schema."""

    def view(request: HttpRequest) -> HttpResponse:
        return html_page(request, "api/redoc.html", {"document": document})

    return view


def docs_patterns(guard: DocsGuard, document: Document) -> list[URLPattern]:
    """The documentation pages of a zone, over the newest version's schema."""
    return [
        at("schema/", guard.protect(swagger_view(document), login=True), name="schema"),
        at("redoc/", guard.protect(redoc_view(document), login=True), name="redoc"),
    ]


def schema_patterns(guard: DocsGuard, document: Document) -> list[URLPattern]:
    """One document in its formats."""
    return [
        at(f"schema.{item}", guard.protect(schema_view(document, item)), name=f"schema-{item}")
        for item in Format
    ]


def socket_patterns(guard: DocsGuard, documents: Sequence[SocketDocument]) -> list[URLPattern]:
    """The AsyncAPI documents of a zone's slices in their formats."""
    return [
        at(
            f"{document.label}/asyncapi.{item}",
            guard.protect(schema_view(document, item)),
            name=f"asyncapi-{document.label}-{item}",
        )
        for document in documents
        for item in Format
    ]


def json_response(data: Any) -> HttpResponse:
    return HttpResponse(orjson.dumps(data), content_type="application/json")


def problems_view() -> Page:
    """The catalogue of problem codes, to which the `type` of every problem document points."""

    @page
    def view(request: HttpRequest) -> HttpResponse:
        codes = error_codes.codes()
        if wants_html(request):
            return html_page(request, "api/problems.html", {"codes": codes})
        listed = [{"code": item.code, "status": item.status, "detail": item.detail} for item in codes]
        response = json_response({"problems": listed})
        patch_vary_headers(response, ["Accept"])
        return response

    return view


def wants_html(request: HttpRequest) -> bool:
    """Whether the caller prefers HTML (RFC 9110, section 12.5.1), as browsers do."""
    return request.get_preferred_type(["application/json", "text/html"]) == "text/html"


def html_page(request: HttpRequest, template: str, values: dict[str, Any]) -> HttpResponse:
    """A page that loads only the site's own scripts and styles; the middleware adds the security headers."""
    response = render(request, template, values)
    patch_vary_headers(response, ["Accept", "Cookie"])
    return response
