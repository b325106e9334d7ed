"""Where a distributed transaction is easily wrong: sizes, clocks, stores that hang, and those who give up."""

import random
import time
from datetime import timedelta

import pytest

from tai_state import AsyncBackendStore, AsyncStateMachinePersister, RetryPolicy
from tai_state._async.api import distributed_phases
from tai_state._async.distributed.decisions import AsyncDecisions
from tai_state.authors import Author
from tai_state.codec import EMPTY, dump_fields
from tai_state.distributed import AsyncDistributedTransaction, async_settle
from tai_state.documents import Put
from tai_state.errors import (
    CommitAmbiguousError,
    ConfigurationError,
    CorruptLogError,
    DeadlineExceededError,
    DocumentTooLargeError,
    OutcomeUnknownError,
    StoreUnavailableError,
)
from tai_state.layout import META, state_layout
from tai_state.rules.distributed.records import Places, Verdict
from tai_state.testing import ManualClock
from tests._async.distributed.pair import (
    ITEM,
    ORDER,
    AsyncPair,
    async_begun,
    async_left,
    async_open_parts,
    async_order,
    async_outcome_of,
    transaction,
)
from tests._async.distributed.test_distributed_participants import AsyncOutbox, async_notified, notifying
from tests._async.stores import (
    NO_WAIT,
    AsyncCountingBackend,
    AsyncFaultyBackend,
    AsyncPlace,
    AsyncWrappedBackend,
    async_document_at,
    async_plant,
    in_memory,
)

ANN = Author("ann", "", EMPTY)


class AsyncNarrowBackend(AsyncWrappedBackend):
    """Takes commits of some kilobytes, and says so before."""

    MAX = 22_000

    async def check_size(self, writes):
        size = sum(len(dump_fields(write.fields)) for write in writes if isinstance(write, Put))
        if size > self.MAX:
            raise DocumentTooLargeError(size, self.MAX, "the commit")

    async def commit(self, writes, *, timeout):
        await self.check_size(writes)
        return await super().commit(writes, timeout=timeout)


@in_memory
async def test_what_was_only_read_counts_for_what_can_be_settled(pair):
    """Its mark is taken away in the same commit: what is too large with it is refused, before anything is begun."""
    orders, stock = pair.opened()
    await stock.save_state("shop", "read", {"text": "r" * 10_000})
    narrow = AsyncBackendStore(AsyncNarrowBackend(stock.runtime.access.backend), actor="tester")

    async def body(dtx):
        await dtx["stock"].get_state("shop", "read")
        await dtx["stock"].save_state(*ITEM, {"text": random.Random(7).randbytes(4_500).hex()})

    with pytest.raises(DocumentTooLargeError):
        await transaction(orders, narrow).run(body)
    assert await async_begun(orders) == await async_open_parts(stock) == []
    assert (await stock.get_state("shop", "read"))[0].prepared_by is None


@in_memory
async def test_a_large_change_that_settles_what_it_meets_is_made_small(pair):
    """As any other that is too large as it is."""
    await async_left(pair)
    orders, stock = pair.opened()
    narrow = AsyncBackendStore(AsyncNarrowBackend(stock.runtime.access.backend), actor="tester")
    (part,) = await async_open_parts(stock)
    coordinator = (await async_document_at(stock, part)).fields["coordinator_id"]
    narrow.runtime.coordinators[coordinator] = orders.runtime.access
    assert await narrow.save_state(*ITEM, {"text": "x" * 30_000}) == 2


@pytest.mark.parametrize("names", [["a", "b"], ["b", "a"]])
@in_memory
async def test_a_note_that_somebody_else_has_made_in_part_is_made_to_the_end(pair, names):
    """The reply to ours was lost, and one of its parts is told by another one: the rest is told all the same."""
    orders, _ = pair.opened(retry=NO_WAIT)
    access = orders.runtime.access
    decisions = AsyncDecisions(access, ANN)
    deadline = access.begin(None)
    began_at = await decisions.begin("t", {"a": "1", "b": "2"}, timedelta(seconds=30), deadline)
    await decisions.decide("t", Verdict.COMMIT, began_at, deadline)
    await decisions.note_settled("t", names[:1], Verdict.COMMIT, deadline)
    faulty = AsyncBackendStore(AsyncFaultyBackend(access.backend, ["request lost"]), retry=NO_WAIT, actor="tester")
    await AsyncDecisions(faulty.runtime.access, ANN).note_settled("t", names, Verdict.COMMIT, deadline)
    read = await access.read([Places("t").settled(name) for name in names], deadline)
    assert len(read.documents) == 2


