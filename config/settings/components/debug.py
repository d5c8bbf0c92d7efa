"""Django's debug pages and django-debug-toolbar: a choice for `make run`, refused in production."""

from __future__ import annotations

from infrastructure import environment

VARIABLES = environment.Variables("Debugging")

DEBUG_PAGES = VARIABLES.flag(
    "DEBUG", False, "Django's debug pages and django-debug-toolbar; in development only"
)
if DEBUG_PAGES:
    VARIABLES.weak("DEBUG", ["shows settings and code to everyone; it is for development"])
