"""Pages of a list as one sequence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit

_Item = TypeVar("_Item")
_Item_co = TypeVar("_Item_co", covariant=True)
_POSITIONS = ("page", "after", "before")

Direction = Literal["next", "previous"]


class Page(Protocol[_Item_co]):
    """One page of a list. The generated models match it."""

    @property
    def results(self) -> Sequence[_Item_co]:
        """The items."""

    @property
    def next_(self) -> str | None:
        """The address of the next page."""

    @property
    def previous(self) -> str | None:
        """The address of the previous page."""


def paginate(
    fetch_page: Callable[..., Page[_Item]], /, *path: Any, direction: Direction = "next", **arguments: Any
) -> Iterator[_Item]:
    """Every item of a list: `paginate(users_list.sync, client=client)`. Pages are fetched when they are needed.

    `path` and `arguments` are passed to `fetch_page`. "previous" goes backwards, for example from the newest item.
    """
    start: dict[str, Any] | None = {}
    while start is not None:
        page = fetch_page(*path, **(arguments | start))
        yield from page.results if direction == "next" else reversed(page.results)
        start = _start_of(page, direction)


async def apaginate(
    fetch_page: Callable[..., Awaitable[Page[_Item]]],
    /,
    *path: Any,
    direction: Direction = "next",
    **arguments: Any,
) -> AsyncIterator[_Item]:
    """Like `paginate`, from asyncio: `apaginate(users_list.asyncio, client=client)`."""
    start: dict[str, Any] | None = {}
    while start is not None:
        page = await fetch_page(*path, **(arguments | start))
        for item in page.results if direction == "next" else reversed(page.results):
            yield item
        start = _start_of(page, direction)


def _start_of(page: Page[Any], direction: Direction) -> dict[str, Any] | None:
    link = page.next_ if direction == "next" else page.previous
    if link is None:
        return None
    query = parse_qs(urlsplit(link).query)
    start: dict[str, Any] = {name: int(query[name][0]) for name in _POSITIONS if name in query}
    if "cursor" in query:
        start["cursor"] = query["cursor"][0]
    return start
