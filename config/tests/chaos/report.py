"""What a campaign tells: a table for the terminal, and a page with a plot of every call."""

from __future__ import annotations

import collections
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from apps.common.tests.chaos import AWAY, Call, Site

if TYPE_CHECKING:
    from config.tests.chaos.campaign import Injection

WIDTH: Final = 1200
HEIGHT: Final = 260
# Seconds at the ends of the plot's axis.
SLOWEST: Final = 30.0
FASTEST: Final = 0.001
_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1240px;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d5dae0;padding:.3rem .6rem;text-align:left}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}svg{width:100%;height:auto;background:#f6f8fa}
.ok{fill:#1a7f37}.away{fill:#bf8700}.none{fill:#cf222e}.fault{fill:#cf222e;opacity:.12}
text{font:11px system-ui,sans-serif;fill:#57606a}h1{font-size:1.5rem}.bad{color:#cf222e}.good{color:#1a7f37}
"""


def rows(site: Site, injections: Sequence[Injection]) -> list[dict[str, str]]:
    """A row for each fault: its runs, the calls meanwhile, and how long things took to recover, worst of all runs."""
    found = []
    for name in dict.fromkeys(one.fault.name for one in injections):
        of = [one for one in injections if one.fault.name == name]
        during = [call for one in of for call in _between(site.calls, one.began, one.ended)]
        refused = [call for call in during if call.status in AWAY]
        unanswered = sum(call.status == 0 for call in during)
        worst: dict[str, float] = {}
        for one in of:
            for what, seconds in one.recovered.items():
                worst[what] = max(worst.get(what, 0.0), seconds)
        found.append(
            {
                "fault": name,
                "what": of[0].fault.what,
                "runs": f"{sum(not one.waits for one in of)} of {len(of)}",
                "calls": str(len(during)),
                "answered": f"{100 * (1 - (len(refused) + unanswered) / max(len(during), 1)):.1f} %",
                "503": str(len(refused)),
                "no answer": str(unanswered),
                "slowest": f"{max((call.seconds for call in during), default=0.0):.2f} s",
                "slowest 503": f"{max((call.seconds for call in refused), default=0.0):.2f} s",
                "recovered after": ", ".join(f"{what} {seconds:.1f} s" for what, seconds in worst.items()),
            }
        )
    return found


def text(
    site: Site, injections: Sequence[Injection], counts: Mapping[str, int], tracebacks: Mapping[str, int]
) -> str:
    """The table, the counts and the faults, for a terminal."""
    lines = [
        f"{row['fault']:20} {row['runs']:>7} recovered, {row['calls']:>4} calls: {row['answered']:>6} answered, "
        f"{row['503']:>3} 503, {row['no answer']:>3} none, slowest {row['slowest']} (503: {row['slowest 503']}); "
        f"{row['recovered after']}"
        for row in rows(site, injections)
    ]
    lines.append(f"promised  {', '.join(f'{count} {name}' for name, count in counts.items())}")
    lines += [f"traceback {count} × {last}" for last, count in tracebacks.items()]
    kinds = collections.Counter(site.faults)
    lines += [
        f"FAULT     {fault}" + (f" × {count}" if count > 1 else "") for fault, count in kinds.most_common(40)
    ]
    lines.append(f"{len(site.faults)} faults in {len(site.calls)} calls, {len(injections)} injections")
    return "\n".join(lines)


def page(
    site: Site, injections: Sequence[Injection], counts: Mapping[str, int], tracebacks: Mapping[str, int]
) -> str:
    """The report as one HTML file that loads nothing."""
    table = rows(site, injections)
    names = list(table[0]) if table else []
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(row[name])}</td>" for name in names) + "</tr>" for row in table
    )
    verdict = (
        f'<p class="bad">{len(site.faults)} faults</p><ul>'
        + "".join(f"<li>{escape(fault)}</li>" for fault in site.faults[:200])
        + "</ul>"
        if site.faults
        else '<p class="good">Nothing acknowledged was lost, doubled or out of order; all has recovered.</p>'
    )
    promised = "".join(
        f"<tr><td>{escape(name)}</td><td class=n>{count}</td></tr>" for name, count in counts.items()
    )
    logged = "".join(f"<li>{count} × {escape(last)}</li>" for last, count in tracebacks.items())
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Chaos</title><style>{_STYLE}</style>'
        f"<h1>Faults under traffic</h1>{verdict}<h2>Availability and latency</h2>{_plot(site.calls, injections)}"
        "<p>A dot is a call, at the time it was sent; the axis of latency is logarithmic. Green was answered, "
        "amber is a 503, red got no answer. Red bands are faults.</p>"
        f"<h2>Faults</h2><table><tr>{head}</tr>{body}</table>"
        f"<h2>Acknowledged, and found again</h2><table>{promised}</table>"
        f"<h2>Latency</h2><p>{escape(_latency(site.calls))}</p>"
        f"<h2>Tracebacks in the logs</h2><ul>{logged}</ul></html>"
    )


def _between(calls: Iterable[Call], start: float, end: float) -> list[Call]:
    return [call for call in calls if call.at < end and call.at + call.seconds > start]


def _latency(calls: Sequence[Call]) -> str:
    seconds = [call.seconds for call in calls if 0 < call.status < 500]
    if len(seconds) < 2:
        return "too few calls"
    shares = statistics.quantiles(seconds, n=100)
    return f"{len(seconds)} answered calls: median {shares[49]:.3f} s, 95 % {shares[94]:.3f} s, 99 % {shares[98]:.3f} s"


def _plot(calls: Sequence[Call], injections: Sequence[Injection]) -> str:
    if not calls:
        return ""
    start, end = calls[0].at, max(call.at for call in calls) + 0.001

    def x(at: float) -> float:
        return round(WIDTH * (at - start) / (end - start), 1)

    def y(seconds: float) -> float:
        share = math.log(max(min(seconds, SLOWEST), FASTEST) / FASTEST) / math.log(SLOWEST / FASTEST)
        return round(HEIGHT - 15 - (HEIGHT - 40) * share, 1)

    parts = [
        f'<rect class="fault" x="{x(one.began)}" y="0" width="{max(1.0, x(one.ended) - x(one.began))}" height="{HEIGHT}">'
        f"<title>{escape(one.fault.name)}</title></rect>"
        for one in injections
    ]
    before = ""
    for number, one in enumerate(injections):
        if one.fault.name != before:
            before = one.fault.name
            parts.append(f'<text x="{x(one.began)}" y="{12 + 11 * (number % 2)}">{escape(before)}</text>')
    for seconds in (0.01, 0.1, 1.0, 5.0):
        parts.append(f'<text x="2" y="{y(seconds)}">{seconds:g} s</text>')
        parts.append(f'<path stroke="#d5dae0" d="M0 {y(seconds)}H{WIDTH}"/>')
    for call in calls:
        kind = "none" if call.status == 0 else "away" if call.status in AWAY else "ok"
        parts.append(f'<circle class="{kind}" cx="{x(call.at)}" cy="{y(call.seconds)}" r="1.5"/>')
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Latency of every call">{"".join(parts)}</svg>'
