"""Servers and workers in separate processes."""

from apps.common.testing.processes import environment, serve, worker

__all__ = ["environment", "serve", "worker"]
