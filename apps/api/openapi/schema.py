"""OpenAPI 3.1 of one version of one zone: the views' declarations, completed from the zone table.

Problem documents, security, rate-limit and idempotency headers, and deprecation are the same for every operation, so
views do not repeat them. A warning of the generator is an error: a schema is complete or it is not served.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from django.core.validators import RegexValidator
from django.db import models
from django.urls import include, path
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.contrib.django_filters import DjangoFilterExtension
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import is_basic_serializer
from drf_spectacular.settings import patched_settings
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from apps.api.openapi import components
from apps.api.openapi import responses as schema_problems
from apps.api.openapi.examples import Examples
from apps.api.openapi.responses import Facts
from apps.api.zones.routes import Pattern
from apps.api.zones.table import Floor, Version, Zone
from apps.common.exceptions import DomainError
from apps.common.http import idempotency
from apps.common.http.fields import Input
from apps.common.http.operation import Operation

# Stricter than the format alone: the domain has a dot, and two characters after the last one.
_EMAIL = r"^[^@]+@[^@]+\.[^@.]{2,}$"
# The generator keeps its warnings and settings in module globals.
_lock = threading.Lock()
# No filter here is of geometry; finding that out, it would have Django look for GDAL by a compiler, for 0.2 s.
DjangoFilterExtension._has_gis = False  # type: ignore[attr-defined]  # noqa: SLF001


class SchemaInvalid(Exception):
    """The generator could not describe every route. `findings` are its messages."""

    def __init__(self, zone: str, version: str, findings: Sequence[str]) -> None:
        self.zone, self.version, self.findings = zone, version, tuple(findings)
        super().__init__(f"The schema of {zone}/{version} is incomplete:\n" + "\n".join(findings))


class ZoneAutoSchema(AutoSchema):
    """DRF's DEFAULT_SCHEMA_CLASS. Outside of a zone's generation it behaves as its base does."""

    _described = ""  # the real method, while the base sees another one

    @property
    def _declared(self) -> Operation | None:
        """The `@operation` of the method."""
        return getattr(getattr(self.view, (self._described or self.method).lower(), None), "operation", None)

    def get_operation_id(self) -> str:
        return self._declared.id if self._declared else super().get_operation_id()

    def get_summary(self) -> str | None:
        return self._declared.summary if self._declared else super().get_summary()

    def get_tags(self) -> list[str]:
        view: Any = self.view
        return [view.tag] if self._declared else super().get_tags()

    def get_request_serializer(self) -> Any:
        if self._declared is None:
            return super().get_request_serializer()
        body = self._declared.body
        return body(partial=True) if body is not None and self._declared.partial else body

    def get_response_serializers(self) -> Any:
        if self._declared is None:
            return super().get_response_serializers()
        return {
            status: OpenApiResponse(response, description=words) if words else response
            for status, (response, words) in self._declared.documented.items()
        }

    def get_override_parameters(self) -> list[Any]:
        """The fields of the declared query, and parameters that the method reads itself."""
        if self._declared is None:
            return super().get_override_parameters()
        query = self._declared.query
        return [*([] if query is None else [query]), *self._declared.parameters]

    def get_filter_backends(self) -> list[Any]:
        """None where the filters are declared."""
        return super().get_filter_backends() if self._declared is None else []

    def _get_paginator(self) -> Any:
        return self._declared.pagination() if self._declared else super()._get_paginator()  # type: ignore[no-untyped-call]

    def get_auth(self) -> list[dict[str, Any]]:
        """The zone's credentials; `{}` first where none is required."""
        zone: Zone | None = getattr(self.view, "schema_zone", None)
        if zone is None:
            return []
        needed: list[dict[str, Any]] = [{name: []} for name in zone.authentication]
        return [{}, *needed] if zone.floor is Floor.ANYONE else needed

    def get_description(self) -> str:  # type: ignore[override]  # as the base has it; DRF's takes more
        return self._declared.description if self._declared else super().get_description()

    def is_deprecated(self) -> bool:
        """Operations of a deprecated version are deprecated."""
        version: Version | None = getattr(self.view, "schema_version", None)
        return super().is_deprecated() or (version is not None and version.deprecated is not None)

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """The base's operation, without its failures: `generate` adds those of all operations."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        found: list[_Found] | None = getattr(self.view, "schema_found", None)
        if operation is None or found is None:
            return operation
        if self.method in idempotency.METHODS:
            operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/IdempotencyKey"})
        responses = operation["responses"]
        operation["responses"] = {
            status: response for status, response in responses.items() if not _is_failure(status)
        }
        facts = Facts(
            declared={
                int(status): str(response.get("description", ""))
                for status, response in responses.items()
                if _is_failure(status) and status.isdecimal()
            },
            raised=self._raised(),
            has_body="requestBody" in operation,
            has_parameters=any("$ref" not in parameter for parameter in operation.get("parameters", ())),
            has_path_parameters="{" in self.path,
            is_unsafe=self.method in idempotency.METHODS,
        )
        found.append(_Found(self.path, self.method.lower(), facts))
        return operation

    def _get_request_body(self, direction: str = "request") -> dict[str, Any] | None:
        """The base's, also for a DELETE whose operation declares a body."""
        method, declared = self.method, self._declared
        if method == "DELETE" and declared is not None and declared.body is not None:
            self.method, self._described = "POST", method  # the base describes no body of a DELETE
        try:
            body: dict[str, Any] | None = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method, self._described = method, ""
        return body

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Any:
        """The base's; inputs allow no other fields."""
        schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if direction == "request" and isinstance(serializer, Input):
            schema["additionalProperties"] = False
        return schema

    def _map_serializer_field(self, field: Any, direction: str, bypass_extensions: bool = False) -> Any:  # noqa: FBT001, FBT002
        """The base's, completed by `schema_extra` and the minimum size of files."""
        schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        if isinstance(field, serializers.JSONField) and schema is not None:
            schema.pop("oneOf", None)  # null is among what anything can be, and would match both
        if direction == "request" and schema is not None:
            schema.update(_of_input(field, schema))
        return schema

    def map_parsers(self) -> list[Any]:
        """The base's, without undocumented ones."""
        parsers = [parser for parser in self.view.get_parsers() if getattr(parser, "is_documented", True)]
        return list(dict.fromkeys(parser.media_type for parser in parsers))

    def _get_filter_parameters(self) -> list[dict[str, Any]]:
        """The base's, or those of the declared filters. A filter with an empty value counts as absent."""
        parameters: list[dict[str, Any]] = super()._get_filter_parameters()  # type: ignore[no-untyped-call]
        filters = self._declared.filters if self._declared else None
        if filters is not None:
            extension: Any = DjangoFilterExtension(DjangoFilterBackend())  # type: ignore[no-untyped-call]
            for name, field in filters.base_filters.items():
                parameters += extension.resolve_filter_field(self, filters._meta.model, filters, name, field)
        for parameter in parameters:
            parameter["allowEmptyValue"] = True
        return parameters

    def _get_request_for_media_type(self, serializer: Any, direction: str = "request") -> tuple[Any, bool]:
        """The base's; fields of a PATCH are optional only where the serializer is `partial`."""
        if self.method == "PATCH" and is_basic_serializer(serializer):
            component = self.resolve_serializer(serializer, "request")
            return component.ref, bool(component.schema.get("required"))
        found: tuple[Any, bool] = super()._get_request_for_media_type(serializer, direction)  # type: ignore[no-untyped-call]
        return found

    def _raised(self) -> tuple[type[DomainError], ...]:
        handler = getattr(self.view, getattr(self.view, "action", None) or self.method.lower(), None)
        declared: tuple[type[DomainError], ...] = getattr(handler, "raises", ())
        paginator = self._get_paginator() if self._is_list_view() else None
        return (*declared, *getattr(paginator, "raises", ()))


