"""What every HTTP request passes: context and access line, security headers, body limits, and for pages Django's own."""

from apps.common.middleware.body_limits import BodyLimitMiddleware
from apps.common.middleware.pages import BehindPagesMiddleware, PagesMiddleware
from apps.common.middleware.request_context import RequestContextMiddleware
from apps.common.middleware.security_headers import SecurityHeadersMiddleware
from apps.common.middleware.texts import AddressTextMiddleware

__all__ = [
    "AddressTextMiddleware",
    "BehindPagesMiddleware",
    "BodyLimitMiddleware",
    "PagesMiddleware",
    "RequestContextMiddleware",
    "SecurityHeadersMiddleware",
]
