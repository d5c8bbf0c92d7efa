"""Lists that come in pages, as one sequence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit

_Item = TypeVar("_Item")
_Item_co = TypeVar("_Item_co", covariant=True)
_PLACES = ("page", "after", "before")

Direction = Literal["next", "previous"]


class Page(Protocol[_Item_co]):
    """One page of a list, as the models of this package have it."""

    @property
    def results(self) -> Sequence[_Item_co]:
        """The items."""

    @property
    def next_(self) -> str | None:
        """Where the next page is."""

    @property
    def previous(self) -> str | None:
        """Where the page before is."""


def paginate(
    fetch_page: Callable[..., Page[_Item]], /, *path: Any, direction: Direction = "next", **arguments: Any
) -> Iterator[_Item]:
    """All items of a list, page after page, each fetched when it is needed: `paginate(rooms_list.sync, client=client)`.

    `path` and `arguments` are those of `fetch_page`. "previous" walks back, as one does from the newest messages.
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
    """The same from asyncio: `apaginate(rooms_list.asyncio, client=client)`."""
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
    given = parse_qs(urlsplit(link).query)
    start: dict[str, Any] = {name: int(given[name][0]) for name in _PLACES if name in given}
    if "cursor" in given:
        start["cursor"] = given["cursor"][0]
    return start
