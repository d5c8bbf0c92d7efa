"""Adapters to external systems: tokens, cache, mail, storage, realtime, telemetry. No models, no business rules."""
