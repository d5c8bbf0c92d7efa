"""Loads structlog without rich, which it would take along into every process for tracebacks that this log never prints.

Imported before anything that imports structlog. Rich itself stays importable for who prints tables.
"""

from __future__ import annotations

import sys
from typing import Any

_modules: dict[str, Any] = sys.modules
_barred = "rich" not in _modules
if _barred:
    _modules["rich"] = None  # `import rich` raises ImportError, as if it were not installed
try:
    import structlog  # noqa: F401
finally:
    if _barred:
        del _modules["rich"]