class AsyncHangingBackend(AsyncWrappedBackend):
    """Cannot be reached any more once it has prepared its part."""

    is_prepared = False

    async def commit(self, writes, *, timeout):
        if self.is_prepared:
            message = "no answer"
            raise StoreUnavailableError(message)
        found = await super().commit(writes, timeout=timeout)
        self.is_prepared = any(write.path.collection == "prepared" for write in writes)
        return found


@in_memory
async def test_a_store_that_does_not_answer_keeps_no_other_one_waiting(pair, monkeypatch):
    """However long it is asked: each that answers has the changes when it is run."""
    monkeypatch.setattr(distributed_phases, "SETTLE_SECONDS", 0.3)
    orders, stock = pair.opened()
    hangs = AsyncBackendStore(AsyncHangingBackend(stock.runtime.access.backend), actor="tester")
    stores = {"stock": hangs, "orders": orders}
    policy = RetryPolicy(attempts=None, deadline=3.0)
    assert await AsyncDistributedTransaction(orders, stores, retry=policy).run(async_order, timeout=2.0) == 4
    assert (await orders.get_state(*ORDER))[1] == 1
    assert await async_settle(stock, coordinator=orders) == 1
    assert await async_outcome_of(*pair.opened())


@in_memory
async def test_what_cannot_be_read_keeps_nothing_back_from_being_recovered(pair):
    """Of two transactions that nobody prepared, the decision of one is damaged: the other one is ended."""
    orders, stock = pair.opened()
    both = transaction(orders, stock)
    await both.run(async_order)
    access = orders.runtime.access
    decisions = AsyncDecisions(access, ANN)
    parties = {name: store.runtime.writer.origin or "" for name, store in both.stores.items()}
    for name in ("a", "b"):
        await decisions.begin(name, parties, timedelta(microseconds=1), access.begin(None))
    await async_plant(orders, Places("a").decision, transaction_id="a", verdict=7)
    await both.recover()
    assert await both.outcome("b") is False
    told = await access.read([Places("b").settled(name) for name in both.stores], access.begin(None))
    assert len(told.documents) == 2


@in_memory
async def test_a_participant_that_cannot_be_asked_keeps_no_other_one_back(pair):
    """It is asked again the next time."""

    class AsyncDeaf(AsyncOutbox):
        async def recover(self):
            message = "no answer"
            raise OSError(message)

    orders, stock = pair.opened()
    outbox = AsyncOutbox()
    outbox.prepared["t"] = ["x"]
    access = orders.runtime.access
    await AsyncDecisions(access, ANN).begin("t", {"outbox": ""}, timedelta(microseconds=1), access.begin(None))
    participants = {"deaf": AsyncDeaf(), "outbox": outbox}
    both = AsyncDistributedTransaction(orders, {"orders": orders, "stock": stock}, participants=participants)
    assert await both.recover() == 1
    assert outbox.prepared == {}


async def test_many_that_were_begun_are_looked_at_together():
    """What is told of them is read in few requests, however many they are, and each look has a time of its own."""
    clock = ManualClock()
    pair = AsyncPair(AsyncPlace("memory"), AsyncPlace("memory"), "")
    orders, stock = pair.opened(clock=clock)
    await stock.save_state(*ITEM, {"n": 500})

    async def body(dtx):
        found, _ = await dtx["stock"].get_state(*ITEM)
        await dtx["stock"].save_state(*ITEM, {"n": found.data["n"] - 1})

    both = transaction(orders, stock)
    for _ in range(150):
        await both.run(body)

    class Slow(AsyncWrappedBackend):
        """Takes three seconds for each read."""

        reads = 0

        async def get_many(self, paths, *, timeout, consistent=True, at=None):
            self.reads += 1
            clock.advance(3.0)
            return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    slow = Slow(orders.runtime.access.backend)
    one = AsyncBackendStore(slow, clock=clock, actor="tester")
    assert await AsyncDistributedTransaction(one, {"orders": one, "stock": stock}).recover() == 0
    assert 0 < slow.reads <= 10
    counting = AsyncCountingBackend(orders.runtime.access.backend)
    clock.advance(timedelta(hours=25).total_seconds())
    gone = AsyncBackendStore(counting, clock=clock, actor="tester")
    report = await AsyncStateMachinePersister(gone).gc()
    assert await async_begun(orders) == []
    assert report.transactions >= 450
    calls = counting.taken()
    assert (calls.count("commit"), calls.count("get_many") <= 10, calls.count("scan") <= 20) == (150, True, True)


