"""The zone table: who may call what, how often, and who may read about it. One line of `SLICES` adds a slice."""

from __future__ import annotations

from django.conf import settings

from apps.api.zones.table import Cors, CountBy, Docs, Floor, Zone

# Slice → its zones.
SLICES: dict[str, tuple[str, ...]] = {
    "users": ("public", "private", "internal", "admin"),
    "chat": ("private", "internal"),
    "notifications": ("public", "private", "internal"),
    "audit": ("admin",),
}


def _members(zone: str) -> tuple[str, ...]:
    return tuple(label for label, zones in SLICES.items() if zone in zones)


ZONES: tuple[Zone, ...] = (
    Zone(
        name="public",
        title="Public",
        description=(
            "Open to anyone: registration, sign-in, token refresh, password reset.\n\n"
            "A bearer token is read if one is sent; an invalid token is refused."
        ),
        slices=_members("public"),
        floor=Floor.ANYONE,
        rates=settings.ZONE_RATES["public"],
        rates_by=CountBy.ADDRESS,
        docs=Docs.OPEN,
        cors=Cors(origins=settings.CORS_ZONE_ORIGINS),
    ),
    Zone(
        name="private",
        title="Private",
        description=(
            "For signed-in users: their account, rooms and messages.\n\n"
            "Send the access token as `Authorization: Bearer <token>`."
        ),
        slices=_members("private"),
        floor=Floor.USER,
        rates=settings.ZONE_RATES["private"],
        docs=Docs.OPEN if settings.OPEN_DOCS else Docs.FLOOR,
        cors=Cors(origins=settings.CORS_ZONE_ORIGINS),
    ),
    Zone(
        name="internal",
        title="Internal",
        description=(
            "For your own services, by key: token introspection, account data, system messages.\n\n"
            "Send the key as `Authorization: Api-Key <key>`. The edge does not route this zone from outside."
        ),
        slices=_members("internal"),
        floor=Floor.SERVICE,
        authentication=("service",),
        rates=settings.ZONE_RATES["internal"],
        exposed=False,
    ),
    Zone(
        name="admin",
        title="Admin",
        description="For accounts with the admin role: managing users, and the audit log.",
        slices=_members("admin"),
        floor=Floor.ADMIN,
        rates=settings.ZONE_RATES["admin"],
    ),
)