def _of_input(field: serializers.Field[Any, Any, Any, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Constraints of an input that the base does not read."""
    extra: dict[str, Any] = getattr(field, "schema_extra", {})
    if isinstance(field, serializers.FileField):
        return extra if field.allow_empty_file else {**extra, "minLength": 1}
    if isinstance(field, serializers.EmailField):
        return {"pattern": _EMAIL, **extra}
    if (
        not extra
        and not {"format", "pattern"} & schema.keys()
        and isinstance(field, serializers.CharField)
        and field.trim_whitespace
        and not field.allow_blank
        and not any(isinstance(validator, RegexValidator) for validator in field.validators)
    ):
        return {"pattern": r"\S"}  # what is white space only is blank
    return extra


class _Found(NamedTuple):
    path: str
    method: str
    facts: Facts


def _is_failure(status: str) -> bool:
    return status[:1] in ("4", "5") or status == "default"


class ZoneSchemaGenerator(SchemaGenerator):
    """Tells each view the zone and version that it is described for."""

    def __init__(self, zone: Zone, version: Version, patterns: Sequence[Pattern]) -> None:
        prefixed = [path(f"api/{zone.name}/{version.name}/", include(list(patterns)))]
        super().__init__(patterns=prefixed)  # type: ignore[no-untyped-call]
        self._zone, self._version = zone, version
        self.found: list[_Found] = []

    def origins(self) -> dict[str, str]:
        """The slice of each component's serializer, by the component's name."""
        modules = {
            name: getattr(component.object, "__module__", "") or ""
            for (name, _), component in self.registry._components.items()  # noqa: SLF001
        }
        return {name: module.split(".")[1] for name, module in modules.items() if module.startswith("apps.")}

    def create_view(self, callback: Any, method: str, request: Any = None) -> Any:
        view = super().create_view(callback, method, request)  # type: ignore[no-untyped-call]
        view.schema_zone, view.schema_version, view.schema_found = self._zone, self._version, self.found
        return view


@cache
def enum_names() -> dict[str, list[tuple[Any, Any]]]:
    """Stable names of the slices' choices, slice first (`UsersRole`), so that no slice can rename another's."""
    names: dict[str, list[tuple[Any, Any]]] = {}
    for choices in sorted(_choices(models.Choices), key=lambda found: (found.__module__, found.__qualname__)):
        package, label, *_ = f"{choices.__module__}..".split(".")
        listed = list(choices.choices)
        # The generator cannot choose between two names for one set of choices.
        if package == "apps" and listed and listed not in names.values():
            names["".join(part.title() for part in label.split("_")) + choices.__name__] = listed
    return names


def _choices(kind: type[models.Choices]) -> Iterator[type[models.Choices]]:
    for choices in kind.__subclasses__():
        yield choices
        yield from _choices(choices)


def generate(zone: Zone, version: Version, patterns: Sequence[Pattern]) -> dict[str, Any]:
    """The document of these routes (from `mounting.slice_patterns`). Raises SchemaInvalid."""
    with _lock, GENERATOR_STATS.silence(), patched_settings({"ENUM_NAME_OVERRIDES": enum_names()}):
        generator: Any = ZoneSchemaGenerator(zone, version, patterns)
        document: dict[str, Any] = generator.get_schema(public=True)
        findings = [*GENERATOR_STATS._error_cache, *GENERATOR_STATS._warn_cache]  # noqa: SLF001
    if findings:
        raise SchemaInvalid(zone.name, version.name, sorted(findings))
    document["info"] = components.info(zone, version)
    tags = {
        tag for item in document["paths"].values() for entry in item.values() for tag in entry.get("tags", ())
    }
    document["tags"] = [{"name": tag} for tag in sorted(tags)]
    problems = []
    for path_, method, facts in generator.found:
        operation = document["paths"][path_][method]
        for response in operation["responses"].values():
            components.complete(response, version, is_unsafe=facts.is_unsafe)
        problems.append((operation, schema_problems.problems_of(zone, facts)))
    Examples(document, generator.origins()).add()
    schema_problems.add_problems(document, problems)
    components.add_components(document, zone, version)
    return document
