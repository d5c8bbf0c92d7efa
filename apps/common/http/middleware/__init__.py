"""The middleware of every HTTP request, and the paths of API calls and probes."""

from __future__ import annotations

from typing import Final

_PREFIXES: Final = ("/api/", "/ws/")
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that a kubelet, a load balancer or Prometheus requests: answered for any Host, and without TLS."""


def is_api(path: str) -> bool:
    """Whether a path belongs to the API or to sockets, whose answers are JSON."""
    return path.startswith(_PREFIXES) or path in ("/api", "/ws")
