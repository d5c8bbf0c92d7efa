"""Hostile requests against every endpoint: the corpus, and the campaign that sends it (`make fuzz`)."""
