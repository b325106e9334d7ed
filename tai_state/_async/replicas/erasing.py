"""Erasures between two stores: what was erased in one is erased in the other, and nothing of it is sent.

1. The intent stands in the store before the version that knows of the erasure: whoever finds it ends it, as ever.
2. That version, a merge or events that are brought, holds nothing of what was there.
3. Then the values go, and the record says that it is finished.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from tai_state._async.recovery.erasure import AsyncEraser
from tai_state._async.replicas.side import AGAIN, AsyncSide
from tai_state.authors import Author
from tai_state.codec import EMPTY
from tai_state.documents import Document
from tai_state.errors import PreconditionFailedError
from tai_state.rules.recovery.erasure import Erasure, read_erasure
from tai_state.rules.replicas.standing import knows


@dataclass(frozen=True, slots=True)
class Erased:
    """That a state was erased in a store, and what its tombstone knows."""

    erasure: Erasure
    clock: Mapping[str, int]


async def async_erased(side: AsyncSide) -> Erased | None:
    """Return that the state was erased in a store; None where it never was, or nobody can tell any more."""
    document = await _async_found(side)
    if document is None:
        return None
    erasure = read_erasure(document, side.paths.governor_id)
    clock = await _eraser(side, erasure).clock(side.paths, erasure)
    return None if clock is None else Erased(erasure, clock)


async def async_intend(side: AsyncSide, erased: Erased, *, through: int) -> Erasure | None:
    """Write down that what a store has of the state is to be erased; None where it knows of that erasure already.

    Args:
        through: The last version of its line that does not know of it.
    """
    record = side.record
    if record is None or knows(record.causality, erased.clock):
        return None
    access = side.runtime.access
    deadline = access.begin(side.timeout)
    erasure = replace(
        erased.erasure,
        through=through,
        timestamp=access.clock.now(),
        audit_id=access.new_id(),
        is_finished=False,
        clock=erased.clock,
    )

    async def attempt() -> None:
        put = erasure.put(side.paths.erasure, await _async_found(side))
        await access.backend.commit([put], timeout=access.attempt_seconds(deadline))

    await access.retried(attempt, deadline, also=AGAIN, what="an erasure")
    return erasure


async def async_ended(side: AsyncSide, erased: Erased) -> None:
    """End an erasure that was begun in a store, by whomever, where its state knows of it: only its values are left."""
    record = side.record
    if not erased.erasure.is_finished and record is not None and knows(record.causality, erased.clock):
        await async_complete(side, erased.erasure)


async def async_complete(side: AsyncSide, erasure: Erasure) -> None:
    """End an erasure whose intent was written down."""
    await _eraser(side, erasure).complete(side.paths, erasure)


async def async_told(side: AsyncSide, erased: Erased) -> None:
    """Write down that a state was erased whose line came without any value."""
    access = side.runtime.access
    deadline = access.begin(side.timeout)
    put = replace(erased.erasure, clock=erased.clock, is_finished=True).put(side.paths.erasure, None)
    # Whoever was faster has said the same.
    with suppress(PreconditionFailedError):
        await access.backend.commit([put], timeout=access.attempt_seconds(deadline))


def _eraser(side: AsyncSide, erasure: Erasure) -> AsyncEraser:
    author = Author(erasure.changed_by, erasure.reason, EMPTY)
    return AsyncEraser(side.runtime.access, side.runtime.settings, author, side.timeout)


async def _async_found(side: AsyncSide) -> Document | None:
    access = side.runtime.access
    return (await access.read([side.paths.erasure], access.begin(side.timeout))).get(side.paths.erasure)
