#!/usr/bin/env python
"""Django's command line; development settings unless DJANGO_SETTINGS_MODULE says otherwise."""

import atexit
import gc
import os
import sys


def main() -> None:
    # A start makes hundreds of thousands of objects that stay; looking through them over and over is a tenth of it.
    gc.set_threshold(1_000_000)
    # At the end they go with the process; looking for cycles among them once more would take a quarter of a second.
    atexit.register(gc.freeze)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
