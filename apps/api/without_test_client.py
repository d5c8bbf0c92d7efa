"""Loads drf-spectacular without DRF's test client, with which Django's and all of unittest would come into every process.

It takes that client along for requests that this project makes itself (`schema_speed.mock_request`). Imported before
anything else that imports drf-spectacular's parts; the test client stays importable for tests.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

_CLIENT = "rest_framework.test"


def _request_factory(*args: Any, **options: Any) -> Any:
    from rest_framework.test import APIRequestFactory

    return APIRequestFactory(*args, **options)


if _CLIENT not in sys.modules:
    _stand_in: Any = ModuleType(_CLIENT)
    _stand_in.APIRequestFactory = _request_factory
    sys.modules[_CLIENT] = _stand_in
    try:
        import drf_spectacular.plumbing  # noqa: F401
    finally:
        del sys.modules[_CLIENT]
