"""What every HTTP request passes: context and access line, security headers, body limits, and for pages Django's own."""

from apps.common.http.middleware.body_limits import BodyLimitMiddleware
from apps.common.http.middleware.pages import BehindPagesMiddleware, PagesMiddleware
from apps.common.http.middleware.request_context import RequestContextMiddleware
from apps.common.http.middleware.security_headers import SecurityHeadersMiddleware
from apps.common.http.middleware.text_validation import AddressTextMiddleware

__all__ = [
    "AddressTextMiddleware",
    "BehindPagesMiddleware",
    "BodyLimitMiddleware",
    "PagesMiddleware",
    "RequestContextMiddleware",
    "SecurityHeadersMiddleware",
]
