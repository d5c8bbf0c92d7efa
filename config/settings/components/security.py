"""Signing key, hosts, TLS, CORS, cookies."""

from __future__ import annotations

from infrastructure import environment
from infrastructure.environment import secrets, values

VARIABLES = environment.Variables("The site")

SECRET_KEY = VARIABLES.text("SECRET_KEY", "", "Django's signing key, 50 characters or more", secret=True)
VARIABLES.weak("SECRET_KEY", [secrets.weakness(SECRET_KEY, least=50)])
ALLOWED_HOSTS = list(
    VARIABLES.items(
        "ALLOWED_HOSTS",
        "",
        "Host names that are answered; `.example.com` is all below it. Development answers this machine's as well",
        each=values.host,
    )
)
if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
    VARIABLES.weak("ALLOWED_HOSTS", ["has to name the hosts that are answered"])
PUBLIC_URL = VARIABLES.text(
    "PUBLIC_URL",
    "http://127.0.0.1:8000",
    "The public address of the site: scheme and host; links in mails start with it",
    parse=values.origin,
    kind="URL",
)
TRUSTED_PROXY_COUNT = VARIABLES.number(
    "TRUSTED_PROXY_COUNT", 0, "Proxies in front whose X-Forwarded-For entry is believed", least=0, most=10
)
SECURE_SSL = VARIABLES.flag(
    "SECURE_SSL", True, "The site is reached over TLS: secure cookies, HSTS, redirect (production)"
)
SECURE_HSTS = VARIABLES.choice(
    "SECURE_HSTS",
    "host",
    "How far HSTS goes: this host, also its subdomains, or also the browsers' preload lists, which is hard to undo",
    choices=("host", "subdomains", "preload"),
)

# The zone table decides which origins may call which zone; corsheaders asks it through its signal.
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOWED_ORIGINS: list[str] = []
CORS_ALLOW_HEADERS = (
    *("accept", "authorization", "content-type", "idempotency-key", "x-request-id"),
    *("range", "if-range", "if-none-match"),
)
CORS_EXPOSE_HEADERS = (
    "accept-ranges",
    "content-range",
    "x-request-id",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "etag",
    "link",
    "deprecation",
    "sunset",
    "idempotency-replayed",
)
CORS_PREFLIGHT_MAX_AGE = 3600

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# The admin site shortens it.
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
