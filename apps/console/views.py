"""Serves the console's shell and the mails of a development server. What the shell shows comes from the public API."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.console import mailbox

FILE_BACKEND: Final = "django.core.mail.backends.filebased.EmailBackend"

# Everything the pages need is a file of this site: an injected script, style, frame or form has nowhere to come from
# or go to. Pictures of messages are fetched with a token and shown from memory (`blob:`). The socket's address is named
# because older Safari does not count it to `'self'`.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self' {socket}; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


@require_safe
def console(request: HttpRequest) -> HttpResponse:
    """`GET /`: the shell of the console. The demo accounts are in it on a development server only."""
    demo_logins = _demo_logins()
    demo_password = getattr(settings, "DEMO_PASSWORD", "") if demo_logins else ""
    return _page(request, "console/index.html", {"demo_logins": demo_logins, "demo_password": demo_password})


@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """`GET /mails/`: what was sent lately, as text. 404 unless mails of a development server go to a folder."""
    folder = _mail_folder()
    if folder is None:
        raise Http404
    found = mailbox.list_mails(folder)
    return _page(request, "console/mails.html", {"mails": found, "is_mails": True})


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, template, {"has_mails": _mail_folder() is not None, **context})
    socket = f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"
    response["Content-Security-Policy"] = POLICY.format(socket=socket)
    response["Cache-Control"] = "no-cache"
    return response


def _demo_logins() -> tuple[tuple[str, str], ...]:
    return tuple(getattr(settings, "DEMO_LOGINS", ()))


def _mail_folder() -> Path | None:
    # Mails carry links that sign people in. A folder of them is shown where there are demo accounts, hence nobody's
    # real data, and never because a production server happens to write mails to a folder.
    if not _demo_logins() or settings.EMAIL_BACKEND != FILE_BACKEND:
        return None
    return Path(getattr(settings, "EMAIL_FILE_PATH", ""))
