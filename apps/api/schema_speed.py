"""Keeps what drf-spectacular finds out about a class again for each operation, and spares what it copies.

That no extension is for a class, and its docstring, depend on the class alone and on which extensions there are. Lazy
texts and members of enumerations become plain in one pass of the JSON encoder instead of a walk in Python.
"""

from __future__ import annotations

import inspect
from enum import Enum
from functools import cache
from typing import Any

import orjson
from django.http import HttpRequest
from drf_spectacular import generators, openapi
from drf_spectacular.plumbing import OpenApiGeneratorExtension, get_doc

_find: Any = OpenApiGeneratorExtension.get_match.__func__  # type: ignore[attr-defined]
# Extension class, how many of it there were, and the class that none of them is for.
_unmatched: set[tuple[type, int, type]] = set()


def _get_match(cls: Any, target: Any) -> Any:
    key = (cls, len(cls._registry), target if inspect.isclass(target) else type(target))
    if key in _unmatched:
        return None
    found = _find(cls, target)
    if found is None:
        _unmatched.add(key)
    return found


@cache
def _doc_of_class(kind: Any) -> str:
    return str(get_doc(kind))


def _get_doc(thing: Any) -> str:
    kind: Any = thing
    return _doc_of_class(kind) if isinstance(kind, type) else str(get_doc(thing))


def mock_request(method: str, path: str, view: Any, original: Any, **options: Any) -> Any:
    """The request that a view is described with: an empty one. For GET_MOCK_REQUEST."""
    request = HttpRequest()
    request.method, request.path, request.path_info = method, path, path
    request.META = {"REQUEST_METHOD": method, "SERVER_NAME": "testserver", "SERVER_PORT": "80"}
    return view.initialize_request(request)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else str(value)


def _normalized(result: Any) -> Any:
    return orjson.loads(orjson.dumps(result, default=_plain, option=orjson.OPT_NON_STR_KEYS))


def install() -> None:
    """Put them in the generator's way. Done again, it changes nothing."""
    replaced: list[tuple[Any, str, Any]] = [
        (generators, "normalize_result_object", _normalized),
        (openapi, "get_doc", _get_doc),
        (OpenApiGeneratorExtension, "get_match", classmethod(_get_match)),
    ]
    for owner, name, value in replaced:
        setattr(owner, name, value)
