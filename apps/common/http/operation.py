"""`@operation`: declares the input, the answers and the failures of a view method.

::

    class LoginView(View, tag="auth"):
        class LoginInput(fields.Input):
            email = fields.TextField(max_length=254)
            password = fields.TextField(max_length=128)

        @operation(
            "auth_login",
            "Sign in",
            body=LoginInput,
            answers={200: TokenPairOutput, 202: ChallengeOutput},
            failures=[exceptions.InvalidCredentials],
        )
        def post(self, request: ApiRequest, *, email: str, password: str) -> TokenPair | Answer:
            '''The description, in Markdown.'''
            return services.login(email=email, password=password)

The decorator validates body and query, passes their values to the method as keyword arguments, renders the result, and
provides the schema (`apps.api.openapi.schema`). A method that does not match its declaration raises TypeError at import.
Plain DRF and Django views work behind the zone's guard, too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import wraps
from typing import Any, ClassVar, Final, get_args

from django.http import HttpRequest, HttpResponseBase
from django_filters import FilterSet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.pagination import BasePagination
from rest_framework.response import Response

from apps.common.callers import Caller
from apps.common.exceptions import DomainError, InvalidInput
from apps.common.http.compiled_outputs import Output, represent, represent_all
from apps.common.http.fields import Input, unknown
from apps.common.http.filters import filtered
from apps.common.http.lean_view import LeanView
from apps.common.http.pagination import KeysetPagination

_Method = Callable[..., Any]
_Render = Callable[["ApiRequest", Any], HttpResponseBase]
_WITH_BODY: Final = ("post", "put", "patch", "delete")
_METHODS: Final = ("get", *_WITH_BODY)
DONE: Final = {204: "Done."}


class ApiRequest(HttpRequest):
    """The request of a view behind a zone's guard. For annotations only."""

    caller: Caller


@dataclass(frozen=True, slots=True)
class Answer:
    """A value with its status, for operations with several statuses."""

    status: int
    value: Any = None


