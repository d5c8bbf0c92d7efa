"""apps/users/docs/registration.md: account and event in one transaction, the mail by a Celery task, once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from apps.common.testing.processes import Site, mails_to
from apps.common.testing.waiting import wait_until


def test_registration_ends_in_one_welcome_mail(
    serve: Callable[[], Site], worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    site = serve()
    ada = site.join("ada")
    wait_until(lambda: bool(mails_to(tmp_path, ada.email)), "the welcome mail is there", seconds=30)
    grace = site.join("grace")
    wait_until(lambda: bool(mails_to(tmp_path, grace.email)), "the second welcome mail is there", seconds=30)
    assert len(mails_to(tmp_path, ada.email)) == 1
    assert worker.poll() is None
