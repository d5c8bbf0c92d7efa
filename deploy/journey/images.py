"""Steps before and around the start: what compose refuses, what the images hold, how the containers are locked in."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.journey.report import Report
from deploy.journey.stack import ROOT
from deploy.journey.world import World

APP_SERVICES = ("web", "channels", "worker", "beat")
SERVICES = ("nginx", *APP_SERVICES, "postgres", "redis")


def before_start(world: World, report: Report) -> bool:
    """Build and look at what was built. False when there is nothing to start."""
    stack = world.stack

    def no_secrets() -> str:
        empty = stack.env_file.with_name("empty")
        empty.write_text("")
        done = stack.compose("config", "--quiet", env_file=empty, check=False)
        assert done.returncode != 0 and "make env" in done.stderr, done
        return done.stderr.strip().splitlines()[-1][:100]

    def build() -> str:
        stack.compose("build", timeout=900)
        sizes = {
            name: stack.image_megabytes(f"{name}:journey") for name in (stack.image, f"{stack.image}-edge")
        }
        base = stack.docker(
            "image", "inspect", "--format", "{{json .RootFS.Layers}}", f"{stack.image}:journey"
        ).stdout
        return f"app {sizes[stack.image]:.0f} MB in {len(json.loads(base))} layers, edge {sizes[f'{stack.image}-edge']:.0f} MB"

    def samples_refused() -> str:
        sample = stack.env_file.with_name("sample")
        names = f"\nIMAGE={stack.image}\nRELEASE=journey\nPOSTGRES_USER=journey\n"
        sample.write_text((ROOT / ".env.example").read_text(encoding="utf-8") + names)
        done = stack.compose(
            *("run", "--rm", "--no-deps", "-T", "migrate"),
            env_file=sample,
            check=False,
            timeout=60,
        )
        words = done.stdout + done.stderr
        assert done.returncode != 0 and "The settings refuse to start" in words, words[-800:]
        for name in ("JWT_KEYS", "FIELD_ENCRYPTION_KEY"):
            assert f"- {name} " in words, (name, words[-800:])
        assert "change-me" not in words
        return "those that cannot work are named, none is shown"

    def nothing_inside() -> str:
        image = f"{stack.image}:journey"
        history = stack.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image).stdout
        details = stack.docker("image", "inspect", image).stdout
        for secret in stack.secrets:
            assert secret not in history and secret not in details
        assert "SECRET_KEY=" not in history and "SECRET_KEY" not in details
        assert json.loads(details)[0]["Config"]["User"] == "10001:10001"
        look = (
            "for tool in gcc cc make git uv ruff mypy pytest; do command -v $tool && exit 3; done;"
            "test ! -e /opt/venv/bin/pip && test ! -e /root/.cache && test ! -e .env && test ! -e scripts &&"
            'test -z "$(find /app -name tests)" && ! touch /app/x 2>/dev/null && id -u'
        )
        done = stack.docker("run", "--rm", "--entrypoint", "sh", image, "-c", look, check=False)
        assert (done.returncode, done.stdout.strip()) == (0, "10001"), done
        return "no secret, compiler, pip, cache, test or tool"

    report.step("without .env compose stops and says what to do", no_secrets)
    if not report.step("build", build):
        return False
    report.step("the sample secrets are refused", samples_refused)
    report.step("image: what is in it and what is not", nothing_inside)
    return True


def after_start(world: World, report: Report) -> None:
    """Whether the containers have what the compose file promises."""
    stack = world.stack

    def locked_in() -> str:
        for name, details in stack.everything().items():
            host = details["HostConfig"]
            assert details["Config"]["User"] not in ("", "root", "0"), name
            assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and not host["CapAdd"], name
            assert "no-new-privileges:true" in host["SecurityOpt"], name
            assert host["Memory"] > 0 and host["NanoCpus"] > 0 and host["PidsLimit"] > 0, name
            assert host["LogConfig"]["Config"]["max-size"], name
            if name.startswith("migrate"):
                assert (details["State"]["Status"], details["State"]["ExitCode"]) == ("exited", 0), details[
                    "State"
                ]
            else:
                assert host["RestartPolicy"]["Name"] == "unless-stopped", name
                assert details["State"]["Health"]["Status"] == "healthy", name
            ports = [bound for bindings in (host["PortBindings"] or {}).values() for bound in bindings]
            assert [port["HostIp"] for port in ports] == (
                ["127.0.0.1"] if name.startswith("nginx") else []
            ), name
        return "no root, read-only, no capabilities, limits, healthy, one published port"

    def no_secret_on_command_lines() -> str:
        seen = 0
        for service in SERVICES:
            for container in stack.containers(service):
                listed = stack.docker("top", container, "-eo", "pid,args").stdout
                seen += len(listed.splitlines()) - 1
                for secret in stack.secrets:
                    assert secret not in listed, service
        return f"{seen} processes"

    def inner_network_is_closed() -> str:
        probe = (
            "import socket\n"
            "try:\n socket.create_connection(('192.0.2.1', 80), 3)\n"
            "except OSError as error: print('closed', error.errno)"
        )
        # beat's and web's other network leads out; the data stores have no such thing.
        for name, details in stack.everything().items():
            networks = {network.rpartition("_")[2] for network in details["NetworkSettings"]["Networks"]}
            if name.startswith(("postgres", "redis", "migrate")):
                assert networks == {"inner"}, (name, networks)
            if name.startswith("nginx"):
                assert networks == {"front"}, (name, networks)
        done = stack.compose(
            "run", "--rm", "--no-deps", "-T", "--entrypoint", "python", "migrate", "-c", probe
        )
        assert "closed" in done.stdout, done
        return "data stores have no way out, nginx none to them"

    report.step("containers are locked in", locked_in)
    report.step("no secret on a command line", no_secret_on_command_lines)
    report.step("networks are apart", inner_network_is_closed)


def sizes(world: World, report: Report) -> None:
    """Memory of each container, for the record."""

    def memory() -> str:
        used = world.stack.megabytes()
        return (
            ", ".join(f"{name} {amount:.0f}" for name, amount in sorted(used.items()))
            + f": {sum(used.values()):.0f} MB"
        )

    report.step("memory at rest", memory)


def nothing_left(world: World, report: Report) -> None:
    """Take the installation away and look for remains."""

    def down() -> str:
        folder = Path(world.stack.env_file).parent
        world.stack.remove()
        assert not folder.exists()
        for kind, words in {
            "containers": ("ps", "--all", "--quiet"),
            "volumes": ("volume", "ls", "--quiet"),
            "networks": ("network", "ls", "--quiet"),
        }.items():
            label = f"label=com.docker.compose.project={world.stack.project}"
            left = world.stack.docker(*words, "--filter", label).stdout.split()
            assert not left, (kind, left)
        return "containers, volumes, networks, images, secrets"

    report.step("down: nothing is left", down)