class View(LeanView):
    """The base of views whose methods are operations; `tag` is their heading in the documentation.

    A subclass without a tag, or with a method that is not an operation, raises TypeError.
    """

    tag: ClassVar[str] = ""

    def __init_subclass__(cls, *, tag: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.tag = tag or cls.tag
        if not cls.tag:
            raise TypeError(f"{cls.__qualname__}: give its operations a heading, tag=….")
        for name in _METHODS:
            if name in vars(cls) and not hasattr(vars(cls)[name], "operation"):
                raise TypeError(f"{cls.__qualname__}.{name} is not an operation: declare it with @operation.")


@dataclass(slots=True)
class Operation:
    """Declares a method of a `View`; its docstring is the description. `handle.operation` has the declaration.

    The method takes the request, the parameters of its route, and each field of `body` and `query` as a keyword-only
    argument, by the field's `source`. Optional fields need a default. `**changes: Unpack[SomeTypedDict]` takes all fields.

    Args:
        partial: All fields of the body are optional.
        answers: Maps statuses to an output serializer, to the description of an answer without content, or to a pair of
            both. An output alone means 200, None an empty 204. The method returns the object of the first output, None
            for the answer without content, or an `Answer` for another status. For other documented answers (by media
            type, or as a schema) it returns an `HttpResponse`, which is not changed.
        page: The output of one row of a list. The method returns a QuerySet, to which `filters` and `pagination` apply.
        rows: Converts the rows of one page into values for `page`.
        failures: Domain errors, for the documentation.
        parameters: Documentation of parameters that the method reads from the request.

    Attributes:
        documented: The answers as pairs of an output and a description.
        path: The parameters of the route.

    Raises TypeError for a method that does not match.
    """

    id: str
    summary: str
    _: KW_ONLY
    body: type[Input] | None = None
    query: type[Input] | None = None
    partial: bool = False
    answers: Mapping[Any, Any] | Output | None = None
    page: Output | None = None
    rows: Callable[[Any], Sequence[Any]] | None = None
    filters: type[FilterSet] | None = None
    pagination: type[BasePagination] = KeysetPagination
    failures: Collection[type[DomainError]] = ()
    parameters: Sequence[OpenApiParameter] = ()
    documented: Mapping[Any, tuple[Any, str]] = field(init=False)
    path: frozenset[str] = field(init=False)
    description: str = field(init=False)

    def __call__(self, method: _Method) -> Callable[..., HttpResponseBase]:
        body, query, partial = self.body, self.query, self.partial
        name, where = method.__name__, f"{method.__module__}.{method.__qualname__}"
        if name not in _METHODS or (body is not None and name not in _WITH_BODY):
            raise TypeError(
                f"{where}: {name.upper()} takes no {'body' if name in _METHODS else 'operation'}."
            )
        declared = self.answers if self.page is None else self.page(many=True)
        by_status = (
            declared if isinstance(declared, Mapping) else DONE if declared is None else {200: declared}
        )
        self.documented = {status: _described(answer) for status, answer in by_status.items()}
        self.description = inspect.cleandoc(method.__doc__ or "")
        self.path = _require_match(where, method, [*_fields(query), *_fields(body, partial=partial)])
        known = _query_names(self)
        render = _renderer(where, self.documented) if self.page is None else _page_renderer(self, self.page)

        @wraps(method)
        def handle(view: View, request: Any, **kwargs: Any) -> HttpResponseBase:
            http: ApiRequest = getattr(request, "_request", request)
            if http.META.get("QUERY_STRING"):
                refused = unknown(http.GET, known, detail="There is no such parameter.")
                if refused:
                    raise InvalidInput(errors=refused)
            if query is not None:
                kwargs |= _validated(query(data=http.GET, context={"request": http, "is_query": True}))
            if body is not None:
                kwargs |= _validated(body(data=request.data, partial=partial, context={"request": http}))
            return render(http, method(view, http, **kwargs))

        handle.operation = self  # type: ignore[attr-defined]
        handle.raises = tuple(self.failures)  # type: ignore[attr-defined]
        return handle


operation = Operation


def _described(answer: Any) -> tuple[Any, str]:
    if isinstance(answer, str):
        return None, answer
    return answer if isinstance(answer, tuple) else (answer, "")


def _fields(serializer: type[Input] | None, *, partial: bool = False) -> Iterator[tuple[str, bool]]:
    """The names of the values of a serializer, and whether each is optional."""
    if serializer is None:
        return
    if not issubclass(serializer, Input):
        raise TypeError(f"{serializer.__qualname__} reads a request: make it a subclass of fields.Input.")
    for one in serializer().fields.values():
        yield one.source or "", partial or (not one.required and one.default is empty)


def _query_names(declared: Operation) -> frozenset[str]:
    """The names of all query parameters of an operation."""
    paging = () if declared.page is None else declared.pagination().get_schema_operation_parameters(None)  # type: ignore[arg-type]
    return frozenset(
        [
            *(declared.query().fields if declared.query is not None else ()),
            *(declared.filters.base_filters if declared.filters is not None else ()),
            *(parameter["name"] for parameter in paging),
            *(one.name for one in declared.parameters if one.location == OpenApiParameter.QUERY),
        ]
    )


def _require_match(where: str, method: _Method, fields: list[tuple[str, bool]]) -> frozenset[str]:
    """The method's path parameters. Raises TypeError unless the others are the fields."""
    taken: dict[str, bool] = {}
    path = set()
    for parameter in list(inspect.signature(method).parameters.values())[2:]:
        if parameter.kind is parameter.KEYWORD_ONLY:
            taken[parameter.name] = parameter.default is not parameter.empty
        elif parameter.kind is parameter.VAR_KEYWORD:
            annotation = inspect.signature(method, eval_str=True).parameters[parameter.name].annotation
            (typed,) = get_args(annotation) or (None,)
            if not hasattr(typed, "__optional_keys__"):
                raise TypeError(f"{where}: annotate **{parameter.name} with Unpack[…] of a TypedDict.")
            taken |= {name: name in typed.__optional_keys__ for name in typed.__annotations__}
        else:
            path.add(parameter.name)
    names = [name for name, _ in fields]
    problems = [
        *(f"'{name}' of the input is not taken" for name in set(names) - taken.keys()),
        *(f"'{name}' is not a field of the input" for name in taken.keys() - set(names)),
        *(f"'{name}' is in the body and in the query" for name in set(names) if names.count(name) > 1),
        *(
            f"'{name}' is optional and has no default"
            for name, is_optional in fields
            if is_optional and not taken.get(name, True)
        ),
    ]
    if problems:
        raise TypeError(f"{where}: {'; '.join(sorted(problems))}.")
    return frozenset(path)


def _validated(serializer: Input) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def _renderer(where: str, documented: Mapping[Any, tuple[Any, str]]) -> _Render:
    outputs: dict[Any, Output | None] = {
        status: response
        for status, (response, _) in documented.items()
        if response is None
        or (isinstance(response, type) and issubclass(response, serializers.BaseSerializer))
    }
    first = next((status for status, output in outputs.items() if output is not None), None)
    without_content = next((status for status, output in outputs.items() if output is None), None)

    def render(request: ApiRequest, outcome: Any) -> HttpResponseBase:
        status: int | None
        if isinstance(outcome, HttpResponseBase):
            return outcome
        if isinstance(outcome, Answer):
            status, value = outcome.status, outcome.value
        else:
            status, value = without_content if outcome is None else first, outcome
        if status not in outputs:
            raise TypeError(f"{where}: declares no answer for {type(outcome).__name__} {status or ''}.")
        output = outputs[status]
        if output is None:
            return Response(status=status)
        return Response(represent(output, value, {"request": request}), status=status)

    return render


def _page_renderer(declared: Operation, output: Output) -> _Render:
    rows, filters, pagination = declared.rows, declared.filters, declared.pagination

    def render(request: ApiRequest, outcome: Any) -> HttpResponseBase:
        if isinstance(outcome, HttpResponseBase):
            return outcome
        if filters is not None:
            outcome = filtered(filters, outcome, request)
        paginator = pagination()
        found: Any = paginator.paginate_queryset(outcome, request)  # type: ignore[arg-type]  # paginators only read GET
        if rows is not None:
            found = rows(found)
        return paginator.get_paginated_response(represent_all(output, found, {"request": request}))

    return render
