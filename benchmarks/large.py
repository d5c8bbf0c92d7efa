"""Every list in a large installation: `python -m benchmarks.large`, about two minutes.

Fills its own PostgreSQL with 100,000 users and 300,000 sessions, 20,000 rooms with 250,000 members, a million
messages (half of them in one room of 50,000), half a million notifications and as many rows of the audit log; then calls
each endpoint that reads, in process, as a member of a thousand rooms, and as an admin. Prints the median of a few
calls and the number of statements of each; exits 1 when one takes longer than the bar.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from infrastructure.embedded import data_dirs, servers

BAR = 200.0  # ms
ROUNDS = 5
PRIVATE, ADMIN = "/api/private/v1/", "/api/admin/v1/"
ROOM = f"{PRIVATE}chat/rooms/room-1/"

# Ids are digests of a letter and a number, so that they are known without a query.
FILL = """
INSERT INTO users_user (id, created_at, updated_at, password, email, name, role, is_active, avatar) SELECT
    md5('u'||n)::uuid, now() - n * interval '1 min', now(), '!', 'p'||n||'@example.com', 'User '||n, CASE n
    WHEN 1 THEN 'admin' ELSE 'user' END, true, '' FROM generate_series(1, 100000) n;
INSERT INTO users_session (id, created_at, updated_at, user_id, user_agent, network, last_seen_at, expires_at,
    end_reason) SELECT md5('s'||n)::uuid, now(), now(), md5('u'||n)::uuid, '', '', now(), now() + interval '1
    day', '' FROM generate_series(1, 100000) n;
INSERT INTO users_session (id, created_at, updated_at, user_id, user_agent, network, last_seen_at, expires_at,
    end_reason, ended_at) SELECT md5('o'||n)::uuid, now(), now(), md5('u'||(1 + n % 2000))::uuid, '', '', now(),
    now() + interval '1 day', 'signed_out', now() FROM generate_series(1, 200000) n;
INSERT INTO chat_room (id, created_at, updated_at, slug, name, is_private, language, head) SELECT
    md5('c'||n)::uuid, now(), now(), 'room-'||n, 'Room '||n, n % 2 = 0, 'simple', CASE n WHEN 1 THEN 500000 ELSE
    25 END FROM generate_series(1, 20000) n;
INSERT INTO chat_membership (id, created_at, updated_at, room_id, user_id, role, read_seq) SELECT
    md5('m'||n)::uuid, now(), now(), md5('c1')::uuid, md5('u'||n)::uuid, CASE n WHEN 2 THEN 'owner' ELSE
    'member' END, n FROM generate_series(1, 50000) n;
INSERT INTO chat_membership (id, created_at, updated_at, room_id, user_id, role, read_seq) SELECT
    md5('n'||r||'.'||k)::uuid, now(), now(), md5('c'||r)::uuid, md5('u'||(1 + (r * 10 + k) % 100000))::uuid,
    'member', 3 FROM generate_series(2, 20000) r, generate_series(1, 10) k;
INSERT INTO chat_membership (id, created_at, updated_at, room_id, user_id, role, read_seq) SELECT
    md5('z'||r)::uuid, now(), now(), md5('c'||r)::uuid, md5('u2')::uuid, 'owner', 3 FROM generate_series(2,
    1000) r ON CONFLICT DO NOTHING;
INSERT INTO chat_message (id, room_id, seq, sender_id, client_id, text, created_at, language) SELECT
    gen_random_uuid(), md5('c1')::uuid, n, md5('u'||(1 + n % 5000))::uuid, gen_random_uuid(), 'hello word'||(n %
    1000)||' and w'||n, now(), 'simple' FROM generate_series(1, 500000) n;
INSERT INTO chat_message (id, room_id, seq, sender_id, client_id, text, created_at, language) SELECT
    gen_random_uuid(), md5('c'||r)::uuid, k, md5('u'||(1 + (r * 10 + k % 10) % 100000))::uuid,
    gen_random_uuid(), 'hi word'||(r % 1000), now(), 'simple' FROM generate_series(2, 20000) r,
    generate_series(1, 25) k;
INSERT INTO notifications_inbox (user_id, head, digest, digested_for, digested_seq, muted_kinds) SELECT
    md5('u'||n)::uuid, CASE n WHEN 2 THEN 20000 ELSE 5 END, 'daily', '', 0, '{}' FROM generate_series(2, 100000)
    n;
INSERT INTO notifications_notification (id, created_at, updated_at, user_id, seq, kind, title, body, link, data)
    SELECT gen_random_uuid(), now(), now(), md5('u'||u)::uuid, k, 'chat.mention', 't', 'b', '/', '{}' FROM
    generate_series(2, 100000) u, generate_series(1, CASE u WHEN 2 THEN 20000 ELSE 5 END) k;
