"""gunicorn behind nginx: how many processes and threads, how long things may take. What they run is config.wsgi."""

from __future__ import annotations

import gc
import logging
import os
import select
import time
from importlib import import_module
from typing import Any

from infrastructure.telemetry import shared_metrics

# Before anything below imports the metrics. /metrics adds up the figures of all workers.
shared_metrics.begin()

# ruff: noqa: E402  (for the line above)
from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from config.settings.components import server
from infrastructure import problem_documents
from infrastructure.database import budget
from infrastructure.telemetry import context

bind = "0.0.0.0:8000"
# The processor count is the machine's, not the container's share of it: set WEB_CONCURRENCY where they differ.
workers = server.WEB_CONCURRENCY or len(os.sched_getaffinity(0)) + 1
threads = server.WEB_THREADS
# Loaded once and then forked: the workers share what is never written to.
preload_app = True
# A worker that is silent this long is replaced; after SIGTERM requests have until graceful_timeout to end, which
# leaves five seconds of the container's thirty.
timeout = 40
graceful_timeout = 25
# nginx opens a connection for each request (it looks the address up anew), so few are kept.
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
# In memory: a worker that touches its sign of life on a busy disk looks dead.
worker_tmp_dir = "/dev/shm"  # noqa: S108
# Django (SECURE_PROXY_SSL_HEADER) and apps.common.http.client_address determine the client and the scheme.
forwarded_allow_ips = ""
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
control_socket_disable = True
# The application writes one line for each request, with its id.
accesslog = None


class logger_class(Logger):  # noqa: N801 (gunicorn's name for the setting)
    """gunicorn's own lines, through the pipeline that everything else goes through."""

    def setup(self, cfg: Any) -> None:
        """Leave formatting and output to the root logger."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in list(log.handlers):
                log.removeHandler(handler)
            log.propagate = True
        self.error_log.setLevel(logging.INFO)


def _refuse(sock: Any, status_int: int, reason: str, mesg: str) -> None:
    """Answers requests that gunicorn refuses with a problem document instead of a page, without the reason.

    nginx refuses most of it first. What no request is to blame for (501 for an unknown coding among it) is its 400.
    """
    code, detail = {
        414: ("uri_too_long", "The address is longer than is accepted here."),
        431: ("headers_too_large", "The headers are longer, or more, than is accepted here."),
        500: ("internal_error", "Something went wrong on our side."),
    }.get(status_int, ("bad_request", "The request could not be understood."))
    status = status_int if code != "bad_request" else 400
    identifier = context.new_request_id()
    said = problem_documents.message(status=status, code=code, detail=detail, request_id=identifier)
    util.write_nonblock(sock, said)


# It has no setting for that.
util.write_error = _refuse

_LARGEST_BODY = server.MAX_UPLOAD_BYTES + 65_536


class DrainingWorker(ThreadWorker):
    """gthread that ends connections so that the proxy in front understands it, and knows how long a request waited.

    A body that was refused unread (413) resets the connection when it is closed, and the answer may be lost with it:
    what nginx has of it, bounded and buffered, is read to its end.

    A stopping worker keeps its listening socket until its last request is done, and the kernel goes on shaking hands
    for it: those connections are reset in the end, which a proxy may not retry for a POST. This one accepts the
    connections that wait already and then closes the socket, so that new ones are refused, and routed elsewhere, at once.
    """

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 (gunicorn's signature)
        """Also called when the worker starts to stop."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in [listener for listener in self.sockets if listener.sock is not None]:
                while select.select([listener], [], [], 0)[0]:
                    self.accept(listener)
                listener.close()

    def enqueue_req(self, conn: Any) -> None:
        """Called when a request may be read, before it waits for a thread."""
        conn.arrived = time.monotonic()
        super().enqueue_req(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Called in the thread."""
        with budget.request(conn.arrived):
            return super().handle_request(req, conn)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:  # noqa: FBT001 (gunicorn's signature)
        """Called when the response is sent."""
        if keepalive:
            return bool(super()._keepalive_after(conn, keepalive))
        conn.parser.finish_body(deadline=time.monotonic() + 5, max_bytes=_LARGEST_BODY)
        return False


worker_class = DrainingWorker


def when_ready(server: Any) -> None:
    """Before the first fork: load what requests would load, let go of connections, spare the collector the rest."""
    from django.conf import settings
    from django.db import connections

    import_module(settings.ROOT_URLCONF)
    for connection in connections.all(initialized_only=True):
        connection.close()
        connection.close_pool()
    gc.collect()
    gc.freeze()


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the lowest free slot of the metrics."""
    taken = {other.slot for other in server.WORKERS.values()}
    worker.slot = next(slot for slot in range(len(taken) + 1) if slot not in taken)


def post_fork(server: Any, worker: Any) -> None:
    """In the worker, before it serves."""
    shared_metrics.enter(worker.slot)


def child_exit(server: Any, worker: Any) -> None:
    """Drop the gauges of a worker that is gone."""
    shared_metrics.leave(worker.slot)
