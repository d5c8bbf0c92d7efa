#!/usr/bin/env python
"""Django's command line; development settings unless DJANGO_SETTINGS_MODULE says otherwise.

With those, and where neither the environment nor .env names servers, a command gets the servers of this checkout: the
running ones, or its own for as long as it runs.
"""

import atexit
import contextlib
import gc
import os
import sys

DEVELOPMENT = "config.settings.development"


def main() -> None:
    # A start makes hundreds of thousands of objects that stay; looking through them over and over is a tenth of it.
    gc.set_threshold(1_000_000)
    # At the end they go with the process; looking for cycles among them once more would take a quarter of a second.
    atexit.register(gc.freeze)
    settings = os.environ.setdefault("DJANGO_SETTINGS_MODULE", DEVELOPMENT)
    with contextlib.ExitStack() as stack:
        if settings == DEVELOPMENT:
            from infrastructure.embedded.attach import environment_with_servers

            stack.enter_context(environment_with_servers())
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
