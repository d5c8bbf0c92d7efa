"""The authenticator "service": `Authorization: Api-Key <prefix>.<secret>`. One query, at most one write a minute."""

from __future__ import annotations

from datetime import timedelta
from hmac import compare_digest

from django.http import HttpRequest
from django.utils import timezone

from apps.api.exceptions import OutOfScope, ServiceKeyRefused
from apps.api.models import ServiceKey
from apps.api.services import digest_of
from apps.common.callers import Caller, CallerKind
from apps.common.exceptions import raises

SCHEME = "api-key"
_USE_IS_NOTED_EVERY = timedelta(minutes=1)


@raises(ServiceKeyRefused, OutOfScope)
def authenticate_service(request: HttpRequest) -> Caller | None:
    """The service of the key in the request; None without one. Raises ServiceKeyRefused, OutOfScope."""
    scheme, _, shown = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != SCHEME:
        return None
    prefix, _, secret = shown.strip().partition(".")
    now = timezone.now()
    key = ServiceKey.objects.live(now).filter(prefix=prefix).first() if prefix.isalnum() and secret else None
    if key is None or not compare_digest(bytes(key.digest), digest_of(secret)):
        raise ServiceKeyRefused
    match = request.resolver_match
    if match is None or not key.allows(match.view_name):
        raise OutOfScope
    if key.last_used_at is None or now - key.last_used_at >= _USE_IS_NOTED_EVERY:
        # The first of parallel requests records the minute.
        ServiceKey.objects.filter(pk=key.pk, last_used_at=key.last_used_at).update(last_used_at=now)
    return Caller(kind=CallerKind.SERVICE, service=key.name)
