"""Serializers, filters, views and routes."""

from __future__ import annotations

from scripts.new_slice.fields import Field
from scripts.new_slice.spec import Nested, Spec
from scripts.new_slice.texts import fill, lines, names_of, tuple_of

_SERIALIZERS = '''
"""$A $words in requests and answers."""

from __future__ import annotations

from rest_framework import serializers

from apps.$label.models import $Model$and_child
from apps.$label.types import $choices
from apps.common.http import fields


$child
class ${Model}Input(fields.Input):
    $inputs


class ${Model}Output(serializers.Serializer[$Model]):
    id = serializers.UUIDField()
    $outputs
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
'''
_CHILD = """
class ${Child}Input(fields.Input):
    $inputs


class ${Child}Output(serializers.Serializer[$Child]):
    $outputs


"""
_FILTERS = '''
"""Filters and ordering of lists of $many."""

from __future__ import annotations

import django_filters
from django.db.models import Q, QuerySet

from apps.$label.models import $Model
from apps.$label.types import $choices
from apps.common.http.filters import BooleanFilter


class ${Model}Filter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no annotations
    $filters
    created_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")
    ordering = django_filters.OrderingFilter(fields=$ordered)
    $search
'''
SEARCH = """
def by_words(self, $list: QuerySet[$Model], name: str, value: str) -> QuerySet[$Model]:
    return $list.filter($condition)
"""
_VIEWS = '''
"""$Many over REST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack
from uuid import UUID

from django.db.models import QuerySet

from apps.$label import selectors, services
from apps.$label.exceptions import ${Model}NotFound
from apps.$label.filters import ${Model}Filter
from apps.$label.models import $Model
from apps.$label.serializers import ${Model}Input, ${Model}Output
from apps.$label.types import ${Model}Changes, ${Model}Values$and_child_values
from apps.common.exceptions import Denied
from apps.common.http.operation import ApiRequest, View, operation


class ${Manys}View(View, tag="$many"):
    @operation("${list}_list", "List $many, the newest first", page=${Model}Output, filters=${Model}Filter)
    def get(self, request: ApiRequest) -> QuerySet[$Model]:
        $list_docstring
        return selectors.list_$list($list_arguments)

    @operation("${list}_create", "Create $a $words", body=${Model}Input, answers={201: ${Model}Output}$create_failures)
    def post(self, request: ApiRequest, $create_nested**values: Unpack[${Model}Values]) -> $Model:
        $create_docstring
        return services.create_$one(actor=request.caller, $nested_argument**values)


class ${Model}View(View, tag="$many"):
    @operation("${list}_get", "Get $a $words", answers=${Model}Output, failures=[${Model}NotFound])
    def get(self, request: ApiRequest, ${one}_id: UUID) -> $Model:
        return selectors.get_$one($get_arguments${one}_id=${one}_id)

    @operation(
        "${list}_update",
        "Change $a $words",
        body=${Model}Input,
        partial=True,
        answers=${Model}Output,
        failures=[$failures],
    )
    def patch(self, request: ApiRequest, ${one}_id: UUID, $update_nested**changes: Unpack[${Model}Changes]) -> $Model:
        return services.update_$one(actor=request.caller, ${one}_id=${one}_id, ${nested_argument}changes=changes)

    @operation("${list}_delete", "Delete $a $words", failures=[$failures])
    def delete(self, request: ApiRequest, ${one}_id: UUID) -> None:
        services.delete_$one(actor=request.caller, ${one}_id=${one}_id)
'''
_URLS = '''
"""Routes of the slice by zone."""

from __future__ import annotations

from django.urls import path

from apps.$label import views

_ROUTES = [
    path("$path/", views.${Manys}View.as_view(), name="list"),
    path("$path/<uuid:${one}_id>/", views.${Model}View.as_view(), name="$route"),
]
zones = {$zones}
'''


def files(spec: Spec) -> dict[str, str]:
    """The modules that speak HTTP."""
    slots = names_of(spec)
    nested = spec.nested
    choices = ", ".join(field.camel for field in spec.of_kind("choice"))
    without_choices = f"from apps.{spec.names.label}.types import \n"
    searched = [field for field in spec.values if field.kind.is_searched]
    ordered = ["created_at", *(field.name for field in spec.values if field.kind.is_ordered)]
    is_owned = spec.owner is not None
    owned = [f'owner = django_filters.UUIDFilter(field_name="{spec.owner.name}_id")'] if spec.owner else []
    return {
        "serializers.py": fill(
            _SERIALIZERS,
            **slots,
            choices=", ".join(field.camel for field in spec.all_fields if field.choices),
            and_child=f", {nested.model}" if nested else "",
            child=_child(nested, slots) if nested else [],
            inputs=[
                *(lines.input_(field) for field in spec.values),
                *(
                    [
                        f"{nested.name} = serializers.ListField(child={nested.model}Input(), required=False, max_length=100)"
                    ]
                    if nested
                    else []
                ),
            ],
            outputs=[
                *(lines.output(field) for field in spec.fields),
                *([f"{nested.name} = {nested.model}Output(many=True)"] if nested else []),
            ],
        ).replace(without_choices, ""),
        "filters.py": fill(
            _FILTERS,
            **slots,
            choices=choices,
            filters=[
                *(_search(words=[field.words for field in searched]) if searched else []),
                *(line for field in spec.values for line in lines.filters(field)),
                *(line.replace("owner =", f"{spec.owner.name} =", 1) for line in owned if spec.owner),
            ],
            ordered=tuple_of(ordered),
            search=["", *_method(slots, searched)] if searched else [],
        ).replace(without_choices, ""),
        "views.py": fill(
            _VIEWS,
            **slots,
            and_child_values=f", {nested.model}Values" if nested else "",
            create_nested=f"*, {nested.name}: Sequence[{nested.model}Values] = (), " if nested else "",
            update_nested=f"*, {nested.name}: Sequence[{nested.model}Values] | None = None, "
            if nested
            else "",
            nested_argument=f"{nested.name}={nested.name}, " if nested else "",
            list_docstring=[
                f'"""Your own; all {spec.names.many} with the permission `{spec.names.label}.read`."""'
            ]
            if is_owned
            else [],
            create_docstring=['"""You become its owner."""'] if is_owned else [],
            list_arguments="actor=request.caller" if is_owned else "",
            get_arguments="actor=request.caller, " if is_owned else "",
            create_failures="" if is_owned else ", failures=[Denied]",
            failures=f"{spec.names.model}NotFound" if is_owned else f"Denied, {spec.names.model}NotFound",
        ),
        "urls.py": fill(
            _URLS,
            **slots,
            route=spec.names.words.replace(" ", "-"),
            zones=", ".join(f'"{zone}": _ROUTES' for zone in spec.zones),
        ),
    }


def _child(nested: Nested, slots: dict[str, str]) -> list[str]:
    """The serializers of nested objects."""
    text = fill(
        _CHILD,
        **slots,
        inputs=[lines.input_(field) for field in nested.fields],
        outputs=[lines.output(field) for field in nested.fields],
    )
    return [*text.splitlines(), "", ""]


def _method(slots: dict[str, str], searched: list[Field]) -> list[str]:
    condition = " | ".join(f"Q({field.name}__icontains=value)" for field in searched)
    return fill(SEARCH, **slots, condition=condition).splitlines()


def _search(words: list[str]) -> list[str]:
    listed = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
    return [
        f'search = django_filters.CharFilter(method="by_words", max_length=100, help_text="A part of {listed}.")'
    ]
