"""Health checks of the containers: a request to the process in this one, or the age of the file that it keeps touching.

    python -I deploy/health.py http 8000 /readyz     0 when it answers 200
    python -I deploy/health.py file 30               0 when HEARTBEAT_FILE was touched in the last 30 seconds

It runs every few seconds for as long as the container lives, so it imports as little as it can: no Django, no Celery.
"""

import os
import socket
import sys
import time


def answers(port: int, path: str) -> bool:
    """Whether `GET path` on this container's own port is a 200."""
    with socket.create_connection(("127.0.0.1", port), timeout=4) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        status = connection.recv(64).split(b" ", 2)
    return len(status) > 1 and status[1] == b"200"


def is_fresh(seconds: float) -> bool:
    """Whether the worker or beat of this container has touched its file lately."""
    return time.time() - os.stat(os.environ["HEARTBEAT_FILE"]).st_mtime < seconds  # noqa: PTH116 (pathlib is slow)


def main(kind: str, *arguments: str) -> bool:
    """The outcome of one check."""
    if kind == "http":
        return answers(int(arguments[0]), arguments[1])
    return is_fresh(float(arguments[0]))


if __name__ == "__main__":
    try:
        healthy = main(*sys.argv[1:])
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        healthy = False
    sys.exit(not healthy)