INSERT INTO chat_invitation (id, created_at, updated_at, room_id, invited_by_id, user_id, email, expires_at)
    SELECT gen_random_uuid(), now(), now(), md5('c'||(1 + n % 20000))::uuid, md5('u2')::uuid, md5('u'||n)::uuid,
    '', now() + interval '1 day' FROM generate_series(1, 100000) n;
INSERT INTO common_auditevent (id, at, action, actor_id, target, target_id, network, request_id, details) SELECT
    gen_random_uuid(), now() - n * interval '1 s', 'users.signed_in', md5('u'||(1 + n % 1000))::uuid, 'user',
    md5('u'||(1 + n % 1000)), '', 'r'||n, '{}' FROM generate_series(1, 500000) n
"""

# Calls of a member of a thousand rooms: own lists and the largest room's, with searches that find all, some, nothing.
MEMBERS = (
    *(
        PRIVATE + path
        for path in ("users/me/", "users/me/sessions/", "users/me/identities/", "users/me/export/")
    ),
    *(PRIVATE + path for path in ("chat/rooms/", "chat/rooms/?limit=100", "chat/rooms/?search=room")),
    *(PRIVATE + path for path in ("chat/rooms/?search=nothing", "chat/invitations/")),
    *(ROOM + path for path in ("", "members/", "members/?search=user", "members/?search=nothing")),
    *(ROOM + path for path in ("invitations/", "messages/", "messages/?after=1000&limit=100")),
    *(ROOM + path for path in ("messages/?before=400000&limit=100", "messages/search/?q=hello")),
    *(ROOM + path for path in ("messages/search/?q=word7", "messages/search/?q=nothing")),
    *(PRIVATE + path for path in ("chat/people/?search=user", "chat/people/?search=user+99")),
    *(PRIVATE + path for path in ("chat/people/?search=nothing", "notifications/")),
    *(PRIVATE + path for path in ("notifications/?unread=true", "notifications/summary/")),
)
ADMINS = (
    *(
        ADMIN + path
        for path in ("users/", "users/?search=user", "users/?search=nothing", "users/?role=admin")
    ),
    *(ADMIN + path for path in ("users/?search=p77@example.com", "users/?ordering=email")),
    *(
        ADMIN + path
        for path in ("users/?is_active=false", "roles/", "audit/", "audit/?action=users.signed_in")
    ),
    *(
        ADMIN + path
        for path in ("audit/?action=users.nothing", f"audit/?actor_id={UUID(hashlib.md5(b'u5').hexdigest())}")
    ),
)


def id_of(name: str) -> UUID:
    """The id that `FILL` gives: `u2` is the second user, `s2` its session."""
    return UUID(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest())


def fill() -> None:
    """Create tables and rows."""
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET session_replication_role = replica")  # no triggers, no foreign keys
        for statement in FILL.split(";"):
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET statement_timeout")


@contextlib.contextmanager
def counted() -> Iterator[list[str]]:
    """Counts the statements that are executed in the context."""
    from django.db import connection

    statements: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        yield statements


def measure() -> bool:
    """Call everything. Returns whether all of it is within the bar."""
    import django

    django.setup()
    from django.test import Client

    from apps.users import selectors

    fill()
    client, issue = Client(), selectors.access_tokens().issue
    slow = 0
    for user, paths in (("2", MEMBERS), ("1", ADMINS)):
        bearer = f"Bearer {issue(id_of('u' + user), id_of('s' + user), timedelta(hours=1))}"
        for path in paths:
            took = []
            for _ in range(1 if "export" in path else ROUNDS):
                with counted() as statements:
                    started = time.perf_counter()
                    response = client.get(path, HTTP_AUTHORIZATION=bearer)
                    body = b"".join(response) if response.streaming else response.content
                    took.append((time.perf_counter() - started) * 1e3)
                if response.status_code != 200:
                    raise SystemExit(f"{path}: {response.status_code} {body[:300]!r}")
                json.loads(body)
            median = statistics.median(took)
            is_slow = median > BAR and "export" not in path
            slow += is_slow
            print(
                f"{'MISS' if is_slow else 'ok  '} {median:7.1f} ms  {len(statements):2} statements  {path}",
                flush=True,
            )
    return slow == 0


def main() -> None:
    """Run the measurement."""
    if "LARGE_INSTALLATION" in os.environ:
        sys.exit(0 if measure() else 1)
    with data_dirs.throwaway() as home, servers.Servers(home, durable=False, given={}) as engines:
        environment = {
            **os.environ,
            **engines.urls,
            "LARGE_INSTALLATION": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "DJANGO_READ_DOT_ENV": "0",
            "LOG_LEVEL": "ERROR",
            "RATES_PRIVATE": "1000000/minute",
            "RATES_ADMIN": "1000000/minute",
        }
        sys.exit(
            subprocess.run(
                [sys.executable, "-m", "benchmarks.large"], check=False, env=environment
            ).returncode
        )


if __name__ == "__main__":
    main()
