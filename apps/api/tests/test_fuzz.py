"""A part of the campaign (`make fuzz`) for every run of the suite: each operation × some of the corpus, in process.

Every fault that the campaign finds gets its own test in the slice that it belongs to.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.api.tests.hostile import pictures, plan
from apps.api.tests.hostile.plan import HOLE, Call
from apps.api.tests.hostile.world import World
from apps.api.zones import mounting
from apps.users.models import Role, User

pytestmark = pytest.mark.django_db

SHARE = 24  # every n-th call


def picked() -> list[Call]:
    """Some calls of each operation, the same ones each time."""
    found: dict[tuple[bytes, str], list[Call]] = defaultdict(list)
    for number, call in enumerate(plan.calls()):
        mine = found[call.method, call.path]
        if not mine or number % SHARE == 0:
            mine.append(call)
    return [call for mine in found.values() for call in mine]


def send(client: Client, world: World, call: Call, number: int) -> tuple[int, str]:
    """Status and content type of one call, sent through the whole chain of middleware."""
    target = world.fill(call.path).encode().replace(HOLE.encode(), call.piece or b"")
    environ: dict[str, Any] = {
        "HTTP_AUTHORIZATION": world.credential(call.floor),
        "HTTP_X_FORWARDED_FOR": "",
        "REMOTE_ADDR": f"198.18.{number // 250 % 250}.{number % 250}",
    }
    for name, value in call.headers:
        key = name.decode().upper().replace("-", "_")
        environ["CONTENT_TYPE" if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value.decode("latin-1")
    content_type = (call.content_type or b"").decode("latin-1")
    response = client.generic(
        call.method.decode().upper(),
        target.decode("latin-1"),
        call.body or b"",
        content_type=environ.pop("CONTENT_TYPE", content_type),
        QUERY_STRING=call.query.decode("latin-1"),
        **environ,
    )
    return response.status_code, response.headers.get("Content-Type", "")


@pytest.mark.campaign
def test_no_hostile_call_is_answered_with_a_5xx_or_a_page(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(raise_request_exception=False)
    world = World("suite")
    wrong: list[object] = []
    answered = 0
    for call, number in zip(picked(), itertools.count()):
        status, kind = send(client, world, call, number)
        answered += 1
        below_api = call.path.startswith("/api/")
        if (
            status >= 500
            or (below_api and "html" in kind)
            or (below_api and status >= 400 and "problem" not in kind)
        ):
            wrong.append((call.why, call.method, call.path, status, kind))
        if status == 401 or (call.method == b"DELETE" and status < 300):
            world.renew()
    assert wrong == []
    assert answered > 500
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


def test_no_picture_is_answered_with_a_5xx(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    client, world = Client(raise_request_exception=False), World("painter")
    odd = {what for what, _ in pictures.pictures()}
    answers = [
        (send(client, world, call, number)[0], call.why, call.path)
        for number, call in enumerate(plan.calls())
        if call.why in odd
    ]
    assert {why for _, why, _ in answers} == odd
    assert [answer for answer in answers if answer[0] >= 500] == []
    assert {status for status, _, path in answers if path.endswith("/avatar/")} == {200, 400}


def test_undeclared_members_grant_no_privileges() -> None:
    client = Client(raise_request_exception=False)
    world = World("climber")
    privileged = set(User.objects.exclude(role=Role.USER).values_list("pk", flat=True))
    for number, call in enumerate(plan.calls()):
        if call.why == "more than is asked for" and call.floor in ("anyone", "user"):
            assert send(client, world, call, number)[0] < 500
    assert set(User.objects.exclude(role=Role.USER).values_list("pk", flat=True)) == privileged
    assert not User.objects.filter(pk=plan.EXTRA["id"]).exists()


def test_the_corpus_reaches_every_operation_of_every_zone() -> None:
    reached = {(call.method.decode(), call.path) for call in picked()}
    operations = {
        (method, endpoint.path) for endpoint in mounting.mounted().endpoints for method in endpoint.methods
    }
    assert operations <= reached
