"""Lists on pages: so many items, whether there are more, and what could not be read among them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from tai_state import (
    DamagedDocumentsError,
    DamagedStatesError,
    Event,
    HistoryTrimmedError,
    ReplayError,
    StoreError,
    StoreUnavailableError,
)
from tai_state.server.console.visit import Visit

T = TypeVar("T")


@dataclass(slots=True)
class Listed(Generic[T]):
    """A page of a list.

    Attributes:
        is_more: Whether others come behind these.
        damage: What is wrong with those that could not be read; the others are shown all the same.
        damaged: The ids of the states that could not be read; their own pages tell what is left of them.
        hole: Of events: the version that cannot be read; the newest one, where several cannot.
    """

    items: list[T] = field(default_factory=list)
    is_more: bool = False
    damage: str = ""
    damaged: list[str] = field(default_factory=list)
    hole: int | None = None


async def listed(found: AsyncIterator[T], size: int) -> Listed[T]:
    """Return the first *size* of what is *found*, which is one more at most: what a list reads is told at its end.

    Raises:
        StoreUnavailableError: The store does not answer.
    """
    page = Listed[T]()
    try:
        async for one in found:
            page.items.append(one)
    except StoreUnavailableError:
        raise
    except (ReplayError, DamagedDocumentsError, StoreError) as error:
        page.damage = str(error)
        page.damaged = error.state_ids if isinstance(error, DamagedStatesError) else []
        page.hole = error.trimmed_through if isinstance(error, HistoryTrimmedError) else getattr(error, "version", None)
    page.is_more = len(page.items) > size
    del page.items[size:]
    return page


async def timeline(
    visit: Visit, governor: str, state: str, size: int, *, until: int | None = None
) -> Listed[Event[Any]]:
    """Return the newest *size* events of a state up to *until*; where one cannot be read, those that are above it."""

    def found(after: int) -> AsyncIterator[Event[Any]]:
        return visit.store.get_events(
            governor, state, after=after, until=until, limit=size + 1, descending=True, timeout=visit.seconds
        )

    whole = await listed(found(0), size)
    if whole.hole is None:
        return whole
    # What does not follow may be sound itself.
    above = await listed(found(whole.hole - 1), size)
    if above.damage:
        above = await listed(found(whole.hole), size)
    above.damage, above.hole = whole.damage, whole.hole
    return above
