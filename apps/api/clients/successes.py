"""Prepares a schema for the Python generator: without the failures of operations.

Failures are exceptions in Python (apps/common/client_runtime/python/problem.py). With failures in the schema, every call
would return its answer or a problem, and callers would have to distinguish them.
"""

from __future__ import annotations

import copy
from typing import Any, Final

_PROBLEMS: Final = ("Problem", "ProblemField")
_KNOWN: Final = ("application/json", "text/plain", "application/octet-stream")
_STREAM: Final = "text/event-stream"


def without_failures(schema: dict[str, Any]) -> dict[str, Any]:
    """A copy of the schema without failures and event streams, and with files as bytes."""
    made = copy.deepcopy(schema)
    for path in list(made["paths"]):
        item = made["paths"][path]
        for method in [name for name in item if name != "parameters"]:
            responses = {
                status: response for status, response in item[method]["responses"].items() if status[0] == "2"
            }
            if any(_STREAM in response.get("content", {}) for response in responses.values()):
                del item[method]
                continue
            for response in responses.values():
                _as_bytes(response)
            item[method]["responses"] = responses
        if not item:
            del made["paths"][path]
    for name in _PROBLEMS:
        made.get("components", {}).get("schemas", {}).pop(name, None)
    return made


def _as_bytes(response: dict[str, Any]) -> None:
    content = response.get("content", {})
    if content and not any(kind in content for kind in _KNOWN):
        response["content"] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
