"""Pages: what a query says of them, and how one more item than a page holds tells that there is a next one."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar

import orjson
from pydantic import Field

from tai_state import DamagedDocumentsError, DamagedStatesError
from tai_state.server.http.answers import Answer, dumped, told
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

    It ends before that where there are more bytes than an answer may have; what comes behind is looked at all the same,
    since a list names what cannot be read of it at its end.

    Args:
        behind: Returns what the query of the next page says, from the last item of this one.
    """
    items: list[orjson.Fragment] = []
    damaged: list[str] = []
    headers: dict[str, str] = {}
    last: list[T] = []
    held, most = 0, call.service.limits.page_bytes
    try:
        async for one in found:
            if len(items) == size or held >= most:
                headers = headers or call.next_page(**behind(*last))
                continue
            # As bytes at once: a page of the largest states is not held as what Python makes of them.
            raw = dumped(show(one))
            held += len(raw)
            items.append(orjson.Fragment(raw))
            last[:] = [one]
    # One that cannot be read hides no other.
    except DamagedStatesError as error:
        damaged = error.state_ids
    except DamagedDocumentsError as error:
        damaged = error.paths
    content: dict[str, Any] = {"items": items}
    return told({**content, "damaged": damaged} if damaged else content, headers=headers)
