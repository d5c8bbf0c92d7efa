"""Hostile requests against every endpoint: what they are made of, and the campaign that sends them (`make fuzz`)."""
