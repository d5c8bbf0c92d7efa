"""Sentry: off without a DSN, no personal data by default, and every event scrubbed before it is sent."""

from __future__ import annotations

from typing import Any, cast

from infrastructure.telemetry import context, redaction


def configure(*, dsn: str, environment: str, release: str, traces: float = 0.0) -> None:
    """Start the client with the Django and Celery integrations."""
    import sentry_sdk
    from sentry_sdk.integrations.celery import CeleryIntegration
    from sentry_sdk.integrations.django import DjangoIntegration

    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=release or None,
        traces_sample_rate=traces or None,
        integrations=[DjangoIntegration(), CeleryIntegration()],
        # Personal data stays out by default; naming `send_default_pii` only brings a warning of its deprecation.
        max_request_body_size="never",
        include_local_variables=False,
        before_send=cast("Any", scrub),
        before_send_transaction=cast("Any", scrub),
        before_breadcrumb=cast("Any", scrub_breadcrumb),
    )


def scrub(event: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any]:
    """The event with secrets hidden, without cookies, body and client address, and with its request id as a tag."""
    request = event.get("request")
    if isinstance(request, dict):
        for part in ("cookies", "data", "env"):
            request.pop(part, None)
    user = event.get("user")
    if isinstance(user, dict):
        event["user"] = {"id": user["id"]} if "id" in user else {}
    clean: dict[str, Any] = redaction.redact(event)
    if identifier := context.request_id():
        clean.setdefault("tags", {})["request_id"] = identifier
    return clean


def scrub_breadcrumb(breadcrumb: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any]:
    """The breadcrumb with secrets hidden."""
    clean: dict[str, Any] = redaction.redact(breadcrumb)
    return clean
