"""Steps of a user's way through the product: pages, account, mail, picture, administration. Slices add theirs."""

from __future__ import annotations

import base64
import hmac
import re
import struct
import time
import zlib

from deploy.journey.report import Report
from deploy.journey.rest import Rest
from deploy.journey.world import ADMIN, PRIVATE, PUBLIC, World


def picture(size: int = 64) -> bytes:
    """A small PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + bytes((x * 4 % 256, y * 4 % 256, 128)[i] for x in range(size) for i in range(3))
        for y in range(size)
    )
    header = struct.pack("!IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def one_time_code(secret: str) -> str:
    """The current code of an authenticator app (RFC 6238)."""
    counter = struct.pack("!Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret), counter, "sha1").digest()
    offset = digest[-1] & 15
    number = struct.unpack("!I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def pages(world: World, report: Report) -> None:
    """Checks of pages and files as a browser loads them."""

    def probes() -> str:
        world.nobody.expect(200, "GET", "/healthz")
        ready = world.nobody.expect(200, "GET", "/readyz").json
        for part in ("database", "cache", "broker", "migrations"):
            assert part in str(ready), ready
        return "alive and ready, each part named"

    def console() -> str:
        page = world.nobody.expect(200, "GET", "/", headers={"Accept": "text/html"})
        assert page.kind == "text/html" and "content-security-policy" in page.headers, page.headers
        index = world.nobody.expect(200, "GET", "/api/").json
        assert "private" in str(index), index
        return "/ and /api/"

    def static_files() -> str:
        page = world.nobody.expect(200, "GET", "/admin/login/").body.decode()
        styles = re.findall(r'href="(/static/[^"]+\.css)"', page)
        assert styles, page[:500]
        for path in styles:
            style = world.nobody.expect(200, "GET", path, headers={"Accept-Encoding": "gzip"})
            assert style.kind == "text/css" and style.headers["x-content-type-options"] == "nosniff", (
                style.headers
            )
            assert "immutable" in style.headers["cache-control"], (path, style.headers)
            assert style.headers.get("content-encoding") == "gzip", style.headers
        return f"{len(styles)} style sheets of the admin, for ever in caches"

    report.step("probes", probes)
    report.step("the console and the index of zones", console)
    report.step("static files by nginx", static_files)


def account(world: World, report: Report) -> None:
    """From registration to a picture."""
    ada, bob = world.account("ada"), world.account("bob")

    def register() -> str:
        for account in (ada, bob):
            body = {"email": account.email, "name": account.name.title(), "password": account.password}
            made = world.nobody.expect(201, "POST", f"{PUBLIC}/auth/register/", body).json
            assert (made["email"], made["role"]) == (account.email, "user"), made
            account.id = made["id"]
        again = {"email": ada.email.upper(), "name": "Ada", "password": ada.password}
        problem = world.nobody.expect(409, "POST", f"{PUBLIC}/auth/register/", again)
        assert (problem.kind, problem.json["code"]) == ("application/problem+json", "email_taken"), problem
        return "two accounts; a taken address is a 409"

    def mail() -> str:
        begun = time.monotonic()
        while '"event":"mail.not_sent"' not in world.stack.logs("worker"):
            assert time.monotonic() - begun < 30, "no welcome mail in the worker's log"
            time.sleep(0.5)
        return "by outbox, broker and worker"

    def sessions() -> str:
        for account in (ada, bob):
            account.sign_in()
        me = ada.rest.expect(200, "GET", f"{PRIVATE}/users/me/").json
        assert (me["id"], me["email"]) == (ada.id, ada.email), me
        world.nobody.expect(401, "GET", f"{PRIVATE}/users/me/")
        old = ada.refresh
        pair = world.nobody.expect(200, "POST", f"{PUBLIC}/auth/refresh/", {"refresh": old}).json
        ada.rest.token, ada.refresh = pair["access"], pair["refresh"]
        world.nobody.expect(401, "POST", f"{PUBLIC}/auth/refresh/", {"refresh": old})
        ada.rest.expect(401, "GET", f"{PRIVATE}/users/me/")
        ada.sign_in()
        ada.rest.expect(200, "GET", f"{PRIVATE}/users/me/")
        return "login, me, refresh; an old refresh token ends the session"

    def avatar() -> str:
        where = f"{PRIVATE}/users/me/avatar/"
        ada.rest.upload(200, where, "avatar", "a.png", picture())
        address = ada.rest.expect(200, "GET", f"{PRIVATE}/users/me/").json["avatar"]
        path = re.sub(r"^https?://[^/]+", "", address)
        shown = world.nobody.expect(200, "GET", path)
        assert shown.kind.startswith("image/") and len(shown.body) > 50, shown
        assert shown.headers["x-content-type-options"] == "nosniff", shown.headers
        assert "sandbox" in shown.headers["content-security-policy"], shown.headers
        assert shown.headers["content-disposition"] == "attachment", shown.headers
        ada.rest.upload(400, where, "avatar", "a.png", b"<script>alert(1)</script>")
        huge = ada.rest.call(
            "PUT", where, raw=b"x" * 6_000_000, headers={"Content-Type": "multipart/form-data; boundary=x"}
        )
        assert (huge.status, huge.kind, huge.json["code"]) == (
            413,
            "application/problem+json",
            "payload_too_large",
        ), huge
        return f"{path.rpartition('/')[2]}; a script is a 400, 6 MB are a 413"

    report.step("register", register)
    report.step("the welcome mail leaves", mail)
    report.step("sessions", sessions)
    report.step("avatar", avatar)


def administration(world: World, report: Report) -> None:
    """The admin zone with an admin made on the command line."""
    root, bob = world.account("root"), world.account("bob")

    def admin() -> str:
        world.stack.run_in(
            "web",
            *("python", "manage.py", "createsuperuser", "--noinput", "--email", root.email, "--name", "Root"),
            env={"DJANGO_SUPERUSER_PASSWORD": root.password},
        )
        root.sign_in()
        refused = root.rest.expect(403, "GET", f"{ADMIN}/users/").json
        assert refused["code"] == "second_factor_required", refused
        body = {"current_password": root.password}
        secret = root.rest.expect(201, "POST", f"{PRIVATE}/users/me/second-factor/", body).json["secret"]
        body = {"code": one_time_code(secret)}
        root.rest.expect(200, "POST", f"{PRIVATE}/users/me/second-factor/confirm/", body)
        found = root.rest.expect(200, "GET", f"{ADMIN}/users/?search={bob.email}").json["results"]
        assert [user["id"] for user in found] == [bob.id], found
        bob.rest.expect(403, "GET", f"{ADMIN}/users/")
        Rest(world.stack.port).expect(401, "GET", f"{ADMIN}/users/")
        return "opens with a second factor and finds users; others get 403 and 401"

    report.step("the admin zone", admin)
