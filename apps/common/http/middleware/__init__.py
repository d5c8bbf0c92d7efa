"""The middleware of every HTTP request."""

from apps.common.http.middleware.address import AddressMiddleware
from apps.common.http.middleware.body_limits import BodyLimitMiddleware
from apps.common.http.middleware.last_resort import LastResortMiddleware
from apps.common.http.middleware.pages import BehindPagesMiddleware, PagesMiddleware
from apps.common.http.middleware.request_context import RequestContextMiddleware
from apps.common.http.middleware.security_headers import SecurityHeadersMiddleware

__all__ = [
    "AddressMiddleware",
    "BehindPagesMiddleware",
    "BodyLimitMiddleware",
    "LastResortMiddleware",
    "PagesMiddleware",
    "RequestContextMiddleware",
    "SecurityHeadersMiddleware",
]
