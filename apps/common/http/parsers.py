"""Parsers of request bodies: strict JSON, and multipart for views with uploads.

The JSON parser refuses what RFC 8259 leaves open: duplicate names, numbers beyond a double (NaN, Infinity), charsets other
than UTF-8, U+0000, lone surrogates, and nesting deeper than MAX_DEPTH.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any, Final

import orjson
from django.http import UnreadablePostError
from django.http.multipartparser import MultiPartParser as DjangoMultiPartParser
from django.http.multipartparser import MultiPartParserError
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser, DataAndFiles, MultiPartParser

from apps.common.http.renderers import JSONRenderer
from infrastructure.storage import StorageUnavailable

MAX_DEPTH: Final = 32


class StrictJSONParser(BaseParser):
    """Raises ParseError (400), UnsupportedMediaType (415)."""

    media_type = "application/json"
    # DRF's schema looks up the renderer of a parser.
    renderer_class = JSONRenderer

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        if media_type is not None and ";" in media_type:
            _require_utf8(media_type)
        return loads(stream.read())


class _StrictForm(DjangoMultiPartParser):
    """Django's parser removes unprintable characters from file names, U+0000 included; this one refuses it."""

    def sanitize_file_name(self, file_name: str) -> str | None:
        if not _is_text(file_name):
            raise MultiPartParserError("a file name is not text")
        return super().sanitize_file_name(file_name)


class UploadParser(MultiPartParser):
    """`multipart/form-data` with files, for the `parser_classes` of views with uploads.

    Names and fields are UTF-8 without U+0000, as in JSON. Services validate the content of files.
    """

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles[Any, Any]:
        """Raises ParseError (400), UnsupportedMediaType (415), StorageUnavailable (503)."""
        request = (parser_context or {})["request"]
        if media_type is not None:
            _require_utf8(media_type)
        meta = {**request.META, "CONTENT_TYPE": media_type}
        try:
            data, files = _StrictForm(meta, stream, request.upload_handlers, "utf-8").parse()
        except MultiPartParserError as error:
            raise ParseError("The form could not be read.") from error
        except UnreadablePostError:
            raise
        except OSError as error:  # larger files are stored on disk
            for handler in request.upload_handlers:
                with suppress(OSError):  # closing the file may fail, too
                    handler.upload_interrupted()
            raise StorageUnavailable("The file cannot be stored right now. Try again later.") from error
        if not all(_is_text(name) and all(map(_is_text, values)) for name, values in data.lists()) or not all(
            map(_is_text, files)
        ):
            raise ParseError("Names and fields of a form are UTF-8 without U+0000.", code="null_character")
        return DataAndFiles(data, files)


def _is_text(value: str) -> bool:
    """Whether a text is valid. The parser has replaced bytes that are not UTF-8 by U+FFFD."""
    return "\x00" not in value and "\ufffd" not in value


def _require_utf8(media_type: str) -> None:
    for parameter in media_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(media_type, detail="Only UTF-8 is accepted.")


def loads(raw: bytes) -> Any:
    """Raises ParseError, with a detail that is safe to show."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ParseError(f"The body is not valid JSON: {error.msg}.", code="invalid_json") from error
    if type(value) is dict and raw.count(b"{") == 1 and b"[" not in raw:
        members = len(value)  # one flat object, as most bodies are
    elif type(value) is dict or type(value) is list:
        members = _count_members(value)
    else:
        members = 0
    # Each member has a colon. With as many colons as members, no name is duplicate. Further colons are in texts, or of
    # members that a later one with the same name has replaced.
    if raw.count(b":") != members:
        _refuse_duplicates(raw)
    if b"\\u0000" in raw and _has_null(value):
        raise ParseError("Texts must not contain U+0000.", code="null_character")
    return value


def _count_members(value: Any) -> int:
    """The number of members of all objects. Raises ParseError for nesting deeper than MAX_DEPTH."""
    members = 0
    level = [value]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for container in level:
            if type(container) is dict:
                members += len(container)
                deeper += [item for item in container.values() if type(item) is dict or type(item) is list]
            else:
                deeper += [item for item in container if type(item) is dict or type(item) is list]
        if not deeper:
            return members
        level = deeper
    raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.", code="too_deep")


def _refuse_duplicates(raw: bytes) -> None:
    # Numbers stay text, because Python refuses integers of 4,300 digits.
    json.loads(raw, object_pairs_hook=_distinct, parse_int=str, parse_float=str)


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ParseError("An object of the body has two members of one name.", code="duplicate_key")


def _has_null(value: Any) -> bool:
    if type(value) is str:
        return "\x00" in value
    if type(value) is dict:
        return any("\x00" in name or _has_null(item) for name, item in value.items())
    return type(value) is list and any(_has_null(item) for item in value)
