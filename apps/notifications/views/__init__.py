"""The REST interface: parse, one call, render."""
