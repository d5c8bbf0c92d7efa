"""ASGI entry point: sockets by Channels, HTTP bridged to the WSGI handler, start and stop hooks of the slices."""

from __future__ import annotations

import os
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

from config.wsgi import application as wsgi_application  # isort: skip  (sets Django up; the imports below need it)

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.db import connections
from django.urls import re_path

from apps.common import slices
from apps.common.sockets.problems import no_such_socket
from infrastructure.server.lifespan import Lifespan
from infrastructure.server.wsgi_bridge import WsgiBridge

_modules = [module for _, module in slices.modules("routing")]
_sockets: list[Any] = [route for module in _modules for route in module.websocket_urlpatterns]
_sockets.append(re_path(r"", cast("Any", no_such_socket)))
_bridge = WsgiBridge(
    wsgi_application,
    threads=settings.WEB_THREADS,
    max_body=settings.MAX_UPLOAD_BYTES + 65_536,
    at_end=connections.close_all,
)


async def stopping() -> None:
    """Called by the server (config.serve) before it waits for its connections to end."""
    for module in _modules:
        if hasattr(module, "stopping"):
            await module.stopping()


application = ProtocolTypeRouter(
    {
        "http": _bridge,
        "websocket": URLRouter(_sockets),
        "lifespan": Lifespan(
            startup=[module.startup for module in _modules if hasattr(module, "startup")],
            shutdown=[module.shutdown for module in _modules if hasattr(module, "shutdown")]
            + [_bridge.aclose],
        ),
    }
)
