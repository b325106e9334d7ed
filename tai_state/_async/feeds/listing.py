"""The subscriptions of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tai_state import models
from tai_state._async.api.store import AsyncStateStore
from tai_state._async.feeds.book import AsyncBook
from tai_state._platform.iterators import async_ending
from tai_state.config import check_kind
from tai_state.errors import SchemaVersionError, StoreError
from tai_state.layout import SUBSCRIPTIONS
from tai_state.rules.feeds.positions import (
    ShardPosition,
    SubscriptionLayout,
    read_shard,
    read_subscribed,
)
from tai_state.rules.locking.owners import RESERVED
from tai_state.rules.records.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tai_state.clock import TimeLimit
    from tai_state.models import SubscriptionInfo
    from tai_state.rules.feeds.positions import Subscribed


async def async_subscriptions(store: AsyncStateStore, *, timeout: TimeLimit = None) -> AsyncIterator[SubscriptionInfo]:
    """Iterate over the subscriptions of *store* that have begun, ascending by stored name.

    ``timeout`` bounds each page. Documents that are damaged or somebody else's are passed over, and named at the end.

    Raises:
        ConfigurationError: *store* is none, or one of the other colour.
        DamagedDocumentsError: Behind the last subscription: some could not be read.
    """
    check_kind(store, AsyncStateStore, "the store of subscriptions")
    unreadable = Unreadable()
    found = store.runtime.access.scan(SUBSCRIPTIONS, timeout=timeout)
    async with async_ending(store.runtime.inflight.reading(found, "subscription")) as documents:
        async for document in documents:
            try:
                subscribed = read_subscribed(document)
                if subscribed.name.startswith(RESERVED):
                    continue  # the package's own, which numbers events
                shown = await _async_shown(store, subscribed, timeout)
            except (StoreError, SchemaVersionError) as error:
                unreadable.add(error, document)
            else:
                yield shown
    unreadable.tell()


async def _async_shown(store: AsyncStateStore, subscribed: Subscribed, timeout: TimeLimit) -> SubscriptionInfo:
    book = AsyncBook(store.runtime, SubscriptionLayout(subscribed.name))
    read = await book.read([book.layout.shard(number) for number in range(subscribed.shards)], timeout)
    stored = [read_shard(document) for document in read.documents.values()]
    shards = [shard for shard in stored if shard.epoch == subscribed.epoch]
    shards += [ShardPosition(epoch=subscribed.epoch)] * (subscribed.shards - len(shards))
    reached = [shard.reached for shard in shards]
    known = [moment for moment in reached if moment is not None]
    return models.SubscriptionInfo(
        name=subscribed.name,
        delivery=subscribed.delivery,
        governor_id=subscribed.governor_id,
        shards=subscribed.shards,
        since=subscribed.since,
        reached=min(known) if len(known) == len(reached) else None,
        pending=sum(len(shard.pending) for shard in shards),
    )
