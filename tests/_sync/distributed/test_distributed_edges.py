# Generated from tests/_async/distributed/test_distributed_edges.py by .ci/generate_sync.py; do not edit.
"""Where a distributed transaction is easily wrong: sizes, clocks, stores that hang, and those who give up."""
import random
import time
from datetime import timedelta

import pytest

from tai_state import BackendStore, StateMachinePersister, RetryPolicy
from tai_state._sync.api import distributed_phases
from tai_state._sync.distributed.decisions import Decisions
from tai_state.authors import Author
from tai_state.codec import EMPTY, dump_fields
from tai_state.distributed import DistributedTransaction, settle
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
from tests._sync.distributed.pair import (
    ITEM,
    ORDER,
    Pair,
    begun,
    left,
    open_parts,
    order,
    outcome_of,
    transaction,
)
from tests._sync.distributed.test_distributed_participants import Outbox, notified, notifying
from tests._sync.stores import (
    NO_WAIT,
    CountingBackend,
    FaultyBackend,
    Place,
    WrappedBackend,
    document_at,
    plant,
    in_memory,
)

ANN = Author("ann", "", EMPTY)


class NarrowBackend(WrappedBackend):
    """Takes commits of some kilobytes, and says so before."""

    MAX = 22_000

    def check_size(self, writes):
        size = sum(len(dump_fields(write.fields)) for write in writes if isinstance(write, Put))
        if size > self.MAX:
            raise DocumentTooLargeError(size, self.MAX, "the commit")

    def commit(self, writes, *, timeout):
        self.check_size(writes)
        return super().commit(writes, timeout=timeout)


@in_memory
def test_what_was_only_read_counts_for_what_can_be_settled(pair):
    """Its mark is taken away in the same commit: what is too large with it is refused, before anything is begun."""
    orders, stock = pair.opened()
    stock.save_state("shop", "read", {"text": "r" * 10_000})
    narrow = BackendStore(NarrowBackend(stock.runtime.access.backend), actor="tester")

    def body(dtx):
        dtx["stock"].get_state("shop", "read")
        dtx["stock"].save_state(*ITEM, {"text": random.Random(7).randbytes(4_500).hex()})

    with pytest.raises(DocumentTooLargeError):
        transaction(orders, narrow).run(body)
    assert begun(orders) == open_parts(stock) == []
    assert (stock.get_state("shop", "read"))[0].prepared_by is None


@in_memory
def test_a_large_change_that_settles_what_it_meets_is_made_small(pair):
    """As any other that is too large as it is."""
    left(pair)
    orders, stock = pair.opened()
    narrow = BackendStore(NarrowBackend(stock.runtime.access.backend), actor="tester")
    (part,) = open_parts(stock)
    coordinator = (document_at(stock, part)).fields["coordinator_id"]
    narrow.runtime.coordinators[coordinator] = orders.runtime.access
    assert narrow.save_state(*ITEM, {"text": "x" * 30_000}) == 2


@pytest.mark.parametrize("names", [["a", "b"], ["b", "a"]])
@in_memory
def test_a_note_that_somebody_else_has_made_in_part_is_made_to_the_end(pair, names):
    """The reply to ours was lost, and one of its parts is told by another one: the rest is told all the same."""
    orders, _ = pair.opened(retry=NO_WAIT)
    access = orders.runtime.access
    decisions = Decisions(access, ANN)
    deadline = access.begin(None)
    began_at = decisions.begin("t", {"a": "1", "b": "2"}, timedelta(seconds=30), deadline)
    decisions.decide("t", Verdict.COMMIT, began_at, deadline)
    decisions.note_settled("t", names[:1], Verdict.COMMIT, deadline)
    faulty = BackendStore(FaultyBackend(access.backend, ["request lost"]), retry=NO_WAIT, actor="tester")
    Decisions(faulty.runtime.access, ANN).note_settled("t", names, Verdict.COMMIT, deadline)
    read = access.read([Places("t").settled(name) for name in names], deadline)
    assert len(read.documents) == 2


class HangingBackend(WrappedBackend):
    """Cannot be reached any more once it has prepared its part."""

    is_prepared = False

    def commit(self, writes, *, timeout):
        if self.is_prepared:
            message = "no answer"
            raise StoreUnavailableError(message)
        found = super().commit(writes, timeout=timeout)
        self.is_prepared = any(write.path.collection == "prepared" for write in writes)
        return found


