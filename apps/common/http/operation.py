"""One declaration for each method of a view: what it takes, what it answers, how it fails.

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

The declaration validates body and query, hands their values to the method as keyword arguments, renders what the method
returns, and is what the schema is made of (`apps.api.openapi.schema`). All that can be decided when the module is
imported is decided then; a method that does not take the fields of its declaration is refused there.
A view may still be plain DRF or Django: the zone's guard asks for no declaration.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar, Final, get_args

from django.http import HttpRequest, HttpResponseBase
from django_filters import FilterSet
from django_filters.utils import translate_validation
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.callers import Caller
from apps.common.exceptions import DomainError, InvalidInput
from apps.common.http.fields import Input, unknown
from apps.common.http.pagination import KeysetPagination

Output = type[serializers.BaseSerializer[Any]]
_Method = Callable[..., Any]
_Render = Callable[["ApiRequest", Any], HttpResponseBase]
_WITH_BODY: Final = ("post", "put", "patch", "delete")
_METHODS: Final = ("get", *_WITH_BODY)
DONE: Final = {204: "Done."}


class ApiRequest(HttpRequest):
    """Django's request as a view gets it behind a zone's guard. For annotations only."""

    caller: Caller


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and its value, where the value alone does not say which of several statuses it is."""

    status: int
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a method declares; the schema reads it.

    `answers` has a response and a description for each status, or for a pair of status and media type. `path` are the
    parameters that the route has to bring.
    """

    id: str
    summary: str
    description: str
    path: frozenset[str]
    body: type[Input] | None
    query: type[Input] | None
    partial: bool
    answers: Mapping[Any, tuple[Any, str]]
    filters: type[FilterSet] | None
    pagination: type[BasePagination]
    parameters: Sequence[OpenApiParameter]


class View(APIView):
    """The base of views whose methods are operations; `tag` is the heading that the documentation lists them under.

    Raises TypeError, when a subclass is made, for one without a tag, and for a method that is no operation.
    """

    tag: ClassVar[str] = ""

    def __init_subclass__(cls, *, tag: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.tag = tag or cls.tag
        if not cls.tag:
            raise TypeError(f"{cls.__qualname__}: give its operations a heading, tag=….")
        for name in _METHODS:
            if name in vars(cls) and not hasattr(vars(cls)[name], "operation"):
                raise TypeError(f"{cls.__qualname__}.{name} is no operation: declare it with @operation.")


def operation(
    id: str,
    summary: str,
    *,
    body: type[Input] | None = None,
    query: type[Input] | None = None,
    partial: bool = False,
    answers: Mapping[Any, Any] | Output | None = None,
    page: Output | None = None,
    rows: Callable[[Any], Sequence[Any]] | None = None,
    filters: type[FilterSet] | None = None,
    pagination: type[BasePagination] = KeysetPagination,
    failures: Collection[type[DomainError]] = (),
    parameters: Sequence[OpenApiParameter] = (),
) -> Callable[[_Method], Callable[..., HttpResponseBase]]:
    """Declare a method of a `View`; its docstring is the description.

    The method takes the request, the parameters of its route, and, as keyword-only arguments, every field of `body` and
    `query` by the name that its serializer gives the value (`source`, where there is one). Fields that callers may leave
    out need a default. `**changes: Unpack[SomeTypedDict]` takes all of them together.

    Args:
        partial: All fields of the body may be left out.
        answers: By status, an output serializer; a text, which describes an answer without content; or both as a pair.
            An output alone is a 200; without any, the answer is an empty 204. The method returns the object for the
            first output, None for the answer without content, an `Answer` for any other status. What else is documented
            here (by status and media type, or as a schema) the method answers with an `HttpResponse`, which passes as
            it is.
        page: The output of one row of a list. The method returns a QuerySet; `filters` and `pagination` are applied.
        rows: Makes values for `page` out of the rows of one page.
        failures: The domain failures that the documentation lists.
        parameters: Documents what the method reads from the request by itself.

    Raises:
        TypeError: when the method is declared: it does not fit.
    """

    def declare(method: _Method) -> Callable[..., HttpResponseBase]:
        name, where = method.__name__, f"{method.__module__}.{method.__qualname__}"
        if name not in _METHODS or (body is not None and name not in _WITH_BODY):
            raise TypeError(
                f"{where}: {name.upper()} takes no {'body' if name in _METHODS else 'operation'}."
            )
        declared = {200: page(many=True)} if page is not None else answers if answers is not None else DONE
        said = {
            status: _said(answer)
            for status, answer in (declared if isinstance(declared, Mapping) else {200: declared}).items()
        }
        render = (
            _page_renderer(page, rows, filters, pagination)
            if page is not None
            else _renderer(where, {status: response for status, (response, _) in said.items()})
        )
        path = _require_match(where, method, [*_fields(query), *_fields(body, partial=partial)])
        known = _query_names(query, filters, pagination if page is not None else None, parameters)

        @wraps(method)
        def handle(view: View, request: Request, **kwargs: Any) -> HttpResponseBase:
            http: ApiRequest = request._request  # type: ignore[assignment]
            if http.META.get("QUERY_STRING"):
                refused = unknown(http.GET, known, detail="There is no such parameter.")
                if refused:
                    raise InvalidInput(errors=refused)
            if query is not None:
                kwargs |= _validated(query(data=http.GET, context={"request": http, "is_query": True}))
            if body is not None:
                kwargs |= _validated(body(data=request.data, partial=partial, context={"request": http}))
            return render(http, method(view, http, **kwargs))

        handle.operation = Operation(  # type: ignore[attr-defined]
            id=id,
            summary=summary,
            description=inspect.cleandoc(method.__doc__ or ""),
            path=path,
            body=body,
            query=query,
            partial=partial,
            answers=said,
            filters=filters,
            pagination=pagination,
            parameters=parameters,
        )
        handle.raises = tuple(failures)  # type: ignore[attr-defined]
        return handle

    return declare


def _said(answer: Any) -> tuple[Any, str]:
    if isinstance(answer, str):
        return None, answer
    return answer if isinstance(answer, tuple) else (answer, "")


def _fields(serializer: type[Input] | None, *, partial: bool = False) -> Iterator[tuple[str, bool]]:
    """The names of the values that a serializer hands on, and whether each may be missing."""
    if serializer is None:
        return
    if not issubclass(serializer, Input):
        raise TypeError(f"{serializer.__qualname__} reads a request: make it a subclass of fields.Input.")
    for field in serializer().fields.values():
        yield field.source or "", partial or (not field.required and field.default is empty)


def _query_names(
    query: type[Input] | None,
    filters: type[FilterSet] | None,
    pagination: type[BasePagination] | None,
    parameters: Sequence[OpenApiParameter],
) -> frozenset[str]:
    """The parameters that an operation reads from its query."""
    paging = pagination().get_schema_operation_parameters(None) if pagination is not None else ()  # type: ignore[arg-type]
    return frozenset(
        [
            *(query().fields if query is not None else ()),
            *(filters.base_filters if filters is not None else ()),
            *(parameter["name"] for parameter in paging),
            *(parameter.name for parameter in parameters if parameter.location == OpenApiParameter.QUERY),
        ]
    )


def _require_match(where: str, method: _Method, fields: list[tuple[str, bool]]) -> frozenset[str]:
    """The method's parameters that come from the path. Raises TypeError unless the others are the fields."""
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
        *(f"'{name}' is no field of the input" for name in taken.keys() - set(names)),
        *(f"'{name}' is in the body and in the query" for name in set(names) if names.count(name) > 1),
        *(
            f"'{name}' may be left out and has no default"
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


def _renderer(where: str, responses: Mapping[Any, Any]) -> _Render:
    """Renders a value by the output of its status."""
    outputs: dict[Any, Output | None] = {
        status: response
        for status, response in responses.items()
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
        return Response(output(value, context={"request": request}).data, status=status)

    return render


def _page_renderer(
    output: Output,
    rows: Callable[[Any], Sequence[Any]] | None,
    filters: type[FilterSet] | None,
    pagination: type[BasePagination],
) -> _Render:
    """Renders the page of a QuerySet that a request asks for."""

    def render(request: ApiRequest, outcome: Any) -> HttpResponseBase:
        if isinstance(outcome, HttpResponseBase):
            return outcome
        if filters is not None:
            filterset = filters(data=request.GET, queryset=outcome, request=request)
            if not filterset.is_valid():
                raise translate_validation(filterset.errors)
            outcome = filterset.qs
        paginator = pagination()
        found: Any = paginator.paginate_queryset(outcome, request)  # type: ignore[arg-type]  # they read GET alone
        if rows is not None:
            found = rows(found)
        return paginator.get_paginated_response(output(found, many=True, context={"request": request}).data)

    return render
