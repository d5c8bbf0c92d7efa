"""Mistakes in the zones themselves: names, texts, versions, entry, rates, edges."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.utils.module_loading import import_string

from apps.api.zones.table import Cors, CountBy, Docs, Floor, Version, Zone
from apps.api.zones.validation.mistake import Mistake
from apps.common.http.authentication import authenticator_names
from infrastructure.cache.rates import Rate, RateSyntaxError

RESERVED = frozenset({"problems", "schema", "redoc", "docs", "static", "asyncapi"})
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_VERSION = re.compile(r"v[1-9][0-9]*")


def table_mistakes(zones: Sequence[Zone]) -> Iterator[Mistake]:
    """Every mistake that is visible without the slices."""
    yield from _of_names(zones)
    for zone in zones:
        yield from _of_words(zone)
        yield from _of_versions(zone)
        yield from _of_entry(zone)
        yield from _of_rates(zone)
        yield from _of_edges(zone)


def shape_mistakes(zone: Any) -> Iterator[Mistake]:
    """Every field of another type than Zone declares, such as a string instead of a tuple of strings."""
    for field in ("name", "title", "description"):
        if not isinstance(getattr(zone, field), str):
            yield _misshapen(zone, field, "a text", f'{field}="…"')
    for field in ("slices", "authentication", "rates", "refused_rates", "middleware"):
        value: Any = getattr(zone, field)
        if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
            yield _misshapen(zone, field, "a tuple of texts", f'{field}=("…",), with the comma')
    if not isinstance(zone.versions, tuple):
        yield _misshapen(zone, "versions", "a tuple of versions", 'versions=(Version(name="v1"),)')
    if not isinstance(zone.cors, Cors) or not isinstance(zone.cors.origins, tuple):
        yield _misshapen(zone, "cors", "a Cors with a tuple of origins", 'cors=Cors(origins=("https://…",))')
    if not isinstance(zone.exposed, bool):
        yield _misshapen(zone, "exposed", "true or false", "exposed=False")


def _misshapen(zone: Any, field: str, wanted: str, example: str) -> Mistake:
    return Mistake(
        id="E023",
        zone=str(zone.name),
        message=f"{field}={getattr(zone, field)!r} is not {wanted}.",
        hint=f"Write {example}.",
    )


def _of_names(zones: Sequence[Zone]) -> Iterator[Mistake]:
    for name, count in Counter(zone.name for zone in zones).items():
        if count > 1:
            yield Mistake(
                id="E003",
                zone=name,
                message=f"{count} zones have this name.",
                hint="Give each zone its own name, or join them into one.",
            )
        if not _NAME.fullmatch(name) or len(name) > 32:
            yield Mistake(
                id="E002",
                zone=name,
                message="The name cannot be part of a URL.",
                hint="Use up to 32 lower-case letters, digits and single hyphens, beginning with a letter.",
            )
        elif name in RESERVED or _VERSION.fullmatch(name):
            yield Mistake(
                id="E002",
                zone=name,
                message="The name is reserved.",
                hint=f"Choose another one than {', '.join(sorted(RESERVED))} or a version like v1.",
            )


def _of_words(zone: Zone) -> Iterator[Mistake]:
    for field in ("title", "description"):
        if not str(getattr(zone, field)).strip():
            yield Mistake(
                id="E018",
                zone=zone.name,
                message=f"The {field} is empty.",
                hint=f"Set {field}= in the table.",
            )


def _of_versions(zone: Zone) -> Iterator[Mistake]:
    def wrong(message: str, hint: str) -> Mistake:
        return Mistake(id="E004", zone=zone.name, message=message, hint=hint)

    if not zone.versions or not all(isinstance(version, Version) for version in zone.versions):
        yield wrong(
            "It has no versions, or something that is no Version.", 'Set versions=(Version(name="v1"),).'
        )
        return
    names = [version.name for version in zone.versions]
    for name in names:
        if not _VERSION.fullmatch(name):
            yield wrong(f"'{name}' is not a version name.", "Name versions v1, v2, v3 and so on.")
    if len(set(names)) < len(names):
        yield wrong("A version is listed twice.", "List each version once.")
    elif all(map(_VERSION.fullmatch, names)) and names != sorted(names, key=lambda name: int(name[1:])):
        yield wrong("The versions are out of order.", "List them from the oldest to the newest.")
    for version in zone.versions:
        if version.sunset and not version.deprecated:
            yield wrong(f"{version.name} has a sunset but no deprecation date.", "Set deprecated= as well.")
        elif version.sunset and version.deprecated and version.sunset < version.deprecated:
            yield wrong(f"{version.name} ends before it is deprecated.", "Set sunset= to a later day.")


def _of_entry(zone: Zone) -> Iterator[Mistake]:
    for field, kind in (("floor", Floor), ("docs", Docs), ("rates_by", CountBy)):
        if not isinstance(getattr(zone, field), kind):
            yield Mistake(
                id="E013",
                zone=zone.name,
                message=f"{field}={getattr(zone, field)!r} is unknown.",
                hint=f"Use one of {', '.join(f'{kind.__name__}.{item.name}' for item in kind)}.",
            )
    known = authenticator_names()
    for name in zone.authentication:
        if name not in known:
            yield Mistake(
                id="E012",
                zone=zone.name,
                message=f"There is no authenticator named '{name}'.",
                hint=f"Use one of {', '.join(sorted(known)) or 'none (no app registers any)'}, or register it"
                " in an app's ready() with register_authenticator.",
            )
    if zone.floor is not Floor.ANYONE and not zone.authentication:
        yield Mistake(
            id="E013",
            zone=zone.name,
            message=f"Its floor is '{zone.floor}', but it takes no credential, so no caller could pass it.",
            hint="Name an authenticator in authentication=, or open it with Floor.ANYONE.",
        )


def _of_rates(zone: Zone) -> Iterator[Mistake]:
    for field in ("rates", "refused_rates"):
        if not getattr(zone, field):
            yield Mistake(
                id="E014",
                zone=zone.name,
                message=f"{field} is empty, so that calls would be unlimited.",
                hint=f'Set {field}=("60/minute",) or the like.',
            )
        for rate in getattr(zone, field):
            try:
                Rate.parse(rate)
            except RateSyntaxError as error:
                yield Mistake(
                    id="E014",
                    zone=zone.name,
                    message=f"{field} holds {rate!r}, which is no rate: {error}",
                    hint='Write a count and a period, as in "60/minute".',
                )


def _of_edges(zone: Zone) -> Iterator[Mistake]:
    for origin in zone.cors.origins:
        parts = urlsplit(origin)
        bare = f"{parts.scheme}://{parts.netloc}"
        if origin != "*" and (parts.scheme not in ("http", "https") or not parts.netloc or origin != bare):
            yield Mistake(
                id="E015",
                zone=zone.name,
                message=f"{origin!r} is no origin.",
                hint="Write scheme and host without a path, as in https://app.example, or *.",
            )
    for name in zone.middleware:
        try:
            found = import_string(name)
        except Exception as error:  # noqa: BLE001  any error of its module
            wrong = f"cannot be imported: {type(error).__name__}: {error}"
        else:
            if callable(found):
                continue
            wrong = "cannot be called."
        yield Mistake(
            id="E016",
            zone=zone.name,
            message=f"The middleware '{name}' {wrong}",
            hint="Give the dotted name of a callable (request, call) -> response.",
        )
