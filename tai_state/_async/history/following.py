"""Following a document: when it is time to look at it again."""

import logging
from collections.abc import AsyncIterator

from tai_state._async.access.access import AsyncAccess
from tai_state._platform.iterators import async_ending
from tai_state._platform.tasks import async_sleep
from tai_state.documents import Capability, DocumentPath
from tai_state.errors import StoreClosedError

log = logging.getLogger("tai_state")

WATCH_SECONDS = 10.0
"""How long one watch lasts; behind it is looked anyway, so that a wake-up which was lost costs no more than this."""

POLL_SECONDS = 1.0
"""How often is looked where nobody wakes."""


async def async_moments(access: AsyncAccess, path: DocumentPath) -> AsyncIterator[None]:
    """Yield when it is time to look, without end: at once, and soon after each change of the document at *path*.

    By the backend's watch, where it has one; else, and while the watch fails, now and then. A wake-up, no more: changes
    may be merged, and a spurious one may come. What was looked for behind a wake-up, and not found, is told by a later
    one.

    Raises:
        StoreClosedError: The backend was closed.
    """
    while True:
        if Capability.WATCH in access.backend.capabilities:
            watch = access.backend.watch(path, timeout=WATCH_SECONDS)
            try:
                # It begins with a wake-up: what changed since the last look is seen then.
                async with async_ending(watch) as wakes:
                    async for _ in wakes:
                        yield
                continue
            except StoreClosedError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever ails a wake-up, looking goes on without it
                log.info("%s is looked at instead of watched: %s", path, error)
        yield
        await async_sleep(POLL_SECONDS)
