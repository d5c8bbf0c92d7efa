"""Servers and workers in processes of their own."""

from apps.common.testing.processes import environment, serve, worker

__all__ = ["environment", "serve", "worker"]