@in_memory
def test_a_store_that_does_not_answer_keeps_no_other_one_waiting(pair, monkeypatch):
    """However long it is asked: each that answers has the changes when it is run."""
    monkeypatch.setattr(distributed_phases, "SETTLE_SECONDS", 0.3)
    orders, stock = pair.opened()
    hangs = BackendStore(HangingBackend(stock.runtime.access.backend), actor="tester")
    stores = {"stock": hangs, "orders": orders}
    policy = RetryPolicy(attempts=None, deadline=3.0)
    assert DistributedTransaction(orders, stores, retry=policy).run(order, timeout=2.0) == 4
    assert (orders.get_state(*ORDER))[1] == 1
    assert settle(stock, coordinator=orders) == 1
    assert outcome_of(*pair.opened())


@in_memory
def test_what_cannot_be_read_keeps_nothing_back_from_being_recovered(pair):
    """Of two transactions that nobody prepared, the decision of one is damaged: the other one is ended."""
    orders, stock = pair.opened()
    both = transaction(orders, stock)
    both.run(order)
    access = orders.runtime.access
    decisions = Decisions(access, ANN)
    parties = {name: store.runtime.writer.origin or "" for name, store in both.stores.items()}
    for name in ("a", "b"):
        decisions.begin(name, parties, timedelta(microseconds=1), access.begin(None))
    plant(orders, Places("a").decision, transaction_id="a", verdict=7)
    both.recover()
    assert both.outcome("b") is False
    told = access.read([Places("b").settled(name) for name in both.stores], access.begin(None))
    assert len(told.documents) == 2


@in_memory
def test_a_participant_that_cannot_be_asked_keeps_no_other_one_back(pair):
    """It is asked again the next time."""

    class Deaf(Outbox):
        def recover(self):
            message = "no answer"
            raise OSError(message)

    orders, stock = pair.opened()
    outbox = Outbox()
    outbox.prepared["t"] = ["x"]
    access = orders.runtime.access
    Decisions(access, ANN).begin("t", {"outbox": ""}, timedelta(microseconds=1), access.begin(None))
    participants = {"deaf": Deaf(), "outbox": outbox}
    both = DistributedTransaction(orders, {"orders": orders, "stock": stock}, participants=participants)
    assert both.recover() == 1
    assert outbox.prepared == {}


def test_many_that_were_begun_are_looked_at_together():
    """What is told of them is read in few requests, however many they are, and each look has a time of its own."""
    clock = ManualClock()
    pair = Pair(Place("memory"), Place("memory"), "")
    orders, stock = pair.opened(clock=clock)
    stock.save_state(*ITEM, {"n": 500})

    def body(dtx):
        found, _ = dtx["stock"].get_state(*ITEM)
        dtx["stock"].save_state(*ITEM, {"n": found.data["n"] - 1})

    both = transaction(orders, stock)
    for _ in range(150):
        both.run(body)

    class Slow(WrappedBackend):
        """Takes three seconds for each read."""

        reads = 0

        def get_many(self, paths, *, timeout, consistent=True, at=None):
            self.reads += 1
            clock.advance(3.0)
            return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    slow = Slow(orders.runtime.access.backend)
    one = BackendStore(slow, clock=clock, actor="tester")
    assert DistributedTransaction(one, {"orders": one, "stock": stock}).recover() == 0
    assert 0 < slow.reads <= 10
    counting = CountingBackend(orders.runtime.access.backend)
    clock.advance(timedelta(hours=25).total_seconds())
    gone = BackendStore(counting, clock=clock, actor="tester")
    report = StateMachinePersister(gone).gc()
    assert begun(orders) == []
    assert report.transactions >= 450
    calls = counting.taken()
    assert (calls.count("commit"), calls.count("get_many") <= 10, calls.count("scan") <= 20) == (150, True, True)


@in_memory
def test_a_state_that_was_altered_is_not_written_over_because_it_was_read(pair):
    """Whoever looks for what became of it finds it as it is; nothing is begun."""
    orders, stock = pair.opened()
    path = state_layout(*ITEM).state
    plant(stock, path, status="altered")
    before = document_at(stock, path)

    def body(dtx):
        dtx["stock"].find_state(*ITEM)
        dtx["orders"].save_state(*ORDER, {})

    with pytest.raises(CorruptLogError):
        transaction(orders, stock).run(body)
    assert document_at(stock, path) == before
    assert begun(orders) == []


