"""Keeps what drf-spectacular finds out again for each operation, and spares what it makes only to ask what it is.

Which extension is for a class, its docstring, the hints of a function and the variables of a path depend on these alone
and on which extensions there are. Whether a class is a serializer is asked of the class. One instance of it does for a document. Lazy texts and
members of enumerations become plain in one pass of the JSON encoder instead of a walk in Python, and the generator's own
marks go with them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from functools import cache, lru_cache
from typing import Any, Final

import orjson
import uritemplate
from django.http import HttpRequest
from drf_spectacular import generators, hooks, openapi, plumbing
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.plumbing import OpenApiGeneratorExtension, get_doc, get_type_hints
from rest_framework import serializers

_find: Any = OpenApiGeneratorExtension.get_match.__func__  # type: ignore[attr-defined]
# By kind of extension, how many of it there were, and a class: the one that is for it, if any is.
_matches: dict[tuple[type, int, type], Any] = {}
# The instances of the document that is being made.
_instances: dict[type, Any] = {}
# In JSON a quotation mark inside of a text has a backslash before it: this is a key and its value.
# Two expressions, since each begins with fixed bytes, which are found much faster than either of two.
_MARKS: Final = (
    re.compile(rb',"x-spec-enum-id":"[^"]*"'),
    re.compile(rb'"x-spec-enum-id":"[^"]*",?'),
)
_BLANK: Final = HttpRequest()
_BLANK.META = {"SERVER_NAME": "testserver", "SERVER_PORT": "80"}


def _get_match(cls: Any, target: Any) -> Any:
    key = (cls, len(cls._registry), target if inspect.isclass(target) else type(target))
    if key not in _matches:
        found = _find(cls, target)
        _matches[key] = found and type(found)
        return found
    extension = _matches[key]
    return extension and extension(target)


@cache
def _doc_of_class(kind: Any) -> str:
    return str(get_doc(kind))


def _get_doc(thing: Any) -> str:
    kind: Any = thing
    return _doc_of_class(kind) if isinstance(kind, type) else str(get_doc(thing))


_hints_of_function = cache(get_type_hints)


def _get_type_hints(thing: Any) -> dict[str, Any]:
    # A method is of one serializer of one document; the function stays.
    found: dict[str, Any] = _hints_of_function(getattr(thing, "__func__", thing))
    return found


def _is_serializer(thing: Any, strict: bool = False) -> bool:  # noqa: FBT001, FBT002
    kind = thing if isinstance(thing, type) else type(thing)
    return issubclass(kind, serializers.BaseSerializer) or (
        not strict and bool(OpenApiSerializerExtension.get_match(thing))
    )


def _is_list_serializer(thing: Any) -> bool:
    return issubclass(thing if isinstance(thing, type) else type(thing), serializers.ListSerializer)


def _instance(thing: Any) -> Any:
    if not isinstance(thing, type) or not issubclass(thing, serializers.Field):
        return thing
    found = _instances.get(thing)
    if found is None:
        found = _instances[thing] = thing()
    return found


@contextmanager
def one_document() -> Iterator[None]:
    """What is made during it is of one document."""
    try:
        yield
    finally:
        _instances.clear()


def mock_request(method: str, path: str, view: Any, original: Any, **options: Any) -> Any:
    """The request that a view is described with: an empty one. For GET_MOCK_REQUEST."""
    request = HttpRequest.__new__(HttpRequest)
    vars(request).update(vars(_BLANK), method=method, path=path, path_info=path)
    request.META = {**_BLANK.META, "REQUEST_METHOD": method}
    return view.initialize_request(request)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else str(value)


def _normalized(result: Any) -> Any:
    text = orjson.dumps(result, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    for mark in _MARKS:
        text = mark.sub(b"", text)
    return orjson.loads(text)


def _marks_stay(result: Any, generator: Any, **_: Any) -> Any:
    return result


def install() -> None:
    """Put them in the generator's way. Done again, it changes nothing."""
    for owner, name, value in _REPLACED:
        setattr(owner, name, value)


_REPLACED: Final[list[tuple[Any, str, Any]]] = [
    (generators, "normalize_result_object", _normalized),
    (hooks, "postprocess_schema_enum_id_removal", _marks_stay),
    (openapi, "force_instance", _instance),
    (openapi, "get_doc", _get_doc),
    (openapi, "get_type_hints", _get_type_hints),
    (uritemplate, "variables", lru_cache(1024)(uritemplate.variables)),
    (openapi, "is_serializer", _is_serializer),
    (openapi, "is_list_serializer", _is_list_serializer),
    (plumbing, "is_serializer", _is_serializer),
    (plumbing, "is_list_serializer", _is_list_serializer),
    (OpenApiGeneratorExtension, "get_match", classmethod(_get_match)),
]
ORIGINALS: Final = [(owner, name, vars(owner)[name]) for owner, name, _ in _REPLACED]
"""What is replaced: where, under which name, and what was there."""
