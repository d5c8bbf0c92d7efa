"""Which requests are API calls, and which are probes."""

from __future__ import annotations

from typing import Final

_PREFIXES: Final = ("/api/", "/ws/")
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What a kubelet, a load balancer or Prometheus calls by an address: answered whatever the Host says, also without TLS."""


def is_api(path: str) -> bool:
    """Whether a path belongs to the API or to sockets, where answers are JSON and never pages."""
    return path.startswith(_PREFIXES) or path in ("/api", "/ws")
