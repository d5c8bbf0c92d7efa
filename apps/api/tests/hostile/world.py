"""Users of every role with rows, so that hostile calls pass the guard and the look-ups."""

from __future__ import annotations

import itertools
import re
from typing import Final
from uuid import uuid4

from django.db import transaction

from apps.api import services as keys
from apps.common.testing.users import AdminFactory, UserFactory, access_token_for, session_for
from apps.common.tests.campaigns import contributions

_numbers: Final = itertools.count(1)
_PARAMETER: Final = re.compile(r"<(?:(\w+):)?(\w+)>")
# Any values that fit the converter will do where the world has no row of that kind.
_SAMPLES: Final = {"int": "1", "slug": "lobby", "str": "lobby", "path": "a/b"}


class World:
    """A user with rows and a session; another user; an admin; a service. `renew` creates all again."""

    def __init__(self, label: str) -> None:
        self._label = label
        self.service = keys.create_key(name=f"hostile-{label}", scopes=["*"]).plain
        self.renew()

    def renew(self) -> None:
        """Create them again after a call has ended a session, an account or a room."""
        name = f"{self._label}-{next(_numbers)}"
        with transaction.atomic():
            user = UserFactory.create(email=f"owner-{name}@example.com")
            other = UserFactory.create(email=f"other-{name}@example.com")
            admin = AdminFactory.create(email=f"admin-{name}@example.com")
            self.user, self.admin = access_token_for(user), access_token_for(admin)
            session = session_for(user)
        self.ids = {"user_id": str(other.pk), "session_id": str(session.pk)}
        for path_parameters in contributions("path_parameters"):
            self.ids |= path_parameters(user, other)

    def credential(self, floor: str) -> str:
        """The `Authorization` for a zone of this floor."""
        if floor == "service":
            return f"Api-Key {self.service}"
        return f"Bearer {self.admin if floor == 'admin' else self.user}"

    def fill(self, path: str) -> str:
        """A route with rows of this world for its parameters."""

        def value(found: re.Match[str]) -> str:
            kind, name = found[1] or "str", found[2]
            return self.ids.get(name) or _SAMPLES.get(kind) or str(uuid4())

        return _PARAMETER.sub(value, re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", path))
