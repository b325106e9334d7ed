"""Pages: what a query says of them, and how one more item than a page holds tells that there is a next one."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar

from pydantic import Field

from tai_state import DamagedDocumentsError, DamagedStatesError
from tai_state.server.http.answers import Answer, told
from tai_state.server.http.calls import Call
from tai_state.server.http.routes import Query

T = TypeVar("T")


class Page(Query):
    """Which page of a list is wanted."""

    limit: int | None = Field(None, ge=1, description="How many at most; the next page is in Link.")


class After(Page):
    """Which page of a list of ids is wanted."""

    after: str | None = Field(None, description="Begin behind this id.")


def size_of(call: Call, page: Page) -> int:
    """Return how many items a page has."""
    limits = call.service.limits
    return limits.page if page.limit is None else min(page.limit, limits.page_most)


async def paged(
    call: Call,
    found: AsyncIterator[T],
    size: int,
    *,
    show: Callable[[T], Any],
    behind: Callable[[T], Mapping[str, Any]],
) -> Answer:
    """Return the answer with the first *size* of what was *found*, which is one more at most.

    Args:
        behind: Returns what the query of the next page says, from the last item of this one.
    """
    items, damaged = await readable(found)
    headers = {}
    if len(items) > size:
        del items[size:]
        headers = call.next_page(**behind(items[-1]))
    content: dict[str, Any] = {"items": [show(one) for one in items]}
    return told({**content, "damaged": damaged} if damaged else content, headers=headers)


async def readable(found: AsyncIterator[T]) -> tuple[list[T], list[str]]:
    """Return what can be read of a list, and the names of what cannot: one of them hides no other."""
    items: list[T] = []
    try:
        async for one in found:
            items.append(one)  # noqa: PERF401 - what came before the error counts
    except DamagedStatesError as error:
        return items, error.state_ids
    except DamagedDocumentsError as error:
        return items, error.paths
    return items, []
