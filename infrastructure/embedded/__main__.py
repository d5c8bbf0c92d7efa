"""The entry point: an expected error is one line, Ctrl-C none, never a traceback."""

from __future__ import annotations

import sys

from infrastructure.embedded import commands, console, errors

if __name__ == "__main__":
    try:
        sys.exit(commands.main())
    except errors.EmbeddedError as error:
        console.stderr(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
