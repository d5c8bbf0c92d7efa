"""The commands `python -m infrastructure.embedded run`, `exec -- COMMAND` and `clean`."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from infrastructure.embedded import attach, children, data_dirs, errors, state
from infrastructure.embedded.supervisor import Supervisor


def port_number(text: str) -> int:
    """Parse a port. Raises argparse's error with the range."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: use a number from 1 to 65535")
    return int(text)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m infrastructure.embedded", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="start everything and show one log; Ctrl-C ends it")
    run.add_argument("--host", default="127.0.0.1")
    run.add_argument("--port", type=port_number, default=8000)
    run.add_argument(
        "--no-reload", action="store_true", help="do not restart processes when the code changes"
    )
    run.add_argument(
        "--foreground", action="store_true", help="leave the terminal to the server, for breakpoint()"
    )
    run.add_argument(
        "--debug-port",
        type=port_number,
        default=0,
        help="debuggers attach here (server) and to the two ports after it (beat, worker)",
    )
    one = commands.add_parser(
        "exec", help="run a command with the servers up: those of a running stack, or for as long as it takes"
    )
    one.add_argument("arguments", nargs=argparse.REMAINDER)
    clean = commands.add_parser("clean", help="remove this checkout's data: databases, mails, uploads")
    clean.add_argument("--yes", action="store_true", help="do not ask")
    return top


def main(arguments: Sequence[str] | None = None, *, checkout: Path = data_dirs.CHECKOUT) -> int:
    """Run one of the commands. Raises EmbeddedError with one line for the developer."""
    options = parser().parse_args(arguments)
    if options.command == "run":
        summary = data_dirs.local_folder(checkout) / "summary.json"
        stack = children.development(
            host=options.host,
            port=options.port,
            summary=summary,
            reload=not options.no_reload,
            debug_port=options.debug_port,
        )
        return Supervisor(
            host=options.host,
            port=options.port,
            stack=stack,
            checkout=checkout,
            foreground=options.foreground,
        ).run()
    if options.command == "clean":
        return remove_data(checkout, asked=options.yes)
    command = options.arguments[1:] if options.arguments[:1] == ["--"] else options.arguments
    if not command:
        raise errors.EmbeddedError("exec needs a command: exec -- python manage.py shell")
    return execute(command, checkout=checkout)


def execute(command: Sequence[str], *, checkout: Path) -> int:
    """Run a command on this terminal with DATABASE_URL and REDIS_URL set. Returns its exit code."""
    with attach.servers_of(checkout, what=" ".join(command)) as urls:
        return attached(command, urls)


def remove_data(checkout: Path, *, asked: bool) -> int:
    """Remove this checkout's data outside of version control, after a question. Returns the exit code."""
    folder = data_dirs.local_folder(checkout)
    claim = state.Claim(folder)
    if not claim.take():
        raise errors.EmbeddedError(state.taken_by(claim.owner()))
    try:
        home = data_dirs.persistent(checkout)
        if not asked:
            print(
                f"This removes the databases in {home.path} and everything in {folder}. Type yes to go on: ",
                end="",
            )
            if input_line() != "yes":
                print("nothing removed")
                return 1
        shutil.rmtree(home.path)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        claim.release()
    return 0


def input_line() -> str:
    """Read a line from the terminal, empty where there is none."""
    sys.stdout.flush()
    return sys.stdin.readline().strip() if sys.stdin is not None else ""


def attached(command: Sequence[str], urls: dict[str, str]) -> int:
    """Run a command attached to our terminal, which alone receives what is typed."""
    env = {**os.environ, **urls, "DJANGO_SETTINGS_MODULE": children.SETTINGS}
    try:
        process = subprocess.Popen(command, env=env)
    except OSError as error:
        raise errors.EmbeddedError(f"{command[0]}: {error.strerror}") from error

    def pass_on(number: int, frame: FrameType | None) -> None:
        # The terminal sends Ctrl-C to the command as well; other signals reach only this process.
        if number != signal.SIGINT:
            process.send_signal(number)

    previous = {
        number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        code = process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code
