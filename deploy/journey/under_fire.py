"""Steps that break things: replicas, one of each killed and one stopped in the middle of traffic, stop and start."""

from __future__ import annotations

import time

from deploy.journey.report import Report
from deploy.journey.traffic import Traffic
from deploy.journey.world import World

STOP_LIMIT = 30.0
RESTART_LIMIT = 1.0
# Ended by itself, or by the signal that asked it to, after tidying up (as uvicorn does); 137 would be SIGKILL.
ORDERLY = {0, 128 + 15}
# Ends whatever the container's init has started, as an out-of-memory kill would.
CRASH = (
    "import os, signal\n"
    "for entry in os.listdir('/proc'):\n"
    "    if entry.isdigit() and entry != '1':\n"
    "        with open(f'/proc/{entry}/stat') as file:\n"
    "            parent = file.read().rpartition(')')[2].split()[1]\n"
    "        if parent == '1':\n"
    "            os.kill(int(entry), signal.SIGKILL)\n"
)


# Prints how many connections to port 8000 are open.
COUNT = (
    "print(sum(fields[1].endswith(':1F40') and fields[3] == '01'"
    " for fields in map(str.split, open('/proc/net/tcp'))))"
)


def replicas(world: World, report: Report) -> None:
    """Two of each, and what happens when they go."""
    stack = world.stack
    accounts = [world.account("ada"), world.account("bob")]

    def scale() -> str:
        stack.set(WEB_REPLICAS="2", CHANNELS_REPLICAS="2")
        for _ in range(2):
            stack.up("--no-build")
            assert [len(stack.containers(service)) for service in ("web", "channels")] == [2, 2]
        return "web 2, channels 2; a second `up` keeps them"

    def outcome(traffic: Traffic) -> str:
        """A summary of losses and failures; sockets were on the replica that stopped."""
        said = traffic.outcome()
        assert traffic.reconnects > 0 or not traffic.sockets, "no socket was on the replica that went"
        return said

    def busiest() -> list[str]:
        """One web replica, and the channels replica that holds the most sockets."""

        def sockets(container: str) -> int:
            return int(stack.docker("exec", container, "python", "-c", COUNT).stdout)

        return [stack.containers("web")[0], max(stack.containers("channels"), key=sockets)]

    def crash() -> str:
        with Traffic(world, accounts) as traffic:
            time.sleep(4)
            victims = busiest()
            for victim in victims:
                stack.docker("exec", victim, "python", "-c", CRASH, check=False)
            begun = time.monotonic()
            while True:
                time.sleep(0.5)
                states = [details["State"] for details in stack.inspect(*victims)]
                if all(state["Running"] and state["Health"]["Status"] == "healthy" for state in states):
                    break
                assert time.monotonic() - begun < 60, states
            back = time.monotonic() - begun
            time.sleep(4)
        restarts = [details["RestartCount"] for details in stack.inspect(*victims)]
        assert restarts == [1, 1], restarts
        return f"{outcome(traffic)}; healthy again after {back:.0f} s"

    def leave() -> str:
        with Traffic(world, accounts) as traffic:
            time.sleep(2)
            victims = busiest()
            begun = time.monotonic()
            stack.docker("stop", *victims)
            took = time.monotonic() - begun
            time.sleep(4)
        codes = [details["State"]["ExitCode"] for details in stack.inspect(*victims)]
        assert set(codes) <= ORDERLY and took < STOP_LIMIT, (codes, took)
        said = outcome(traffic)
        assert not traffic.failures, said
        return f"{said}; stopped in {took:.1f} s"

    def restart_database() -> str:
        with Traffic(world, accounts) as traffic:
            time.sleep(2)
            stack.compose("restart", "postgres")
            time.sleep(6)
        said = traffic.outcome()
        assert traffic.window < RESTART_LIMIT, f"{traffic.window:.1f} s of failures; {said}"
        return f"{traffic.window:.1f} s of failures; {said}"

    report.step("two replicas", scale)
    report.step("one of each is killed in the middle of traffic", crash)
    report.step("one of each is stopped in the middle of traffic", leave)
    stack.up("--no-build")
    report.step("postgres is restarted in the middle of traffic", restart_database)


def stop_and_start(world: World, report: Report) -> None:
    """Every service ends in time and in good order, and the data is there afterwards."""
    stack = world.stack

    def stop() -> str:
        before = world.stored()
        times = {}
        for service in ("nginx", "web", "channels", "worker", "beat", "redis", "postgres"):
            begun = time.monotonic()
            stack.compose("stop", service)
            times[service] = time.monotonic() - begun
            assert times[service] < STOP_LIMIT, (service, times[service])
        codes = {name: details["State"]["ExitCode"] for name, details in stack.everything().items()}
        assert set(codes.values()) <= ORDERLY, codes
        stack.up("--no-recreate")
        assert world.stored() == before
        return (
            ", ".join(f"{service} {seconds:.1f}" for service, seconds in times.items())
            + " s; the data is still there"
        )

    report.step("each stops within 30 s, and starts again with its data", stop)