@in_memory
async def test_a_state_that_was_altered_is_not_written_over_because_it_was_read(pair):
    """Whoever looks for what became of it finds it as it is; nothing is begun."""
    orders, stock = pair.opened()
    path = state_layout(*ITEM).state
    await async_plant(stock, path, status="altered")
    before = await async_document_at(stock, path)

    async def body(dtx):
        await dtx["stock"].find_state(*ITEM)
        await dtx["orders"].save_state(*ORDER, {})

    with pytest.raises(CorruptLogError):
        await transaction(orders, stock).run(body)
    assert await async_document_at(stock, path) == before
    assert await async_begun(orders) == []


@in_memory
async def test_a_coordinator_that_is_a_copy_of_one_of_the_stores_is_refused(pair):
    """It has its id: whoever settles would look for the decision where it is not."""
    orders, stock = pair.opened()
    await orders.save_state("shop", "other", {})
    meta = await async_document_at(orders, META)
    await async_plant(stock, META, **meta.fields)
    orders, stock = pair.opened()
    with pytest.raises(ConfigurationError, match="copy"):
        await AsyncDistributedTransaction(orders, {"stock": stock}).run(async_order)


@in_memory
async def test_those_who_listen_are_told_when_it_was_committed(pair):
    """By the store's clock, as of any other change."""
    clock = ManualClock()
    await async_left(pair, behind=True)
    orders, stock = pair.opened()
    late = AsyncBackendStore(stock.runtime.access.backend, actor="tester", clock=clock)
    told = []
    listener = late.on_change(lambda event: told.append(event.committed_at))
    assert await async_settle(late, coordinator=orders) == 1
    await listener.close(5.0)
    (event,) = [one async for one in stock.get_events(*ITEM, after=1)]
    assert told == [event.committed_at]


@in_memory
async def test_a_body_that_is_interrupted_leaves_nothing_with_a_participant(pair):
    """What was written under the id of that attempt is dropped, whatever ends it."""
    orders, stock = pair.opened()
    outbox = AsyncOutbox()

    async def body(dtx):
        await async_notified(dtx)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await notifying(orders, stock, outbox).run(body)
    assert (outbox.sent, outbox.prepared, outbox.drafts) == ([], {}, {})


class AsyncDoubtfulBackend(AsyncWrappedBackend):
    """Gives no reply to a decision to commit, which arrives, or does not."""

    def __init__(self, inner, *, arrives):
        super().__init__(inner)
        self._arrives = arrives

    async def commit(self, writes, *, timeout):
        decisions = [write for write in writes if write.path.id == "decision" and isinstance(write, Put)]
        if not decisions or decisions[0].fields["verdict"] != "commit":
            return await super().commit(writes, timeout=timeout)
        if self._arrives:
            self._arrives = False
            await super().commit(writes, timeout=timeout)
        message = "no reply"
        raise CommitAmbiguousError(message)


@in_memory
@pytest.mark.parametrize("arrives", [True, False])
async def test_a_coordinator_in_doubt_decides_against_itself_and_knows(pair, arrives):
    """It is told how it was decided, and nobody waits for the end of the lease."""
    orders, stock = pair.opened()
    doubtful = AsyncDoubtfulBackend(orders.runtime.access.backend, arrives=arrives)
    policy = RetryPolicy(attempts=None, wait_initial=0.01, wait_max=0.05, deadline=3.0)
    both = transaction(AsyncBackendStore(doubtful, actor="tester", retry=policy), stock)
    if arrives:
        assert await both.run(async_order, timeout=1.0) == 4
    else:
        with pytest.raises(DeadlineExceededError, match="nothing was written"):
            await both.run(async_order, timeout=1.0)
    assert await async_outcome_of(*pair.opened()) is arrives


@in_memory
async def test_a_coordinator_that_cannot_be_asked_leaves_it_in_doubt(pair, monkeypatch):
    """Whoever comes past the lease settles it."""
    monkeypatch.setattr(distributed_phases, "SETTLE_SECONDS", 0.3)
    orders, stock = pair.opened()

    class Gone(AsyncWrappedBackend):
        """Takes no decision at all."""

        async def commit(self, writes, *, timeout):
            if any(write.path.id == "decision" for write in writes):
                message = "no reply"
                raise CommitAmbiguousError(message)
            return await super().commit(writes, timeout=timeout)

    policy = RetryPolicy(attempts=None, wait_initial=0.01, wait_max=0.05, deadline=3.0)
    gone = AsyncBackendStore(Gone(orders.runtime.access.backend), actor="tester", retry=policy)
    with pytest.raises(OutcomeUnknownError):
        await transaction(gone, stock, lease=timedelta(seconds=1.5)).run(async_order, timeout=1.0)
    ended = time.monotonic() + 30.0
    while not await async_settle(stock, coordinator=orders):
        assert time.monotonic() < ended
    await async_settle(orders)
    assert not await async_outcome_of(*pair.opened())
