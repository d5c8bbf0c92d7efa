"""Response headers of a deprecated version of a zone (RFC 9745, RFC 8594, RFC 8288)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from django.utils.http import http_date

from apps.api.zones.table import Version, Zone


def version_headers(zone: Zone, version: Version) -> tuple[tuple[str, str], ...]:
    """`Deprecation`, `Sunset` and `Link` of a deprecated version; none for a current one."""
    if version.deprecated is None:
        return ()
    headers = [("Deprecation", f"@{_seconds(version.deprecated)}")]
    if version.sunset is not None:
        headers.append(("Sunset", http_date(_seconds(version.sunset))))
    links = []
    if zone.newest is not version:
        links.append(f'</api/{zone.name}/{zone.newest.name}/>; rel="successor-version"')
    if version.notice:
        links.append(f'<{version.notice}>; rel="deprecation"; type="text/html"')
    if links:
        headers.append(("Link", ", ".join(links)))
    return tuple(headers)


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())
