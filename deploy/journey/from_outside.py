"""Steps of a caller who should not get in: hidden routes, a false address, oversized things, tokens in logs."""

from __future__ import annotations

import json
import re

from deploy.journey.report import Report
from deploy.journey.websocket import Refused
from deploy.journey.world import INTERNAL, PRIVATE, PUBLIC, World


def refused_calls(world: World, report: Report) -> None:
    """Calls that the edge refuses, and calls that still work inside."""
    stack = world.stack

    def hidden() -> str:
        paths = [
            f"{INTERNAL}/tokens/introspect/",
            "/api/internal",
            "/api/internal/",
            "/api/internal/schema/",
            "/metrics",
        ]
        tricks = [
            "/api//internal/v1/",
            "/api/./internal/v1/",
            "/x/../metrics",
            "/ws/%2e%2e/api/internal/v1/",
            "//metrics",
        ]
        tricks += [
            "/api/%69nternal/v1/",
            "/%6detrics",
            "/api/internal%2fv1/",
            "/metrics?x",
            "/static/../metrics",
        ]
        for path in paths + tricks:
            for method in ("GET", "POST"):
                refused = world.nobody.call(
                    method, path, headers={"Authorization": "Api-Key x.y", "X-Forwarded-For": "127.0.0.1"}
                )
                assert refused.status == 404 and refused.kind == "application/problem+json", (
                    path,
                    refused,
                )
        return f"{len(paths)} addresses and {len(tricks)} other ways to write them: 404"

    def inside() -> str:
        look = (
            "import http.client, os\n"
            "host = os.environ['ALLOWED_HOSTS'].split(',')[0]\n"
            "for path in ('/metrics', '/api/internal/v1/'):\n"
            "    call = http.client.HTTPConnection('web', 8000, timeout=5)\n"
            "    call.request('GET', path, headers={'Host': host})\n"
            "    print(call.getresponse().status)\n"
        )
        assert stack.run_in("channels", "python", "-c", look).split() == ["200", "401"]
        return "/metrics 200; the internal zone asks for a key"

    def sizes() -> str:
        long_path = world.nobody.call("GET", "/api/" + "x" * 9000)
        assert long_path.status == 414 and long_path.kind == "application/problem+json", long_path
        big = world.nobody.call("POST", f"{PUBLIC}/auth/login/", {"email": "x" * 2_000_000, "password": "x"})
        assert (big.status, big.kind) == (413, "application/problem+json"), big
        return "414 and 413 as problem documents"

    def errors() -> str:
        page = {"Origin": "https://app.example"}
        long = world.nobody.call("GET", f"{PUBLIC}/", headers={**page, "X": "x" * 9000})
        assert (long.status, long.json["code"]) == (431, "headers_too_large"), long
        assert long.headers["access-control-allow-origin"] == page["Origin"], long.headers
        hidden = world.nobody.call("GET", "/api/internal/v1/", headers=page)
        assert "access-control-allow-origin" not in hidden.headers, hidden.headers
        folder = world.nobody.call("GET", "/static/")
        assert (folder.status, folder.kind) == (404, "application/problem+json"), folder
        return "431 and 404 as problem documents, readable for pages that may call the zone"

    def sockets() -> str:
        try:
            world.socket(world.account("bob"), "/ws/nowhere/", way="query")
            raise AssertionError("a socket at /ws/nowhere/")
        except Refused as refused:
            if " 404 " not in str(refused):
                raise
        return "no socket at this path: 404"

    report.step("internal and metrics are not there from outside", hidden)
    report.step("and are there from inside", inside)
    report.step("too long, too big", sizes)
    report.step("errors of the edge", errors)
    report.step("a socket that does not exist", sockets)


def address(world: World, report: Report) -> None:
    """A false X-Forwarded-For changes nothing. Leaves this address limited, so it comes late."""

    def false_address() -> str:
        bob = world.account("bob")
        lie = "203.0.113.77"
        for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):
            bob.rest.expect(
                200,
                "GET",
                f"{PRIVATE}/users/me/",
                headers={name: lie if name != "Forwarded" else f"for={lie}"},
            )
        assert lie not in world.stack.logs("web", "nginx")
        for attempt in range(400):
            body = {"email": f"nobody-{attempt}@example.com", "password": "wrong-password-of-nobody"}
            answer = world.nobody.call(
                "POST",
                f"{PUBLIC}/auth/login/",
                body,
                headers={"X-Forwarded-For": f"203.0.113.{attempt % 250}"},
            )
            if answer.status == 429:
                assert answer.headers["retry-after"].isdigit() and answer.json["code"], answer
                return f"limited after {attempt} logins, each from another claimed address"
            assert answer.status == 401, answer
        raise AssertionError("400 wrong logins from one address and no limit")

    report.step("a false address is not believed", false_address)


def logs(world: World, report: Report) -> None:
    """Checks the logs of the whole walk."""

    def no_tokens() -> str:
        text = world.stack.logs()
        kept = [*world.stack.secrets, *world.tokens]
        kept += [
            token
            for account in world.accounts.values()
            for token in (account.rest.token, account.refresh, account.password)
        ]
        assert world.tokens, "no socket was opened with ?token="
        for secret in kept:
            assert not secret or secret not in text, "a secret is in a log"
        assert not re.search(r"[?&]token=[^&\s\"*\[]{8}", text)
        return f"{len(kept)} secrets, {len(text.splitlines())} lines"

    def readable() -> str:
        lines = world.stack.logs("nginx", "web", "channels", "worker", "beat").splitlines()
        records = []
        for line in lines:
            if line.startswith("{"):
                records.append(json.loads(line))
        traced = [record for record in records if record.get("request_id")]
        assert traced, lines[-5:]
        assert not [line for line in lines if line.startswith("Traceback")], "a traceback as plain text"
        return f"{len(records)} of {len(lines)} lines are JSON, {len(traced)} carry a request id"

    report.step("no secret and no token in any log", no_tokens)
    report.step("logs are records", readable)
