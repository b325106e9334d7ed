"""The search for what has changed: by the update time of states, where the engine finds documents by it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from tai_state._async.access.access import PAGE
from tai_state._async.runtime import AsyncRuntime
from tai_state._platform.iterators import async_ending
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
class AsyncSearch:
    """Searches a store, in bounded memory."""

    runtime: AsyncRuntime
    page: int = PAGE

    async def pages(self, number: int, subscribed: Subscribed, start: datetime) -> AsyncIterator[Page]:
        """Iterate over the states of a shard that changed from *start* on, page by page, in the order of the changes.

        At least one page is given, the last of which may be empty.
        """
        query = changed_since(start, subscribed.governor_id)
        found: list[Found] = []
        last: datetime | None = None
        count = 0
        documents = self.runtime.access.query(query, page=self.page)
        async with async_ending(self.runtime.inflight.reading(documents, "subscription")) as reading:
            async for document in reading:
                last, count = document.update_time, count + 1
                one = found_in(document, last)
                if one is not None and is_in_shard(one, number, subscribed.shards):
                    found.append(one)
                if count == self.page:
                    yield Page(found, last, is_full=True)
                    found, last, count = [], None, 0
        yield Page(found, last, is_full=False)
