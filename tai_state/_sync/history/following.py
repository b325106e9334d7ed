# Generated from tai_state/_async/history/following.py by .ci/generate_sync.py; do not edit.
"""Following a document: when it is time to look at it again."""
import logging
from collections.abc import Iterator

from tai_state._sync.access.access import Access
from tai_state._platform.iterators import ending
from tai_state._platform.tasks import sleep
from tai_state.documents import Capability, DocumentPath
from tai_state.errors import StoreClosedError

log = logging.getLogger("tai_state")

WATCH_SECONDS = 10.0
"""How long one watch lasts; behind it is looked anyway, so that a wake-up which was lost costs no more than this."""

POLL_SECONDS = 1.0
"""How often is looked where nobody wakes."""


def moments(access: Access, path: DocumentPath) -> Iterator[None]:
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
                with ending(watch) as wakes:
                    for _ in wakes:
                        yield
                continue
            except StoreClosedError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever ails a wake-up, looking goes on without it
                log.info("%s is looked at instead of watched: %s", path, error)
        yield
        sleep(POLL_SECONDS)
