"""Starts the ASGI server: `python -m config.serve --host 127.0.0.1 --port 8000`. Serves sockets, in development HTTP too."""

from __future__ import annotations

import argparse
import gc
import os
import socket
import sys

import uvicorn
from django.conf import settings

from infrastructure.server import http_protocol, websocket_protocol

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")


def server_config(*, host: str, port: int) -> uvicorn.Config:
    """uvicorn's configuration, with every limit against hostile clients stated."""
    return uvicorn.Config(
        "config.asgi:application",
        host=host,
        port=port,
        lifespan="on",
        loop="uvloop",
        http=http_protocol.protocol_class(),
        ws=websocket_protocol.protocol_class() if settings.WEBSOCKET_JOINED_WRITES else "websockets-sansio",
        # Far above the consumers' own limits: what the server refuses is not read to its end, and unread bytes can reset the
        # connection before the close code arrives; a frame that is only somewhat too big gets its 1009 from a consumer.
        ws_max_size=256 * 1024,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        # Compression costs 38 KiB a socket and most of the throughput, for messages of a hundred bytes.
        ws_per_message_deflate=False,
        # apps.common.http.client_address decides the client's address, by the number of trusted proxies.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=15,
        # The application writes one line for each request, with its id.
        access_log=False,
        log_config=None,
    )


class Server(uvicorn.Server):
    """uvicorn's server, which notifies the application before it waits for connections that would not end by themselves."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the application end its endless answers, then stop as uvicorn does."""
        from config.asgi import stopping

        await stopping()
        await super().shutdown(sockets)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    config = server_config(host=arguments.host, port=arguments.port)
    config.load()
    # Exempt what is loaded by now from garbage collection: it lives as long as the process.
    gc.collect()
    gc.freeze()
    # A handshake makes hundreds of objects that stay. At the default of 700 the collector ran through them at every
    # other one, a seventh of what connecting cost.
    gc.set_threshold(20_000, 50, 50)
    server = Server(config)
    server.run()
    if not server.started:
        sys.exit(3)


if __name__ == "__main__":
    main()
