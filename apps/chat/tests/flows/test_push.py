"""apps/chat/docs/push.md: a Celery task in a process of its own posts a message to open sockets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from uuid import uuid4

from apps.chat.tests.flows.test_broadcast import enter, receive
from apps.common.testing.processes import Site
from config.env import BASE_DIR


def test_a_task_reaches_open_sockets_and_later_ones(
    serve: Callable[[], Site], worker: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    site = serve()
    ada = site.join("ada")
    room = f"flow-{uuid4().hex[:8]}"
    made = site.http.post(
        "/api/private/v1/chat/rooms/", json={"slug": room, "name": "Flow"}, headers=ada.headers
    )
    assert made.status_code == 201, made.text
    with enter(site, room, ada) as socket:
        subprocess.run(
            [sys.executable, "manage.py", "announce", room, "the hills stand"],
            cwd=BASE_DIR,
            env=environment,
            check=True,
            timeout=60,
        )
        pushed = receive(socket, "message")
        assert (pushed["seq"], pushed["message"], pushed["from"]) == (1, "the hills stand", None)
    with enter(site, room, ada, after=0) as later:
        assert receive(later, "message")["id"] == pushed["id"]
    assert worker.poll() is None
