"""The HTTP interface, one module for each zone. A view reads input, makes one call, and writes output."""
