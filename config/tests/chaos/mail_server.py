"""A mail server that accepts everything and keeps account of it, and can be away or silent."""

from __future__ import annotations

import contextlib
import email
import socketserver
import threading
import time
from collections.abc import Iterator

from apps.common.tests.chaos import Mail
from infrastructure.embedded.postgres import free_port

DELAY = 0.05  # seconds that it takes over a mail, so that tasks are usually running when something is killed


class MailServer:
    """SMTP (RFC 5321) as far as a client needs it that authenticates nothing and encrypts nothing."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.port = free_port()
        self.speaks = threading.Event()
        self.speaks.set()
        self._start()

    def _start(self) -> None:
        self._server = _Server(("127.0.0.1", self.port), self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections."""
        self.speaks.set()
        self._server.shutdown()
        self._server.server_close()

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Refuse connections for a while."""
        self.stop()
        try:
            yield
        finally:
            self._start()

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Take connections and what is said, and answer nothing, for a while."""
        self.speaks.clear()
        try:
            yield
        finally:
            self.speaks.set()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], owner: MailServer) -> None:
        self.owner = owner
        super().__init__(address, _Session)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed ends its session, and nothing else."""


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        owner = self.server.owner
        self._say("220 chaos")
        recipients: list[str] = []
        for line in self.rfile:
            verb = line.strip().upper()
            if verb.startswith(b"RCPT TO:"):
                recipients.append(line.decode().partition("<")[2].partition(">")[0])
                self._say("250 OK")
            elif verb == b"DATA":
                self._say("354 Go on")
                message = email.message_from_bytes(b"".join(iter(self.rfile.readline, b".\r\n")))
                time.sleep(DELAY)
                owner.mails += [Mail(to, message["Message-ID"] or "") for to in recipients]
                recipients = []
                self._say("250 OK")
            elif verb == b"QUIT":
                self._say("221 Bye")
                return
            else:
                self._say("250 OK")

    def _say(self, text: str) -> None:
        self.server.owner.speaks.wait()
        self.wfile.write(f"{text}\r\n".encode())
