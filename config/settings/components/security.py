"""Transport, hosts, CORS, cookies: the edges of the process."""

from __future__ import annotations

from config import env

ALLOWED_HOSTS = env.items("ALLOWED_HOSTS")
PUBLIC_URL = env.url("PUBLIC_URL").rstrip("/")
TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXY_COUNT")

# Handshakes of sockets with a token that does not hold, by address; zones say theirs in the zone table.
SOCKET_REFUSED_RATES = ("600/minute",)

# Which origins may call which zone is said in the zone table; corsheaders asks it through its signal.
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOWED_ORIGINS: list[str] = []
CORS_ZONE_ORIGINS = tuple(env.items("CORS_ORIGINS"))
CORS_ALLOW_HEADERS = ("accept", "authorization", "content-type", "idempotency-key", "x-request-id")
CORS_EXPOSE_HEADERS = (
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
# The admin site shortens it (SITE_IDLE_SECONDS).
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

DATA_UPLOAD_MAX_MEMORY_SIZE = env.number("MAX_BODY_BYTES")
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 5
FILE_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
