"""python -m deploy.journey: all steps, a line for each, and a last line `N passed, M failed`."""

from __future__ import annotations

import argparse
import sys
import time

from deploy.journey import as_user, from_outside, images, releases, slices, under_fire
from deploy.journey.report import Report
from deploy.journey.stack import Stack
from deploy.journey.world import World


def walk(world: World, report: Report) -> None:
    """The steps in order. What nothing can follow without ends the walk."""

    def up() -> str:
        world.stack.up("--no-build")
        return f"http://127.0.0.1:{world.stack.port}"

    if not images.before_start(world, report) or not report.step("up: everything is healthy", up):
        return
    images.after_start(world, report)
    as_user.pages(world, report)
    as_user.account(world, report)
    for module in slices.modules("steps"):
        module.steps(world, report)
    as_user.administration(world, report)
    from_outside.refused_calls(world, report)
    images.sizes(world, report)
    under_fire.replicas(world, report)
    releases.deploy(world, report)
    releases.backup(world, report)
    under_fire.stop_and_start(world, report)
    from_outside.address(world, report)
    from_outside.logs(world, report)


def main() -> int:
    """Run it. 0 when every step passed."""
    parser = argparse.ArgumentParser(prog="make compose-test", description=__doc__)
    parser.add_argument(
        "--keep", action="store_true", help="leave the installation running, and say how to remove it"
    )
    parser.add_argument("--logs", metavar="FILE", help="write all containers' logs there before the end")
    options = parser.parse_args()
    stack = Stack({})
    world, report = World(stack), Report()
    docker = stack.docker("version", "--format", "engine {{.Server.Version}}").stdout.strip()
    compose = stack.docker("compose", "version", "--short").stdout.strip()
    sys.stdout.write(
        f"{time.strftime('%Y-%m-%d %H:%M')}  Docker {docker}, compose {compose}, project {stack.project}\n"
    )
    try:
        walk(world, report)
    finally:
        if options.logs:
            with open(options.logs, "w", encoding="utf-8") as file:  # noqa: PTH123
                file.write(stack.compose("logs", "--no-color", "--timestamps", check=False).stdout)
        if options.keep:
            sys.stdout.write(
                f"kept: docker compose -p {stack.project} --env-file {stack.keep()} ps    (… down -v removes it)\n"
            )
        else:
            images.nothing_left(world, report)
    return report.summary()


if __name__ == "__main__":
    sys.exit(main())
