"""The course of one `make run`: databases, preparation, the stack, supervision, and a clean end.

It imports neither Django nor the project, so that it works when they are broken.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from pathlib import Path

from infrastructure.embedded import children, console, data_dirs, errors, postgres, processes, servers, state
from infrastructure.embedded.process_group import Ended, ProcessGroup

BACK_OFF = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before each restart in a row
STEADY = 60.0  # seconds of life after which a death counts as the first again
RELOAD = 1.0  # seconds that a process may take to end when the code has changed
PATIENCE = 30.0  # seconds that a start waits for another run of this checkout to stop
NAMES = {"DATABASE_URL": "postgres", "REDIS_URL": "valkey"}


def reachable(host: str) -> str:
    """The address at which a browser on this machine reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def site_of(host: str, port: int) -> str:
    name = reachable(host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


class Supervisor:
    """One run of the stack."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        stack: children.Stack,
        checkout: Path = data_dirs.CHECKOUT,
        foreground: bool = False,
    ) -> None:
        self.host, self.port, self.stack, self.checkout = host, port, stack, checkout
        self.foreground = foreground  # the first child has the terminal, for `breakpoint()`
        self.begun = time.monotonic()
        self.log = console.Console()
        self.process_group = ProcessGroup(self.log)
        self.table = {child.name: child for child in stack.children}
        self.databases: servers.Servers | None = None
        self.env: dict[str, str] = {}
        self.failures: dict[str, int] = {}
        self.restarts: dict[str, float] = {}
        self.is_up = False
        self.reloading: float | None = None  # since when the first child has not answered after a change
        self.site = site_of(host, port)

    def run(self) -> int:
        """Run until asked to end, or until a fault that cannot be recovered. Returns the exit code."""
        folder = data_dirs.local_folder(self.checkout)
        claim = state.Claim(folder)
        if not claim.take_within(PATIENCE):
            raise errors.EmbeddedError(state.taken_by(claim.owner()))
        try:
            postgres.require_free(self.port, self.host)
            self.process_group.listen()
            processes.end_with_parent()
            return self.supervise(claim, folder / "summary.json")
        finally:
            claim.release()

    def supervise(self, claim: state.Claim, summary: Path) -> int:
        """Everything between the first process and the last."""
        try:
            urls = self.start_databases()
            public = servers.written(self.checkout).get("PUBLIC_URL") or self.site
            self.env = children.environment(urls=urls, public_url=public)
            claim.publish(state.Running(pid=os.getpid(), what="make run", site=self.site, urls=urls))
            self.prepare()
            for name in self.table:
                self.start(name)
            while not self.answers():
                self.watch(0.05)
            self.is_up = True
            self.log.say(console.banner(self.site, summary, time.monotonic() - self.begun))
            if self.foreground:
                self.log.file = summary.with_name("run.log")
                self.log.file.write_text("")
                self.log.say(f"The server has this terminal; the others write to {self.log.file}.")
            while True:
                self.watch(1.0 if self.reloading is None else 0.05)
                if self.reloading is not None and self.answers():
                    self.reloaded(self.reloading)
        except Ended as end:
            return end.code
        except errors.EmbeddedError as error:
            self.log.say(str(error))
            return 1
        finally:
            claim.retire()
            self.stop()

    # ------------------------------------------------------------ starting

    def start_databases(self) -> dict[str, str]:
        """Start both servers together, and wait until they accept connections."""
        home = data_dirs.persistent(self.checkout)
        self.databases = servers.Servers(home, durable=True, given=servers.external(self.checkout))
        for variable in self.databases.members:
            self.begin_database(variable)
        if self.databases.given:
            self.log.say(f"using {' and '.join(sorted(self.databases.given))} from the environment or .env")
        deadline = time.monotonic() + servers.PATIENCE
        while not self.databases.are_ready():
            if time.monotonic() > deadline:
                raise errors.ServerFailed("the database servers do not become ready; their log is above")
            self.pump(0.01)
        return self.databases.urls

    def begin_database(self, variable: str) -> None:
        assert self.databases is not None
        server = self.databases.members[variable]
        self.process_group.add(NAMES[variable], server.begin(subprocess.PIPE))

    def prepare(self) -> None:
        """Migrate and seed. When that fails, its output is the reason."""
        child = self.stack.prepare
        member = self.process_group.add(child.name, self.spawn(child))
        while member.process.poll() is None:
            self.pump(0.02)
        if code := self.process_group.dismiss(member):
            raise errors.EmbeddedError(f"{child.name} failed (exit {code}): the reason is above")

    def spawn(self, child: children.Child) -> subprocess.Popen[bytes]:
        terminal = self.foreground and child is self.stack.children[0]
        return processes.spawn(
            child.command, cwd=self.checkout, env=self.env, output=subprocess.PIPE, terminal=terminal
        )

    def start(self, name: str) -> None:
        """Start, or restart, one child or one database."""
        for variable, server in NAMES.items():
            if server == name:
                self.begin_database(variable)
                return
        self.process_group.add(name, self.spawn(self.table[name]))

    def reload(self) -> None:
        """Restart the server; the others follow once it answers, so that it has the processors to itself."""
        self.process_group.changed = False
        self.reloading = time.monotonic()
        self.renew(self.stack.children[0])

    def reloaded(self, since: float) -> None:
        """Restart the other children that load the project's code."""
        self.log.say(f"reloaded in {time.monotonic() - since:.1f} s")
        self.reloading = None
        for child in self.stack.children[1:]:
            if child.reloads:
                self.renew(child)

    def renew(self, child: children.Child) -> None:
        self.process_group.end(child.name, ((signal.SIGTERM, RELOAD), (signal.SIGKILL, 5.0)), quiet=True)
        self.restarts.pop(child.name, None)
        self.failures.pop(child.name, None)
        self.start(child.name)

    def answers(self) -> bool:
        """Whether the site itself answers; another program on the port would stop our server from starting."""
        connection = http.client.HTTPConnection(reachable(self.host), self.port, timeout=5)
        try:
            connection.request("GET", self.stack.health)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    # ------------------------------------------------------------ watching

    def pump(self, patience: float) -> None:
        """Wait. Raises Ended when the end was requested."""
        self.process_group.pump(patience)
        if self.process_group.asked:
            self.log.say("stopping")
            raise Ended(0)

    def watch(self, patience: float) -> None:
        """Wait, and handle children that died or are due to restart."""
        due = min(self.restarts.values(), default=float("inf")) - time.monotonic()
        self.pump(max(0.0, min(patience, due)))
        if self.process_group.changed and self.is_up:
            self.reload()
        for member in self.process_group.dead():
            lived = time.monotonic() - member.since
            code = self.process_group.dismiss(member)
            how = f"exit {code}" if code >= 0 else signal.Signals(-code).name
            if not self.is_up and member.name == self.stack.children[0].name:
                self.log.say(f"{member.name} did not start ({how}): the reason is above")
                raise Ended(1)
            if self.reloading is not None and member.name == self.stack.children[0].name:
                self.log.say(
                    f"{member.name} does not start: the reason is above; it waits for the next change"
                )
                self.reloading = None
                continue
            count = 0 if lived > STEADY else self.failures.get(member.name, 0)
            delay = BACK_OFF[min(count, len(BACK_OFF) - 1)]
            self.failures[member.name] = count + 1
            self.restarts[member.name] = time.monotonic() + delay
            self.log.say(f"{member.name} ended unexpectedly ({how}); starting it again in {delay:g} s")
        for name in [name for name, when in self.restarts.items() if when <= time.monotonic()]:
            del self.restarts[name]
            self.start(name)

    # ------------------------------------------------------------ ending

    def stop(self) -> None:
        """End all in order of dependence: a server ends after its users. A second request shortens every step."""
        begun = time.monotonic()
        for child in (self.stack.prepare, *self.stack.children):
            patience = 0.0 if self.process_group.asked > 1 else child.patience
            self.process_group.end(child.name, ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)))
        if self.databases is not None:
            for variable, server in self.databases.members.items():
                # A database always gets its full, bounded wait.
                self.process_group.end(NAMES[variable], server.STOP)
        self.process_group.close()
        self.log.say(f"stopped in {time.monotonic() - begun:.1f} s")
