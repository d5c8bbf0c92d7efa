"""Steps that break things: replicas, one of each killed and one stopped in the middle of traffic, stop and start."""

from __future__ import annotations

import time

from deploy.journey.report import Report
from deploy.journey.traffic import Traffic
from deploy.journey.world import World

STOP_LIMIT = 30.0
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
    people = [world.person("ada"), world.person("bob")]

    def scale() -> str:
        stack.up("--no-recreate", "--scale", "web=2", "--scale", "channels=2")
        assert [len(stack.containers(service)) for service in ("web", "channels")] == [2, 2]
        return "web 2, channels 2"

    def account(traffic: Traffic) -> str:
        """Compare what was acknowledged with what is stored and what was heard."""
        assert not traffic.errors, traffic.errors
        stored = world.all_messages(people[0])
        by_id = {message["id"]: message["seq"] for message in stored}
        lost = [ack for ack in traffic.acknowledged.values() if by_id.get(ack[0]) != ack[1]]
        assert not lost, f"{len(lost)} of {len(traffic.acknowledged)} acknowledged messages lost"
        assert [message["seq"] for message in stored] == list(range(1, len(stored) + 1)), "gaps in seq"
        for seqs in traffic.heard:
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "a listener missed, or heard twice"
        calls = sum(traffic.answers.values())
        failed = f"{len(traffic.failures)} of {calls} REST calls failed" + (
            f" ({', '.join(sorted(set(traffic.failures)))})" if traffic.failures else ""
        )
        again = sum(traffic.reconnects.values()) - 2 * len(people)
        assert again > 0, "no socket was on the replica that went"
        return f"{len(traffic.acknowledged)} acknowledged, 0 lost; {failed}; {again} reconnects, worst {traffic.longest_gap:.1f} s"

    def busiest() -> list[str]:
        """One web replica, and the channels replica that holds the most sockets."""

        def sockets(container: str) -> int:
            return int(stack.docker("exec", container, "python", "-c", COUNT).stdout)

        return [stack.containers("web")[0], max(stack.containers("channels"), key=sockets)]

    def crash() -> str:
        with Traffic(world, people) as traffic:
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
        return f"{account(traffic)}; healthy again after {back:.0f} s"

    def leave() -> str:
        with Traffic(world, people) as traffic:
            time.sleep(2)
            victims = busiest()
            begun = time.monotonic()
            stack.docker("stop", *victims)
            took = time.monotonic() - begun
            time.sleep(4)
        codes = [details["State"]["ExitCode"] for details in stack.inspect(*victims)]
        assert set(codes) <= ORDERLY and took < STOP_LIMIT, (codes, took)
        said = account(traffic)
        assert not traffic.failures, said
        return f"{said}; stopped in {took:.1f} s"

    report.step("two replicas", scale)
    report.step("one of each is killed in the middle of traffic", crash)
    report.step("one of each is stopped in the middle of traffic", leave)


def stop_and_start(world: World, report: Report) -> None:
    """Every service ends in time and in good order, and the data is there afterwards."""
    stack = world.stack
    reader = world.person("bob")

    def stop() -> str:
        before = len(world.all_messages(reader))
        times = {}
        for service in ("nginx", "web", "channels", "worker", "beat", "redis", "postgres"):
            begun = time.monotonic()
            stack.compose("stop", service)
            times[service] = time.monotonic() - begun
            assert times[service] < STOP_LIMIT, (service, times[service])
        codes = {name: details["State"]["ExitCode"] for name, details in stack.everything().items()}
        assert set(codes.values()) <= ORDERLY, codes
        stack.up("--no-recreate")
        assert len(world.all_messages(reader)) == before
        return (
            ", ".join(f"{service} {seconds:.1f}" for service, seconds in times.items())
            + f" s; {before} messages still there"
        )

    report.step("each stops within 30 s, and starts again with its data", stop)
