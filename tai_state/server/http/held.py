"""Pages of locks: those that are free stay in the store for good, so that a page looks at so many and no more."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tai_state import AsyncLockManager, DamagedDocumentsError, LockInfo

LOOKED_AT_MAX = 1_000
"""How many locks one page looks at, where few of them are wanted."""

AT_ONCE = 300


@dataclass(slots=True)
class LocksPage:
    """A page of locks.

    Attributes:
        behind: Behind which resource the next page begins; None: there is none.
        damaged: The paths of those that cannot be read.
    """

    items: list[LockInfo] = field(default_factory=list)
    behind: str | None = None
    damaged: list[str] = field(default_factory=list)


async def locks_page(
    locks: AsyncLockManager,
    after: str | None,
    size: int,
    is_wanted: Callable[[LockInfo], bool],
    *,
    timeout: float,
) -> LocksPage:
    """Return the first *size* locks behind *after* that are wanted, or fewer where many others stand before them."""
    page, last, looked_at = LocksPage(), after, 0
    while looked_at < LOOKED_AT_MAX:
        count = min(LOOKED_AT_MAX - looked_at, AT_ONCE, size + 1)
        read: list[LockInfo] = []
        try:
            async for lock in locks.list(after=last, limit=count, timeout=timeout):
                read.append(lock)  # noqa: PERF401 - what came before the error counts
        except DamagedDocumentsError as error:
            page.damaged += error.paths
        for lock in read:
            if is_wanted(lock):
                if len(page.items) == size:
                    page.behind = page.items[-1].resource
                    return page
                page.items.append(lock)
        if len(read) < count:
            return page
        last, looked_at = read[-1].resource, looked_at + count
    page.behind = last
    return page
