"""Which requests are API calls, and which are probes."""

from __future__ import annotations

from typing import Final

API_PREFIX: Final = "/api/"
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What a kubelet, a load balancer or Prometheus calls by an address: answered whatever the Host says, also without TLS."""


def is_api(path: str) -> bool:
    """Whether a path belongs to the API, where answers are JSON and never pages."""
    return path.startswith(API_PREFIX) or path == "/api"
