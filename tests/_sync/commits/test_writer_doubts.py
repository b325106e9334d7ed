# Generated from tests/_async/commits/test_writer_doubts.py by .ci/generate_sync.py; do not edit.
"""What a writer finds that nobody expects: torn reads, a log above its state, a state that is gone, a foreign store."""
from dataclasses import replace
from datetime import timedelta

import pytest

from tai_state import (
    BackendStore,
    StateMachinePersister,
    Capability,
    CorruptLogError,
    DeadlineExceededError,
    RetryPolicy,
    SchemaVersionError,
    TransitionNotAllowedError,
)
from tai_state._sync.backends.memory import MemoryBackend
from tai_state.clock import Deadline
from tai_state.documents import Delete, Document, Read
from tai_state.errors import PreparedError
from tai_state.layout import FORMAT, META, state_layout
from tai_state.rules.records.feeding import META_FORMAT
from tai_state.rules.records.occasional import Prepared
from tai_state.testing.clock import ManualClock
from tests._sync.due.timed import RUN, SERVER
from tests._sync.machines import COUNTER
from tests._sync.stores import (
    TIMEOUT,
    WrappedBackend,
    document_at,
    mark,
    plant,
    in_memory,
)

PATHS = state_layout("g", "s")
ONCE = RetryPolicy(attempts=1)


class ForgetfulBackend(WrappedBackend):
    """Reads no receipt where it need not read as of one moment, and takes its time for it."""

    def __init__(self, inner, clock, seconds=0.0):
        super().__init__(inner)
        self.capabilities = inner.capabilities - {Capability.STEADY_READS}
        self.clock = clock
        self.seconds = seconds

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        read = super().get_many(paths, timeout=timeout, at=at)
        if consistent:
            return read
        self.clock.advance(self.seconds)
        return replace(read, documents={path: read.documents[path] for path in read.documents if path != RECEIPT})


RECEIPT = PATHS.receipt("k")


@pytest.fixture
def other(place):
    """Another caller's persister; its state was shut under the key k."""
    persister = StateMachinePersister(place.store(), COUNTER)
    persister.start("g", "s", {"n": 1})
    persister.transition("g", "s", "shut", idempotency_key="k")
    return persister


@in_memory
def test_a_refusal_behind_a_torn_read_is_looked_at_once_more(other):
    """As of one moment: the receipt explains it, and the first result is returned."""
    backend = ForgetfulBackend(other.store.runtime.access.backend, ManualClock())
    persister = StateMachinePersister(BackendStore(backend), COUNTER)
    again = persister.transition("g", "s", "shut", idempotency_key="k")
    assert (again.version, again.to_status) == (2, "shut")
    with pytest.raises(TransitionNotAllowedError):
        persister.transition("g", "s", "shut", idempotency_key="another")


@in_memory
def test_a_refusal_that_nobody_has_time_to_look_at_again_is_the_cause(other):
    """The time is over, and no verdict is certain."""
    clock = ManualClock()
    backend = ForgetfulBackend(other.store.runtime.access.backend, clock, 60.0)
    persister = StateMachinePersister(BackendStore(backend, clock=clock), COUNTER)
    with pytest.raises(DeadlineExceededError) as caught:
        persister.transition("g", "s", "shut", idempotency_key="k", timeout=5)
    assert isinstance(caught.value.__cause__, TransitionNotAllowedError)


def test_an_event_above_its_state_is_told_with_its_version(place):
    """That of the event: nothing can be written there."""
    store = place.store()
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 1})
    persister.transition("g", "s", "add")
    event = document_at(store, PATHS.event(2))
    plant(store, PATHS.event(3), **event.fields)
    with pytest.raises(CorruptLogError, match="an event stands above the state's version") as caught:
        persister.transition("g", "s", "add")
    assert (caught.value.governor_id, caught.value.state_id, caught.value.version) == ("g", "s", 3)


def test_a_change_whose_reply_is_lost_is_made_though_its_state_is_gone_since(place):
    """Its event tells."""
    StateMachinePersister(place.store(), COUNTER).start("g", "s", {"n": 1})
    store, backend = place.faulty("reply lost", retry=ONCE)

    def remove():
        backend.inner.commit([Delete(PATHS.state)], timeout=TIMEOUT)

    backend.between = remove
    assert (StateMachinePersister(store, COUNTER).transition("g", "s", "add")).version == 2


@pytest.mark.parametrize("is_over", [True, False])
def test_a_state_that_somebody_has_in_hand_is_written_once_that_is_settled(place, is_over):
    """Whoever settles says whether it is; where it is not, nothing is written."""
    store = place.store()
    store.save_state("g", "s", {"n": 1})
    mark(store, PATHS, Prepared("t", ""))
    asked = []

    def settle(error, _):
        asked.append(error.transaction_id)
        if is_over:
            mark(store, PATHS, None)
        return is_over

    store.runtime.writer.settle_marked = settle
    if is_over:
        assert store.save_state("g", "s", {"n": 2}) == 2
    else:
        with pytest.raises(PreparedError):
            store.save_state("g", "s", {"n": 2})
    assert asked == ["t"]
    assert (store.get_state("g", "s"))[0].data == {"n": 2 if is_over else 1}


@in_memory
def test_what_is_due_is_counted_from_what_the_store_s_clock_has_reached(place):
    """A reply told it once, and what has passed here since has passed there, too; not by this host's own time."""
    clock, wall = ManualClock(), ManualClock(monotonic=100.0)
    backend = MemoryBackend(clock=clock)
    store = BackendStore(backend, clock=wall)
    persister = StateMachinePersister(store, SERVER)
    persister.start("g", "s", {"n": 0})
    wall.step_wall(-1_000.0)
    for each in (clock, wall):
        each.advance(10.0)
    moved = persister.transition("g", "s", "run")
    due = clock.now() + RUN
    assert moved.event.due_at is not None
    # A store in memory runs ahead of its clock by a microsecond with each commit.
    assert due <= moved.event.due_at < due + timedelta(milliseconds=1)


def deadline():
    return Deadline(ManualClock(), TIMEOUT)


def meta(place, **fields):
    """Return a read of a store's own document."""
    now = ManualClock().now()
    return Read({META: Document(META, {"format": FORMAT, "store_id": "one", **fields}, now, now)}, now)


@in_memory
def test_a_store_is_known_by_its_id(place):
    """Where it has one; without the document nothing is learned."""
    writer = place.store().runtime.writer
    writer.learn_store(replace(meta(place), documents={}), deadline())
    assert writer.origin is None
    writer.learn_store(meta(place), deadline())
    assert writer.origin == "one"


@in_memory
@pytest.mark.parametrize("fields", [{"format": "1"}, {"format": True}, {"store_id": 7}, {"store_id": None}], ids=str)
def test_a_document_that_is_no_store_s_is_told(place, fields):
    """Whichever field it is."""
    writer = place.store().runtime.writer
    with pytest.raises(CorruptLogError, match="is not one of tai_state's"):
        writer.learn_store(meta(place, **fields), deadline())
    assert writer.origin is None


@in_memory
def test_a_newer_store_is_refused(place):
    """By the number of its format."""
    writer = place.store().runtime.writer
    with pytest.raises(SchemaVersionError):
        writer.learn_store(meta(place, format=META_FORMAT + 1), deadline())
    assert writer.origin is None
