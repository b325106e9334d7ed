"""Documents that go away by themselves: receipts, records of transactions and waits, once they count no more.

Firestore removes them by a TTL policy of its own. The engines that have none do it beside their commits: now and then,
a bounded number at a time, and only what is over by the store's own clock.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from heapq import heappop, heappush

from tai_state.documents import DocumentPath, Value
from tai_state.lifetimes import lifetime

COMMITS_BETWEEN = 1_000
"""How many commits of a process lie between two removals, where one is enough."""

COMMITS_BETWEEN_PARTS = 25
"""How many lie between two where the one before left something: it took as much as one may."""

DOCUMENTS_MAX = 2_000
"""How many documents one removal takes at most."""

BYTES_MAX = 4 * 1_048_576
"""How many bytes of JSON one removal looks at, about."""


class Expiring:
    """Which documents of an engine in memory have a lifetime, those first that end first."""

    def __init__(self) -> None:
        """Know none."""
        self._ends: list[tuple[datetime, DocumentPath]] = []
        self._commits_left = COMMITS_BETWEEN

    def note(self, path: DocumentPath, fields: Mapping[str, Value], update_time: datetime) -> None:
        """Remember that a document was written; what stays is not."""
        lasting = lifetime(fields)
        ends = lasting.ends(update_time) if lasting is not None else None
        if ends is not None:
            heappush(self._ends, (ends, path))

    def due(self, now: datetime) -> Iterator[DocumentPath]:
        """Yield, after each so many commits, the documents whose time seems to be over, some of them at most.

        One that was written again meanwhile is noted a second time, so that whoever removes it looks at it first.
        """
        self._commits_left -= 1
        if self._commits_left > 0:
            return
        self._commits_left = COMMITS_BETWEEN
        for _ in range(DOCUMENTS_MAX):
            if not self._ends or self._ends[0][0] >= now:
                return
            yield heappop(self._ends)[1]
        self._commits_left = COMMITS_BETWEEN_PARTS