@in_memory
def test_a_coordinator_that_is_a_copy_of_one_of_the_stores_is_refused(pair):
    """It has its id: whoever settles would look for the decision where it is not."""
    orders, stock = pair.opened()
    orders.save_state("shop", "other", {})
    meta = document_at(orders, META)
    plant(stock, META, **meta.fields)
    orders, stock = pair.opened()
    with pytest.raises(ConfigurationError, match="copy"):
        DistributedTransaction(orders, {"stock": stock}).run(order)


@in_memory
def test_those_who_listen_are_told_when_it_was_committed(pair):
    """By the store's clock, as of any other change."""
    clock = ManualClock()
    left(pair, behind=True)
    orders, stock = pair.opened()
    late = BackendStore(stock.runtime.access.backend, actor="tester", clock=clock)
    told = []
    listener = late.on_change(lambda event: told.append(event.committed_at))
    assert settle(late, coordinator=orders) == 1
    listener.close(5.0)
    (event,) = [one for one in stock.get_events(*ITEM, after=1)]
    assert told == [event.committed_at]


@in_memory
def test_a_body_that_is_interrupted_leaves_nothing_with_a_participant(pair):
    """What was written under the id of that attempt is dropped, whatever ends it."""
    orders, stock = pair.opened()
    outbox = Outbox()

    def body(dtx):
        notified(dtx)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        notifying(orders, stock, outbox).run(body)
    assert (outbox.sent, outbox.prepared, outbox.drafts) == ([], {}, {})


class DoubtfulBackend(WrappedBackend):
    """Gives no reply to a decision to commit, which arrives, or does not."""

    def __init__(self, inner, *, arrives):
        super().__init__(inner)
        self._arrives = arrives

    def commit(self, writes, *, timeout):
        decisions = [write for write in writes if write.path.id == "decision" and isinstance(write, Put)]
        if not decisions or decisions[0].fields["verdict"] != "commit":
            return super().commit(writes, timeout=timeout)
        if self._arrives:
            self._arrives = False
            super().commit(writes, timeout=timeout)
        message = "no reply"
        raise CommitAmbiguousError(message)


@in_memory
@pytest.mark.parametrize("arrives", [True, False])
def test_a_coordinator_in_doubt_decides_against_itself_and_knows(pair, arrives):
    """It is told how it was decided, and nobody waits for the end of the lease."""
    orders, stock = pair.opened()
    doubtful = DoubtfulBackend(orders.runtime.access.backend, arrives=arrives)
    policy = RetryPolicy(attempts=None, wait_initial=0.01, wait_max=0.05, deadline=3.0)
    both = transaction(BackendStore(doubtful, actor="tester", retry=policy), stock)
    if arrives:
        assert both.run(order, timeout=1.0) == 4
    else:
        with pytest.raises(DeadlineExceededError, match="nothing was written"):
            both.run(order, timeout=1.0)
    assert outcome_of(*pair.opened()) is arrives


@in_memory
def test_a_coordinator_that_cannot_be_asked_leaves_it_in_doubt(pair, monkeypatch):
    """Whoever comes past the lease settles it."""
    monkeypatch.setattr(distributed_phases, "SETTLE_SECONDS", 0.3)
    orders, stock = pair.opened()

    class Gone(WrappedBackend):
        """Takes no decision at all."""

        def commit(self, writes, *, timeout):
            if any(write.path.id == "decision" for write in writes):
                message = "no reply"
                raise CommitAmbiguousError(message)
            return super().commit(writes, timeout=timeout)

    policy = RetryPolicy(attempts=None, wait_initial=0.01, wait_max=0.05, deadline=3.0)
    gone = BackendStore(Gone(orders.runtime.access.backend), actor="tester", retry=policy)
    with pytest.raises(OutcomeUnknownError):
        transaction(gone, stock, lease=timedelta(seconds=1.5)).run(order, timeout=1.0)
    ended = time.monotonic() + 30.0
    while not settle(stock, coordinator=orders):
        assert time.monotonic() < ended
    settle(orders)
    assert not outcome_of(*pair.opened())
