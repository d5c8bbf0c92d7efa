"""Metadata of the site for other services: the public keys of access tokens."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from apps.users import selectors

# Shorter than the ten minutes for which a new and an old key overlap at least.
_FRESH_SECONDS: Final = 300


@require_safe
def key_set(request: HttpRequest) -> HttpResponse:
    """`/.well-known/jwks.json` (RFC 7517). With HS256 the set is empty: its keys are secrets."""
    response = JsonResponse(selectors.access_tokens().keys.jwks())
    response.headers["Content-Type"] = "application/jwk-set+json"
    response.headers["Cache-Control"] = f"public, max-age={_FRESH_SECONDS}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
