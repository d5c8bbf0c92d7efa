"""The zone table's variables. The table itself, `config/zones.py`, decides who may enter."""

from __future__ import annotations

from infrastructure import environment
from infrastructure.environment import values

VARIABLES = environment.Variables("Zones")

ZONES = "config.zones.ZONES"
ZONE_RATES = {
    "public": VARIABLES.items(
        "RATES_PUBLIC",
        "120/minute",
        "Calls of one address to the public zone; several limits may be given",
        each=values.rate,
    ),
    "private": VARIABLES.items(
        "RATES_PRIVATE", "1200/minute", "Calls of one user to the private zone", each=values.rate
    ),
    "internal": VARIABLES.items(
        "RATES_INTERNAL", "6000/minute", "Calls of one service to the internal zone", each=values.rate
    ),
    "admin": VARIABLES.items(
        "RATES_ADMIN", "300/minute", "Calls of one admin to the admin zone", each=values.rate
    ),
}
CORS_ZONE_ORIGINS = VARIABLES.items(
    "CORS_ORIGINS", "", "Browser origins that may call the public and private zones", each=values.any_origin
)
# Whether the private zone's documentation is public; it is in development.
OPEN_DOCS = False
