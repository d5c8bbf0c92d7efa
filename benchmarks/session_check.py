"""The cost of the session check of an authenticated request: `python -m benchmarks.session_check`.

Calls `users/me/` through the WSGI application of one process, on a real PostgreSQL and Valkey, in turns with and
without the query that checks session and account (all else, the token's signature and the limits
included, stays). Prints both medians, their ratio and the bar of 1.6; exits 1 above it.
"""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from infrastructure.embedded import servers

ROUNDS, CALLS = 60, 25
BAR = 1.6


def call(application: Callable[..., Any], token: str) -> None:
    """One request, with its body read to the end."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/api/private/v1/users/me/",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "HTTP_HOST": "127.0.0.1",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "HTTP_AUTHORIZATION": f"Bearer {token}",
    }
    found: list[str] = []
    response = application(environ, lambda status, _: found.append(status))
    b"".join(response)
    response.close()
    assert found == ["200 OK"], found


def compare() -> float:
    """Returns the ratio."""
    import logging

    import django

    django.setup()
    logging.disable(logging.INFO)
    from django.core.wsgi import get_wsgi_application

    from apps.common.testing import users as factories
    from apps.users import selectors
    from apps.users.selectors import authentication

    application = get_wsgi_application()
    user = factories.UserFactory.create(phone="5550100")
    token = factories.access_token_for(user)
    claims = selectors.access_tokens().read(token)
    asked = authentication._live_user  # noqa: SLF001  (the very step that is measured)
    known = asked(claims, django.utils.timezone.now())

    def unasked(*_: Any) -> Any:
        # The result of the query, without the query.
        made = type(known).__new__(type(known))
        made.__dict__ = {**known.__dict__, "_state": known._state}  # noqa: SLF001
        return made

    took: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(ROUNDS + 5):
        for name, ask in (("with", asked), ("without", unasked)):
            authentication._live_user = ask  # noqa: SLF001
            started = time.perf_counter()
            for _ in range(CALLS):
                call(application, token)
            if number >= 5:  # before, it warms up
                took[name].append((time.perf_counter() - started) / CALLS * 1e6)
    medians = {name: statistics.median(rounds) for name, rounds in took.items()}
    ratio = statistics.median(one / other for one, other in zip(took["with"], took["without"], strict=True))
    print(f"with the session check     {medians['with']:7.0f} µs")
    print(f"without                    {medians['without']:7.0f} µs")
    print(f"{'ok  ' if ratio <= BAR else 'MISS'} ratio {ratio:.2f} (bar: {BAR})")
    return ratio


def main() -> int:
    """Run the measurement."""
    with servers.throwaway({}) as engines, tempfile.TemporaryDirectory() as data:
        os.environ |= {
            **engines.urls,
            "DJANGO_READ_DOT_ENV": "0",
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "RATES_PRIVATE": "10000000/minute",
            "DATA_DIR": data,
            "LOG_LEVEL": "WARNING",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True)
        try:
            return int(compare() > BAR)
        finally:
            from django.db import connections

            connections.close_all()


if __name__ == "__main__":
    sys.exit(main())
