"""The slice's pages of the admin site."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.chat.tests.factories import MembershipFactory
from apps.common.testing.users import PASSWORD, AdminFactory

pytestmark = pytest.mark.django_db


def test_an_invalid_user_in_the_form_of_a_room_is_refused(client: Client) -> None:
    member = MembershipFactory.create()
    room = member.room
    admin = AdminFactory.create()
    client.post("/admin/login/?next=/admin/", {"username": admin.email, "password": PASSWORD})
    page = f"/admin/chat/room/{room.pk}/change/"
    sent = {
        "slug": room.slug,
        "name": "Another",
        "language": "simple",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(member.pk),
        "memberships-0-room": str(room.pk),
        "memberships-0-user": "nobody",
    }
    response = client.post(page, sent)
    assert (response.status_code, response.content) == (400, b"The form could not be read.\n")
    room.refresh_from_db()
    assert room.name != "Another"
