"""`make deploy` and `make rollback`: another release of one installation, without a failed request.

    python -m deploy.release deploy [--dry-run] [--no-backup] [--allow-breaking]
    python -m deploy.release rollback [--dry-run]

New images are built beside those that run, the database is migrated while the old release serves, and each replica is
replaced by starting a new one, waiting until it is healthy, and stopping an old one. A failure before the first
replacement changes nothing; a later one brings the old release back. Standard library only.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from deploy import backup
from deploy.docker import ROOT, Compose, Failure, add_options, docker, lock, say

# The tag of images that are not in use yet, and of those that were in use before.
CANDIDATE, PREVIOUS = "candidate", "previous"
# Workers first, so that a task of the new release finds code that knows it. Services of one's own come before them.
ORDER = ("worker", "channels", "web", "beat")
EDGE, MIGRATE = "nginx", "migrate"
HEALTHY_SECONDS = 120.0
# nginx keeps the addresses of replicas for two seconds: a new one is known before an old one stops, and one that stopped
# is forgotten before the next one does, since each address where nobody answers costs a caller a second.
KNOWN_SECONDS = 3.0


class Installation:
    """The services of an installation, their images, and how their containers are replaced."""

    def __init__(self, compose: Compose) -> None:
        self.compose = compose
        self._stopped = -KNOWN_SECONDS
        services = compose.config["services"]
        self.app_image: str = services[MIGRATE]["image"]
        self.edge_image: str = services[EDGE]["image"]
        rolled = [name for name, service in services.items() if service["image"] == self.app_image]
        rolled.remove(MIGRATE)
        self.rolled = sorted(rolled, key=lambda name: (name in ORDER and ORDER.index(name) + 1, name))
        self.stores = [name for name in services if name not in (*rolled, MIGRATE, EDGE)]

    def is_running(self) -> bool:
        """Whether there is something that must not fail."""
        return any(container["State"]["Running"] for container in self.compose.containers("web"))

    def current(self, image: str, service: str) -> str:
        """The id of the image of a service's oldest container, else of the one that it would be started with."""
        containers = self.compose.containers(service)
        return str(containers[0]["Image"]) if containers else image_id(image)

    def outdated(self, service: str) -> list[dict[str, Any]]:
        """Containers of a service with another image or other settings than a new one would have, oldest first."""
        service_config = self.compose.config["services"][service]
        image = image_id(service_config["image"])
        wanted = self.compose.run("config", "--hash", service).stdout.split()[-1]
        return [
            container
            for container in self.compose.containers(service)
            if container["Image"] != image
            or container["Config"]["Labels"]["com.docker.compose.config-hash"] != wanted
        ]

    def roll(self, service: str) -> None:
        """Replace the outdated containers of a service one by one, and bring their number to the one that is set."""
        replicas = self.compose.replicas(service)
        for container in self.compose.containers(service):
            if not container["State"]["Running"]:
                docker("rm", "--force", container["Id"])
        old = self.outdated(service)
        total = len(self.compose.containers(service))
        missing = replicas - (total - len(old))
        if not old and not missing:
            say(f"{service}: up to date")
            return
        while missing > 0:
            self._start_one(service)
            missing -= 1
            if len(old) > missing:
                self._stop(service, old.pop(0))
        for container in old:
            self._stop(service, container)
        for container in self.compose.containers(service)[replicas:]:
            self._stop(service, container)

    def _start_one(self, service: str) -> None:
        begun = time.monotonic()
        before = {container["Id"] for container in self.compose.containers(service)}
        scale = f"{service}={len(before) + 1}"
        words = ("up", "--detach", "--no-deps", "--no-recreate", "--no-build", "--scale", scale, service)
        self.compose.run(*words)
        (new,) = [one for one in self.compose.containers(service) if one["Id"] not in before]
        name = new["Name"].lstrip("/")
        try:
            self._wait(service, new["Id"])
        except BaseException:
            docker("rm", "--force", new["Id"], check=False)
            say(f"{service}: {name} is removed again")
            raise
        time.sleep(max(0.0, KNOWN_SECONDS - (time.monotonic() - begun)))
        say(f"{service}: {name} is healthy ({time.monotonic() - begun:.1f} s)")

    def _wait(self, service: str, container: str) -> None:
        begun = time.monotonic()
        while True:
            (found,) = [one for one in self.compose.containers(service) if one["Id"] == container]
            state = found["State"]
            if state.get("Health", {}).get("Status", "healthy") == "healthy" and state["Running"]:
                return
            ended = found["RestartCount"] > 0 or state["Status"] in ("exited", "dead")
            if ended or state.get("Health", {}).get("Status") == "unhealthy":
                reason = f"ended with code {state['ExitCode']}" if ended else "is unhealthy"
            elif time.monotonic() - begun > HEALTHY_SECONDS:
                reason = f"is not healthy after {HEALTHY_SECONDS:.0f} s"
            else:
                time.sleep(0.3)
                continue
            logs = self.compose.run("logs", "--no-color", "--tail", "20", service, check=False).stdout
            raise Failure(
                f"The new container of {service} {reason}. The end of the service's log:\n{logs.strip()}"
            )

    def _stop(self, service: str, container: dict[str, Any]) -> None:
        time.sleep(max(0.0, self._stopped + KNOWN_SECONDS - time.monotonic()))
        begun = time.monotonic()
        docker("stop", container["Id"])
        docker("rm", container["Id"])
        self._stopped = time.monotonic()
        name = container["Name"].lstrip("/")
        say(f"{service}: {name} is stopped ({time.monotonic() - begun:.1f} s)")

    def roll_all(self) -> None:
        """Replace whatever is outdated. The edge has one port, so it is replaced last, and only when it changed."""
        for service in self.rolled:
            self.roll(service)
        if self.outdated(EDGE):
            begun = time.monotonic()
            self.compose.run("up", "--detach", "--no-deps", "--no-build", "--wait", EDGE)
            say(f"{EDGE}: replaced; connections were refused for up to {time.monotonic() - begun:.1f} s")
        else:
            say(f"{EDGE}: up to date")
        for service in self.stores:
            if self.outdated(service):
                say(
                    f"{service}: its settings changed; `docker compose up -d {service}` restarts it, when you choose"
                )

    def switch(self, images: dict[str, str]) -> None:
        """Let the names of the images mean these ids."""
        for name, identity in images.items():
            docker("tag", identity, name)


