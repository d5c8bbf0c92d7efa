"""How a view tells its documentation which domain failures it answers with. Changes nothing about the view itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from apps.common.exceptions import DomainError

_View = TypeVar("_View", bound=Callable[..., Any])


def raises(*failures: type[DomainError]) -> Callable[[_View], _View]:
    """Mark a view's method, or an authenticator: the schema lists these failures' codes below their statuses.

    ::

        @raises(exceptions.EmailTaken)
        def post(self, request): ...
    """

    def mark(view: _View) -> _View:
        view.raises = failures  # type: ignore[attr-defined]
        return view

    return mark
