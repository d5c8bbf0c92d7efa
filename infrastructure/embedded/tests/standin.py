"""A small stack for the supervisor to run: python standin.py CHECKOUT PORT MODE. Every mode is one way to misbehave."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from infrastructure.embedded import console, errors, supervisor
from infrastructure.embedded.children import Child, Stack, watcher

SERVER = """
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(json.dumps({k: os.environ.get(k) for k in ("DATABASE_URL", "REDIS_URL", "PUBLIC_URL")}).encode())
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
LOADED = "import runpy; os.environ['PUBLIC_URL'] = runpy.run_path('code/loaded.py')['VALUE']\n"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('stubborn', flush=True); time.sleep(60)"
FLEETING = "import os, sys, time, pathlib; p = pathlib.Path('starts'); p.open('a').write('x'); time.sleep(0 if len(p.read_text()) < 2 else 60)"
FAMILY = "import subprocess, time; subprocess.Popen(['sleep', '60']); print('no end of line', end='', flush=True); time.sleep(60)"
SEED = "import json, sys; open(sys.argv[1], 'w').write(sys.argv[2]); print('seeded')"
SUMMARY = {
    "urls": [["Console", "/"], ["Elsewhere", "https://example.com/"]],
    "logins": [{"email": "ada@example.com", "password": "secret-demo", "role": "admin"}],
    "service_key": "key-1",
}


def stack(mode: str, port: int, folder: Path) -> Stack:
    python = (sys.executable, "-S", "-c")
    worker = {"stubborn": STUBBORN, "fleeting": FLEETING}.get(mode, FAMILY)
    server = {
        "broken": "import sys; sys.exit('the zone table is broken')",
        "reloading": SERVER.replace("class Handler", LOADED + "class Handler"),
        "foreground": SERVER.replace("self.send_response(200)", "breakpoint(); self.send_response(200)"),
    }.get(mode, SERVER)
    seed = "import sys; sys.exit('no migration for you')" if mode == "unprepared" else SEED
    return Stack(
        prepare=Child(
            name="prepare", command=(*python, seed, str(folder / "summary.json"), json.dumps(SUMMARY))
        ),
        children=(
            Child(name="server", command=(*python, server, str(port)), reloads=True),
            Child(
                name="worker",
                command=(*python, worker),
                patience=30 if mode == "stubborn" else 5,
                reloads=True,
            ),
            *(
                [watcher(supervisor=os.getpid(), folders=[folder.parent / "code"])]
                if mode == "reloading"
                else []
            ),
        ),
    )


def main() -> int:
    checkout, port, mode = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    try:
        table = stack(mode, port, checkout / ".data")
        return supervisor.Supervisor(
            host="127.0.0.1", port=port, stack=table, checkout=checkout, foreground=mode == "foreground"
        ).run()
    except errors.EmbeddedError as error:
        console.stderr(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
