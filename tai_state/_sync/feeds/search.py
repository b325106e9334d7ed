# Generated from tai_state/_async/feeds/search.py by .ci/generate_sync.py; do not edit.
"""The search for what has changed: by the update time of states, where the engine finds them by it, or their stamp."""
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tai_state._sync.access.access import PAGE
from tai_state._sync.commits.feeding import discovery
from tai_state._sync.runtime import Runtime
from tai_state._platform.iterators import ending
from tai_state.documents import Document, Query
from tai_state.rules.feeds.discovery import Found, found_in, is_in_shard
from tai_state.rules.feeds.positions import Subscribed
from tai_state.rules.records.feeding import Discovery


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
        discovery = self.discovery()
        found: list[Found] = []
        last: datetime | None = None
        count = 0
        queries = discovery.queries(start, subscribed.governor_id)
        documents = self._merged(list(queries), discovery.field)
        with ending(self.runtime.inflight.reading(documents, "subscription")) as reading:
            for document in reading:
                moment = document.value_of(discovery.field)
                last, count = moment, count + 1
                one = found_in(document, moment)
                is_wanted = one is not None and subscribed.governor_id in {None, one.paths.governor_id}
                if one is not None and is_wanted and is_in_shard(one, number, subscribed.shards):
                    found.append(one)
                if count == self.page:
                    yield Page(found, last, is_full=True)
                    found, last, count = [], None, 0
        yield Page(found, last, is_full=False)

    def discovery(self) -> Discovery:
        """Return where it looks.

        Raises:
            ConfigurationError: The store does not feed.
        """
        runtime = self.runtime
        return discovery(runtime.access, runtime.writer.feed, runtime.settings.encoding)

    def _merged(self, queries: Sequence[Query], field: str) -> Iterator[Document]:
        """Iterate over what several queries find, each in the order of a field, in that order; equal ones in theirs."""
        query, *others = queries
        with ending(self.runtime.access.query(query, page=self.page)) as own:
            if not others:
                for document in own:
                    yield document
                return
            with ending(self._merged(others, field)) as rest:
                mine, theirs = next(own, None), next(rest, None)
                while mine is not None or theirs is not None:
                    if mine is not None and (theirs is None or mine.value_of(field) <= theirs.value_of(field)):
                        yield mine
                        mine = next(own, None)
                    elif theirs is not None:
                        yield theirs
                        theirs = next(rest, None)
