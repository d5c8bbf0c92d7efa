"""Commands of the zone router."""