def image_id(name: str) -> str:
    """The id of an image."""
    return docker("image", "inspect", "--format", "{{.Id}}", name).strip()


def find_image(name: str) -> str:
    """The id of an image, empty where there is none."""
    return docker("image", "ls", "--quiet", "--no-trunc", name).strip()


def tagged(image: str, tag: str) -> str:
    """The same image with another tag."""
    return f"{image.rpartition(':')[0]}:{tag}"


def replace(installation: Installation, new: dict[str, str]) -> None:
    """Bring in other images; on a failure the present ones again. What ran before stays as `previous`."""
    old = {
        installation.app_image: installation.current(installation.app_image, "web"),
        installation.edge_image: installation.current(installation.edge_image, EDGE),
    }
    earlier = {name: find_image(tagged(name, PREVIOUS)) for name in old}
    if old != new:
        # Before the first container goes: whatever ends this process, `make rollback` knows where to return to.
        installation.switch({tagged(name, PREVIOUS): identity for name, identity in old.items()})
    installation.switch(new)
    try:
        installation.roll_all()
    except (Failure, KeyboardInterrupt) as error:
        say("FAILED; bringing the earlier release back")
        installation.switch(old)
        try:
            installation.roll_all()
        except Failure as second:
            raise Failure(
                f"{error!s}\nThe earlier release could not be brought back completely, because: {second}\n"
                "Containers that were not replaced yet go on running: `docker compose ps`. `make deploy` tries again."
            ) from error
        installation.switch(
            {tagged(name, PREVIOUS): identity for name, identity in earlier.items() if identity}
        )
        reason = str(error) or "interrupted"
        raise Failure(
            f"{reason}\nThe earlier release runs again, and no migration was taken back."
        ) from error


