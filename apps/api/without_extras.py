"""Loads drf-spectacular without what it takes along for others, which every process would load with it.

DRF's test client, and with it Django's and all of unittest, for requests that this project makes itself
(`schema_speed.mock_request`); and extensions for packages that are not here, each of which looks for its own. Imported
before anything else that imports drf-spectacular's parts; the test client stays importable for tests.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from drf_spectacular import contrib

_CLIENT = "rest_framework.test"


def _request_factory(*args: Any, **options: Any) -> Any:
    from rest_framework.test import APIRequestFactory

    return APIRequestFactory(*args, **options)


# What `from drf_spectacular.contrib import *` loads.
contrib.__all__ = ["django_filters"]
if _CLIENT not in sys.modules:
    _stand_in: Any = ModuleType(_CLIENT)
    _stand_in.APIRequestFactory = _request_factory
    sys.modules[_CLIENT] = _stand_in
    try:
        import drf_spectacular.plumbing  # noqa: F401
    finally:
        del sys.modules[_CLIENT]
