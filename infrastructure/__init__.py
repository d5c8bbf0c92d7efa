"""Adapters to the world outside: tokens, cache, mail, storage, realtime, telemetry. No model, no business rule."""
