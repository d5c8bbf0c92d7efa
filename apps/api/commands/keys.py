"""`zones keys`: create, list, rotate and revoke service keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from apps.api import services
from apps.api.commands.report import Report
from apps.api.exceptions import ServiceKeyInvalid
from apps.api.models import EVERYTHING, ServiceKey
from apps.api.zones.mounting import Mounted, key_scopes


def create(mounted: Mounted, name: str, scopes: Sequence[str], days: int | None) -> Report:
    """Create a key. Raises ServiceKeyInvalid, also for a scope that is no route of a zone which takes service keys."""
    routes = key_scopes(mounted)
    if unknown := set(scopes) - {*routes, EVERYTHING}:
        raise ServiceKeyInvalid(
            f"No such route: {', '.join(sorted(unknown))}. There are: {', '.join(routes)}, or * for all."
        )
    expires = timezone.now() + timedelta(days=days) if days is not None else None
    return _shown(services.create_key(name=name, scopes=scopes, expires_at=expires))


def rotate(prefix: str, overlap: int) -> Report:
    """Replace a key by a new one; the old one works for `overlap` more seconds. Raises ServiceKeyNotFound."""
    return _shown(services.rotate_key(prefix=prefix, overlap=timedelta(seconds=overlap)))


def revoke(prefix: str) -> Report:
    """Raises ServiceKeyNotFound."""
    key = services.revoke_key(prefix=prefix)
    return Report(
        title="Revoked",
        remarks=[f"{key.name} ({key.prefix}) is revoked"],
        data={"name": key.name, "prefix": key.prefix},
    )


def list_keys() -> Report:
    """All keys, revoked ones included."""
    now = timezone.now()
    keys = list(ServiceKey.objects.all())
    columns = ("name", "prefix", "state", "scopes", "created_at", "last_used_at", "expires_at")
    rows = [
        (
            key.name,
            key.prefix,
            key.state(now),
            " ".join(key.scopes),
            *(
                moment.isoformat(timespec="seconds") if moment else ""
                for moment in (key.created_at, key.last_used_at, key.expires_at)
            ),
        )
        for key in keys
    ]
    return Report(
        title="Service keys",
        columns=columns,
        rows=rows,
        remarks=[] if rows else ["no keys yet"],
        data={"keys": [dict(zip(columns, row, strict=True)) for row in rows]},
    )


def _shown(made: services.NewKey) -> Report:
    return Report(
        title="New key",
        columns=("name", "prefix", "key, shown only now"),
        rows=[(made.key.name, made.key.prefix, made.plain)],
        data={"name": made.key.name, "prefix": made.key.prefix, "key": made.plain},
    )
