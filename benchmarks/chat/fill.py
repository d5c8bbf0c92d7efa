"""Fills the measurements' database: tables, users with sessions, rooms. Prints an access token for each user."""

from __future__ import annotations

import sys
from datetime import timedelta

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from apps.chat.models import Membership, Role, Room  # noqa: E402
from apps.users import selectors  # noqa: E402
from apps.users.models import Session, User  # noqa: E402


def main(users: int, rooms: int) -> None:
    """All users are members of `hall`, and each of one of the rooms `room-<n>`."""
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bench_message (id bigserial PRIMARY KEY, room text NOT NULL, sender uuid NOT NULL,"
            " text text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())"
        )
        cursor.execute("CREATE INDEX ON bench_message (room, id)")
    users = User.objects.bulk_create(
        User(email=f"p{n}@example.com", name=f"User {n}", password="!") for n in range(users)
    )
    until = timezone.now() + timedelta(days=1)
    sessions = Session.objects.bulk_create(Session(user=user, expires_at=until) for user in users)
    hall = Room.objects.create(slug="hall", name="Hall")
    others = Room.objects.bulk_create(Room(slug=f"room-{n}", name=f"Room {n}") for n in range(rooms))
    Membership.objects.bulk_create(
        Membership(room=room, user=user, role=Role.MEMBER)
        for n, user in enumerate(users)
        for room in (hall, others[n % rooms])
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    issue = selectors.access_tokens().issue
    for user, session in zip(users, sessions, strict=True):
        print(issue(user.pk, session.pk, timedelta(hours=2)))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
