"""Mail delivery. Without a server each environment has its own default."""

from __future__ import annotations

from typing import Any

from infrastructure import environment, product
from infrastructure.environment import urls, values

VARIABLES = environment.Variables("Mail")

# EMAIL_* of Django; empty without EMAIL_URL.
MAIL_SERVER: dict[str, Any] = VARIABLES.read(
    "EMAIL_URL",
    "",
    "`smtp+tls://user:password@host:587`; `?timeout=` in seconds; empty: folder `.data/mail` (production: the log)",
    kind="URL",
    parse=urls.email,
    empty={},
    secret=True,
)
VARIABLES.weak_password("EMAIL_URL", MAIL_SERVER.get("EMAIL_HOST_PASSWORD", ""))
DEFAULT_FROM_EMAIL = (
    VARIABLES.text(
        "EMAIL_FROM",
        "",
        "Sender of every mail; empty: `no-reply` at the product's domain",
        parse=values.sender,
    )
    or f"{product.PRODUCT.name} <no-reply@{product.PRODUCT.domain}>"
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 10
