"""Views of operations: the same answers as by DRF's own dispatch, and DRF's for views with steps of their own."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.callers import ANONYMOUS
from apps.common.exceptions import Conflict
from apps.common.http import fields, lean_view
from apps.common.http.operation import View, operation


class NoteOutput(serializers.Serializer[Any]):
    text = serializers.CharField()


class NoteInput(fields.Input):
    text = fields.TextField(max_length=5)


class NotesView(View, tag="notes"):
    @operation("notes_read", "Read", answers=NoteOutput)
    def get(self, request: Any, outcome: str = "") -> Any:
        errors = {"conflict": Conflict(), "denied": PermissionDenied(), "unknown": NotAuthenticated()}
        if outcome in errors:
            raise errors[outcome]
        return HttpResponse("raw") if outcome == "raw" else {"text": "hello"}

    @operation("notes_write", "Write", body=NoteInput, answers={201: NoteOutput})
    def post(self, request: Any, *, text: str) -> Any:
        return {"text": text}

    @operation("notes_end", "Delete")
    def delete(self, request: Any) -> None:
        """Deletes all."""


def answer(view: type[View], method: str, url: str = "/x/", admitted: bool = True, **sent: Any) -> Any:
    parameters = sent.pop("parameters", {})
    request: Any = RequestFactory().generic(method, url, **sent)
    if admitted:
        request.caller, request.zone = ANONYMOUS, type("Zone", (), {"challenge": "Bearer"})
    response = view.as_view()(request, **parameters)
    if isinstance(response, Response):
        response.render()
    return response.status_code, [*response.headers.items()], response.content


def steps_of_drf(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests that DRF's dispatch gets from now on."""
    seen: list[Any] = []
    original = APIView.dispatch

    def dispatch(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(request)
        return original(self, request, *args, **kwargs)

    monkeypatch.setattr(APIView, "dispatch", dispatch)
    return seen


JSON = {"content_type": "application/json"}
LEAN: tuple[dict[str, Any], ...] = (
    {"method": "GET"},
    {"method": "HEAD"},
    {"method": "DELETE"},
    {"method": "GET", "url": "/x/?other=1"},
    *(
        {"method": "GET", "parameters": {"outcome": name}}
        for name in ("conflict", "denied", "unknown", "raw")
    ),
    *(
        {"method": "POST", **JSON, "data": body}
        for body in ('{"text": "a"}', '{"text": "too long"}', "{", "", "[]")
    ),
    {"method": "POST", "data": "text=a", "content_type": "application/x-www-form-urlencoded"},
    {"method": "POST", "data": '{"text": "a"}', "content_type": "application/json; charset=latin-1"},
    {"method": "GET", "data": "{}", **JSON},
    *(
        {"method": "GET", "headers": {"Accept": accept}}
        for accept in ("application/json; indent=4", "text/html, */*;q=0.1", "application/*")
    ),
)
OTHERS: tuple[dict[str, Any], ...] = (
    {"method": "OPTIONS"},
    {"method": "PUT", **JSON, "data": "{}"},
    {"method": "TRACE"},
    {"method": "PROPFIND"},
    {"method": "DISPATCH"},
    {"method": "GET", "admitted": False},
    *({"method": "GET", "headers": {"Accept": accept}} for accept in ("text/html", "", "a" * 300 + ", */*")),
)  # fmt: skip


@pytest.mark.parametrize("call", [*LEAN, *OTHERS], ids=str)
def test_answers_are_those_of_drf(call: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = steps_of_drf(monkeypatch)
    lean = answer(NotesView, **call)
    assert bool(seen) is (call in OTHERS)
    monkeypatch.setattr(lean_view, "_is_plain", lambda _: False)
    assert answer(NotesView, **call) == lean


def test_an_unknown_error_is_raised() -> None:
    class Failing(NotesView):
        @operation("notes_fail", "Fail", answers=NoteOutput)
        def get(self, request: Any) -> Any:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answer(Failing, "GET")


class Never(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return False


class Stricter(NotesView):
    permission_classes = (Never,)


class WithStep(NotesView):
    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        raise Conflict


@pytest.mark.parametrize(("view", "status"), [(Stricter, 401), (WithStep, 409), (NotesView, 200)])
def test_a_view_with_a_step_of_its_own_takes_drfs_way(view: type[View], status: int) -> None:
    assert answer(view, "GET")[0] == status


def test_options_of_a_route_take_drfs_way() -> None:
    request: Any = RequestFactory().get("/x/")
    request.caller, request.zone = ANONYMOUS, type("Zone", (), {"challenge": "Bearer"})
    assert NotesView.as_view(permission_classes=[Never])(request).status_code == 401
