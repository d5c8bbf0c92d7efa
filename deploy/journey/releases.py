"""Steps of an operator: releases under traffic, good ones and bad ones, the way back, backups and what they restore."""

from __future__ import annotations

import re
import time
from pathlib import Path

from deploy.journey.report import Report
from deploy.journey.traffic import Traffic
from deploy.journey.world import PRIVATE, World

SERVICES = ("nginx", "web", "channels", "worker", "beat")
SOCKET_LIMIT = 1.0
# A migration of what all slices share, after all that are there: it changes a table that every release writes to.
_MIGRATION = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("common", "{after}")]
    operations = [migrations.RunSQL({sql!r})]
"""
# Without SentMail the running release fails; the statement after it fails itself, and all of it is rolled back.
_BAD = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("common", "9001_walk")]
    operations = [migrations.DeleteModel("SentMail"), migrations.RunSQL("SELECT 1 / 0")]
"""


def deploy(world: World, report: Report) -> None:
    """`make deploy` and `make rollback`, with traffic all the time."""
    stack = world.stack
    accounts = [world.account("ada"), world.account("bob")]
    here = Path("apps/common/migrations")
    after = max(path.stem for path in here.glob("0*.py"))
    good = {
        str(here / "9001_walk.py"): _MIGRATION.format(
            after=after, sql="ALTER TABLE common_outboxevent ADD COLUMN walk integer"
        )
    }
    bad = {**good, str(here / "9002_walk.py"): _BAD}
    broken = {**good, "deploy/gunicorn.conf.py": "raise RuntimeError('this release does not start')\n"}

    broken_checkout = stack.checkout("broken", broken)
    bad_checkout = stack.checkout("bad", bad)

    def containers() -> dict[str, set[str]]:
        return {service: set(stack.containers(service)) for service in SERVICES}

    def unnoticed(traffic: Traffic) -> str:
        said = traffic.outcome()
        assert not traffic.failures, said
        assert traffic.longest_gap < SOCKET_LIMIT, said
        return said

    def dry_run() -> str:
        before = containers()
        said = stack.make("deploy", "--dry-run", root=stack.checkout("dry", good)).stdout
        assert "common.9001_walk" in said and "- RunSQL: read" in said, said
        assert containers() == before
        return "names the migration and replaces nothing"

    def refused() -> str:
        before = containers()
        done = stack.make("deploy", root=bad_checkout, check=False)
        assert done.returncode != 0 and "! Delete model SentMail" in done.stdout, done.stdout + done.stderr
        assert "Nothing was changed" in done.stderr and containers() == before, done.stderr
        return "a model that the running release uses is not deleted"

    def failing_migration() -> str:
        before = containers()
        with Traffic(world, accounts) as traffic:
            done = stack.make("deploy", "--no-backup", "--allow-breaking", root=bad_checkout, check=False)
        assert done.returncode != 0 and "division by zero" in done.stderr, done.stdout + done.stderr
        assert "the old release goes on" in done.stderr and containers() == before
        return unnoticed(traffic)

    def release() -> str:
        before = containers()
        with Traffic(world, accounts) as traffic:
            time.sleep(1)
            begun = time.monotonic()
            stack.make("deploy", root=stack.checkout("good", good))
            took = time.monotonic() - begun
            time.sleep(2)
        now = containers()
        for service in SERVICES[1:]:
            assert len(now[service]) == len(before[service]) and not now[service] & before[service], service
        assert now["nginx"] == before["nginx"]
        stack.up("--no-build")
        assert containers() == now, "`up` replaces what `make deploy` started"
        return f"{took:.0f} s; {unnoticed(traffic)}"

    def images() -> dict[str, set[str]]:
        return {name: {one["Image"] for one in stack.inspect(*ids)} for name, ids in containers().items()}

    def way_back() -> str:
        # From two replicas to one on the way.
        stack.set(WEB_REPLICAS="1", CHANNELS_REPLICAS="1")
        before = images()
        with Traffic(world, accounts) as traffic:
            done = stack.make("deploy", "--no-backup", root=broken_checkout, check=False)
        assert done.returncode != 0 and "this release does not start" in done.stderr, (
            done.stdout + done.stderr
        )
        assert "The earlier release runs again" in done.stderr and images() == before, done.stderr
        assert {name: len(ids) for name, ids in containers().items()} == dict.fromkeys(SERVICES, 1)
        return unnoticed(traffic)

    def interrupted() -> str:
        before = images()
        with Traffic(world, accounts) as traffic:
            done = stack.interrupt_deploy("worker: .* is stopped", root=broken_checkout)
        assert done.returncode == 1 and "interrupted\nThe earlier release runs again" in done.stderr, done
        assert images() == before
        return unnoticed(traffic)

    def rollback() -> str:
        before = containers()
        with Traffic(world, accounts) as traffic:
            time.sleep(1)
            stack.make("rollback")
            time.sleep(2)
        now = containers()
        assert not now["web"] & before["web"] and [len(now[name]) for name in SERVICES] == [1] * 5, now
        return f"old code, new schema, one replica each; {unnoticed(traffic)}"

    report.step("make deploy --dry-run", dry_run)
    report.step("make deploy: a breaking migration is refused", refused)
    report.step("make deploy: a migration fails in traffic", failing_migration)
    report.step("make deploy: a release with a migration in traffic", release)
    report.step("make deploy: a release that does not start, in traffic", way_back)
    report.step("make deploy: interrupted in traffic", interrupted)
    report.step("make rollback in traffic", rollback)


def backup(world: World, report: Report) -> None:
    """`make backup`, `make backup-verify`, `make restore`."""
    stack = world.stack
    accounts = [world.account("ada"), world.account("bob")]
    ada = accounts[0]

    def create() -> str:
        with Traffic(world, accounts) as traffic:
            time.sleep(1)
            said = stack.make("backup").stdout
        assert not traffic.failures, traffic.outcome()
        (file,) = re.findall(r"(\S+\.backup) \(", said)
        content = Path(file).read_bytes()
        assert b"CREATE TABLE" not in content and ada.email.encode() not in content
        assert Path(file).stat().st_mode & 0o777 == 0o600
        return f"in traffic, encrypted, {len(content) / 1e6:.1f} MB; {traffic.outcome()}"

    def verify() -> str:
        lines = stack.make("backup-verify").stdout.strip().splitlines()
        assert "are the same" in lines[-2] and "RPO" in lines[-1], lines
        return "; ".join(line.partition(" s  ")[2] for line in lines[-2:])

    def restore() -> str:
        before = world.stored()
        avatar = re.sub(r"^https?://[^/]+", "", before["profile of ada"]["avatar"])
        (file,) = re.findall(r"(\S+\.backup) \(", stack.make("backup").stdout)
        refused = stack.make("restore", FILE=file, check=False)
        assert refused.returncode != 0 and "not empty" in refused.stderr, refused
        ada.rest.expect(200, "PATCH", f"{PRIVATE}/users/me/", {"name": "Changed after the backup"})
        stack.compose("exec", "-T", "web", "sh", "-c", "rm -r /data/media/*")
        assert world.nobody.call("GET", avatar).status == 404
        begun = time.monotonic()
        stack.make("restore", "--replace", FILE=file)
        took = time.monotonic() - begun
        for account in accounts:
            account.sign_in()
        assert world.stored() == before
        world.nobody.expect(200, "GET", avatar)
        return f"{took:.0f} s: data, sign-in and picture are those of the backup"

    report.step("make backup", create)
    report.step("make backup-verify", verify)
    report.step("make restore", restore)
