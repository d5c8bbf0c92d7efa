"""Serves the console's page, which loads the modules of installed slices, and the mails of a development server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.common import slices
from apps.console import mailbox

FILE_BACKEND: Final = "django.core.mail.backends.filebased.EmailBackend"

# All files are of this site, so there is no source for an injected script, style, frame or form. Attachments are loaded
# with a token and shown from memory (`blob:`). The socket's address is named because older versions of Safari do not
# count it as `'self'`.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self' {socket}; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


@require_safe
def console(request: HttpRequest) -> HttpResponse:
    """`GET /`."""
    brought = list(slices.modules("console"))
    context = {
        "modules": [module.MODULE for _, module in brought],
        "stylesheets": [sheet for _, module in brought for sheet in module.STYLESHEETS],
        "data": json.dumps({label: module.data() for label, module in brought if hasattr(module, "data")}),
    }
    return _page(request, "console/index.html", context)


@require_safe
def mail(request: HttpRequest) -> HttpResponse:
    """`GET /mails/`. 404 unless this is a development server that writes mails to a folder."""
    folder = _mail_folder()
    if folder is None:
        raise Http404
    return _page(request, "console/mail.html", {"mails": mailbox.list_mails(folder), "is_mail": True})


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, template, {"has_mail": _mail_folder() is not None, **context})
    socket = f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"
    response["Content-Security-Policy"] = POLICY.format(socket=socket)
    response["Cache-Control"] = "no-cache"
    return response


def _mail_folder() -> Path | None:
    # Mails contain links that sign users in. They are shown only where demo accounts exist, hence no real data, and not
    # whenever a production server writes mails to a folder.
    if not getattr(settings, "DEMO_LOGINS", ()) or settings.EMAIL_BACKEND != FILE_BACKEND:
        return None
    return Path(getattr(settings, "EMAIL_FILE_PATH", ""))
