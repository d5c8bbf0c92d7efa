"""Becomes another program: the last step between the supervisor and a child. Runs as a script, imports nothing of ours.

    python -I -S launch.py '{"uid": 65534, "gid": 65534, "parent": 123, "death": 2, "cwd": "/x"}' PROGRAM ARGUMENT...

It exists because dropping privileges and asking the kernel to be signalled when the parent dies must both happen
in the child, in this order (changing the user clears the request), and because running Python code between fork and
exec is not safe once the parent has threads.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    spec = json.loads(sys.argv[1])
    command = sys.argv[2:]
    # A shell that starts us in the background leaves SIGINT ignored, which a child would inherit.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.chdir(spec["cwd"])
    if spec["uid"] is not None:
        os.umask(0o077)
        os.setgroups([])
        os.setgid(spec["gid"])
        os.setuid(spec["uid"])
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, spec["death"], 0, 0, 0)
        if os.getppid() != spec["parent"]:
            sys.exit("the supervisor ended while its child started")
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
