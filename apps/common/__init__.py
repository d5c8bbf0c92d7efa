"""Shared bricks: base models, pure exceptions, callers, events and outbox, encrypted fields, DRF bricks, middleware. Knows no slice."""