def deploy(compose: Compose, options: argparse.Namespace) -> None:
    """Build, check, back up, migrate, replace."""
    installation = Installation(compose)
    with lock(compose.project):
        candidate = {"RELEASE": CANDIDATE}
        say("build")
        compose.run("build", variables={**candidate, "COMMIT": commit()}, shown=options.verbose)
        names = (installation.app_image, installation.edge_image)
        new = {name: image_id(tagged(name, CANDIDATE)) for name in names}
        if not installation.is_running():
            if options.dry_run:
                say("dry run: nothing runs yet; everything would be started")
                return
            installation.switch(new)
            compose.run("up", "--detach", "--no-build", "--wait")
            say("started")
            return
        run = ("run", "--rm", "--no-deps", "--no-TTY", MIGRATE)
        plan = compose.run(*run, "python", "manage.py", "prepare", "--plan", variables=candidate, check=False)
        if plan.returncode not in (0, 3):
            raise Failure(f"The migrations could not be read. Nothing was changed.\n{_end(plan)}")
        say("migrations:\n" + "\n".join(f"            {line}" for line in plan.stdout.strip().splitlines()))
        if plan.returncode == 3 and not options.allow_breaking:
            raise Failure(
                "A pending migration takes away what the running release uses, or locks a table for long (marked with !). "
                "Nothing was changed.\nSplit it over two releases (docs/deploy.md), or deploy with --allow-breaking."
            )
        if options.dry_run:
            for service in (*installation.rolled, EDGE):
                count = len(installation.compose.containers(service))
                say(f"{service}: {count} running, {compose.replicas(service)} wanted")
            say("dry run: the images are built as `candidate`; nothing else was done")
            return
        if options.no_backup:
            say("no backup, as asked for")
        else:
            backup.create(compose)
        say("migrate, while the old release serves")
        done = compose.run(*run, variables=candidate, check=False)
        if done.returncode:
            raise Failure(
                f"The migrations failed. No container was touched, the old release goes on.\n{_end(done)}\n"
                "Those that were applied before the failing one stay: mend it and deploy again."
            )
        replace(installation, new)
        say("done: `make rollback` brings the earlier images back")


def rollback(compose: Compose, options: argparse.Namespace) -> None:
    """Bring in the images of before the last deploy. The database stays as it is."""
    installation = Installation(compose)
    with lock(compose.project):
        names = (installation.app_image, installation.edge_image)
        new = {name: find_image(tagged(name, PREVIOUS)) for name in names}
        if not all(new.values()):
            raise Failure("There are no earlier images: nothing was deployed over another release yet.")
        if options.dry_run:
            say(f"dry run: {installation.app_image} would become {new[installation.app_image][:19]} again")
            return
        replace(installation, new)
        say("done: the earlier release runs; `make rollback` once more returns to the one just left")


def commit() -> str:
    """The commit of this folder; empty where git does not know one."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=10
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _end(done: Any) -> str:
    return str((done.stdout + done.stderr)[-3000:]).strip()


def main(arguments: list[str] | None = None) -> int:
    """Run a command. 0 when it succeeded, 1 when it says why not."""
    parser = argparse.ArgumentParser(prog="python -m deploy.release", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, run in {"deploy": deploy, "rollback": rollback}.items():
        command = commands.add_parser(name, help=run.__doc__)
        command.set_defaults(function=run)
        add_options(command)
        command.add_argument("--dry-run", action="store_true", help="show what would be done")
        if run is deploy:
            command.add_argument("--no-backup", action="store_true", help="do not back up first")
            command.add_argument(
                "--allow-breaking",
                action="store_true",
                help="deploy migrations that the running release may not survive",
            )
            command.add_argument("--verbose", action="store_true", help="show the output of the build")
    options = parser.parse_args(arguments)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    function: Callable[[Compose, argparse.Namespace], None] = options.function
    try:
        function(Compose(options.env_file, options.project_name), options)
    except (Failure, KeyboardInterrupt) as failure:
        sys.stderr.write(f"{str(failure) or 'Interrupted.'}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
