"""Fixtures of tests of the outbox."""

from apps.common.tests.outbox_events import _clean, broker

__all__ = ["_clean", "broker"]
