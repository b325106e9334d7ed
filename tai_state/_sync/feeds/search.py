# Generated from tai_state/_async/feeds/search.py by .ci/generate_sync.py; do not edit.
"""The search for what has changed: by the update time of states, where the engine finds documents by it."""
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tai_state._sync.access.access import PAGE
from tai_state._sync.runtime import Runtime
from tai_state._platform.iterators import ending
from tai_state.rules.feeds.discovery import Found, changed_since, found_in, is_in_shard
from tai_state.rules.feeds.positions import Subscribed


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what changed, in the order in which it is found.

    Attributes:
        found: The states of the shard.
        last: When the last of the page changed, of whatever shard; None: there was nothing.
        is_full: Whether there may be more behind it.
    """

    found: list[Found]
    last: datetime | None
    is_full: bool


@dataclass(frozen=True, slots=True)
class Search:
    """Searches a store, in bounded memory."""

    runtime: Runtime
    page: int = PAGE

    def pages(self, number: int, subscribed: Subscribed, start: datetime) -> Iterator[Page]:
        """Iterate over the states of a shard that changed from *start* on, page by page, in the order of the changes.

        At least one page is given, the last of which may be empty.
        """
        query = changed_since(start, subscribed.governor_id)
        found: list[Found] = []
        last: datetime | None = None
        count = 0
        documents = self.runtime.access.query(query, page=self.page)
        with ending(self.runtime.inflight.reading(documents, "subscription")) as reading:
            for document in reading:
                last, count = document.update_time, count + 1
                one = found_in(document, last)
                if one is not None and is_in_shard(one, number, subscribed.shards):
                    found.append(one)
                if count == self.page:
                    yield Page(found, last, is_full=True)
                    found, last, count = [], None, 0
        yield Page(found, last, is_full=False)
