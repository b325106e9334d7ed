# Generated from tests/_async/testing/test_faulty_store.py by .ci/generate_sync.py; do not edit.
"""FaultyStore: what each fault does, that a seed repeats it, and that a service under it keeps its promises."""
import gc
import logging
from datetime import timedelta
from typing import Any

import pytest

from tai_state import (
    LockManager,
    MemoryStore,
    StateMachinePersister,
    CommitAmbiguousError,
    ConfigurationError,
    Encoding,
    Maintenance,
    RetryPolicy,
    StoreUnavailableError,
    SystemClock,
)
from tai_state._sync.backends.memory import MemoryBackend
from tai_state._platform.tasks import sleep
from tai_state.documents import Capability, DocumentPath, MustNotExist, Put
from tai_state.testing import (
    SOME_FAULTS,
    FaultyBackend,
    FaultyStore,
    Fault,
    FaultPlan,
    Faults,
    ManualClock,
    SimulatedCrash,
)
from tests._sync.stores import NO_WAIT, TIMEOUT, in_memory

AT = DocumentPath("governors/g/states", "s")
OTHER = DocumentPath("governors/g/states", "t")
PATIENT = RetryPolicy(wait_initial=0.0, wait_max=0.0, deadline=60.0)


@pytest.fixture
def inner():
    """The sound backend behind the faulty one."""
    return MemoryBackend()


def faulty(inner, seed=1, **faults):
    return FaultyBackend(inner, FaultPlan(seed, Faults(**faults)))


def value(inner, path=AT):
    document = (inner.get(path, timeout=TIMEOUT)).get(path)
    return document.fields["value"] if document else None


def put(backend, number=1, path=AT):
    backend.commit([Put(path, {"value": number}, MustNotExist())], timeout=TIMEOUT)


def test_an_unavailable_store_does_nothing(inner):
    """The call fails before anything is done, a commit and a read alike."""
    backend = faulty(inner, unavailable=1.0)
    with pytest.raises(StoreUnavailableError) as raised:
        put(backend)
    assert not isinstance(raised.value, CommitAmbiguousError)
    with pytest.raises(StoreUnavailableError):
        backend.get(AT, timeout=TIMEOUT)
    with pytest.raises(StoreUnavailableError):
        backend.server_time(timeout=TIMEOUT)
    assert value(inner) is None
    assert backend.plan.injected == {Fault.UNAVAILABLE: 3}


@pytest.mark.parametrize(("fault", "stored"), [("request_lost", None), ("reply_lost", 1)])
def test_what_is_lost_is_ambiguous(inner, fault, stored):
    """A lost reply leaves the commit in the store, a lost request does not; the caller cannot tell."""
    backend = faulty(inner, **{fault: 1.0})
    with pytest.raises(CommitAmbiguousError):
        put(backend)
    assert value(inner) == stored
    assert backend.plan.injected == {Fault(fault): 1}


def test_a_late_commit_arrives_behind_other_calls(inner):
    """First nobody sees it, and some calls later it is there."""
    backend = faulty(inner, late=1.0)
    with pytest.raises(CommitAmbiguousError):
        put(backend)
    assert value(inner) is None
    for _ in range(12):
        backend.get(OTHER, timeout=TIMEOUT)
    assert value(inner) == 1
    assert len(backend.under_way) == 0


def test_what_is_under_way_can_be_made_to_arrive(inner):
    """After deliver nothing can come later."""
    backend = faulty(inner, late=1.0)
    for number, path in enumerate([AT, OTHER]):
        with pytest.raises(CommitAmbiguousError):
            put(backend, number, path)
    count = len(backend.under_way)
    assert count >= 1
    assert backend.deliver() == count
    assert [value(inner, AT), value(inner, OTHER)] == [0, 1]
    assert backend.deliver() == 0


def test_a_duplicate_meets_the_precondition_of_the_first(inner):
    """The caller hears of the first delivery; the second is refused and changes nothing."""
    backend = faulty(inner, duplicate=1.0)
    put(backend, 1)
    before = (inner.get(AT, timeout=TIMEOUT)).get(AT)
    backend.deliver()
    assert (inner.get(AT, timeout=TIMEOUT)).get(AT) == before
    assert backend.plan.injected == {Fault.DUPLICATE: 1}


def test_an_unconditional_duplicate_overwrites_what_came_between(inner):
    """So a write without a precondition is caught by it."""
    backend = faulty(inner, duplicate=1.0)
    backend.commit([Put(AT, {"value": 1})], timeout=TIMEOUT)
    inner.commit([Put(AT, {"value": 2})], timeout=TIMEOUT)
    backend.deliver()
    assert value(inner) == 1


def test_a_torn_batch_is_not_of_one_moment(inner):
    """Its two halves are read apart, unless the caller asks for one moment; and the capability is gone."""
    backend = faulty(inner, torn=1.0)
    assert Capability.STEADY_READS not in backend.capabilities
    assert Capability.STEADY_READS in faulty(inner).capabilities
    put(inner, 1, OTHER)
    read = backend.get_many([AT, OTHER], timeout=TIMEOUT, consistent=False)
    assert list(read.documents) == [OTHER]
    assert backend.plan.injected == {Fault.TORN: 1}
    backend.get_many([AT, OTHER], timeout=TIMEOUT)
    assert backend.plan.injected == {Fault.TORN: 1}


def test_a_delay_past_the_timeout_loses_the_call(inner):
    """A commit that waits too long on its way arrives late, and its caller is told that nobody knows."""
    backend = faulty(inner, seed=2, delay=1.0, delay_seconds_max=3600.0)
    with pytest.raises(CommitAmbiguousError):
        backend.commit([Put(AT, {"value": 1})], timeout=0.001)
    backend.deliver()
    assert value(inner) == 1
    with pytest.raises(StoreUnavailableError):
        backend.get(AT, timeout=0.001)


def test_a_scan_can_fail_in_the_middle(inner):
    """Some documents came, and then the store was gone."""
    for number in range(5):
        put(inner, number, DocumentPath("governors/g/states", f"s{number}"))
    counts = set()
    for seed in range(20):
        documents = faulty(inner, seed, unavailable=1.0).scan("governors/g/states", timeout=TIMEOUT)
        count = 0
        try:
            for _ in documents:
                count += 1
        except StoreUnavailableError:
            counts.add(count)
    assert counts == {0, 1, 2, 3}


def test_a_crash_ends_the_process(inner):
    """It is no Exception, and behind it no call reaches the store."""
    backend = faulty(inner, crash=1.0)
    with pytest.raises(SimulatedCrash) as raised:
        put(backend)
    assert not isinstance(raised.value, Exception)
    with pytest.raises(SimulatedCrash):
        backend.get(AT, timeout=TIMEOUT)
    with pytest.raises(SimulatedCrash):
        put(backend, 2, OTHER)
    assert value(inner, OTHER) is None
    assert backend.plan.injected == {Fault.CRASH: 1}


@in_memory
def test_a_change_is_whole_wherever_the_process_dies(place):
    """At each of its calls in turn: state and event are both there, or neither; and the next process goes on."""
    found_behind = []
    for calls in range(10):
        state_id = f"s{calls}"
        doomed = FaultyStore(place.store(), seed=1, faults=Faults(crash_after=calls), actor="doomed")
        store = place.store()
        try:
            doomed.save_state("g", state_id, {"n": 1}, idempotency_key="k")
        except SimulatedCrash:
            found_behind.append(store.exists("g", state_id))
        events = [event.version for event in store.get_events("g", state_id)]
        assert bool(events) == store.exists("g", state_id)
        assert store.save_state("g", state_id, {"n": 1}, idempotency_key="k") == 1
    assert found_behind == [False, False, True], "at the read, behind it, and behind the commit"


def test_a_store_under_faults_keeps_its_promises(place):
    """On each backend: every change that was acknowledged is there once, in order, and the faults did come."""
    store = FaultyStore(place.store(), seed=3, faults=SOME_FAULTS, retry=PATIENT, actor="tester")
    for number in range(1, 81):
        assert store.save_state("g", "s", {"n": number}) == number
    store.deliver()
    sound = place.store()
    assert [event.to_state["n"] for event in sound.get_events("g", "s")] == list(range(1, 81))
    assert (StateMachinePersister(sound).validate_consistency("g")).is_consistent
    assert {Fault.REQUEST_LOST, Fault.REPLY_LOST, Fault.UNAVAILABLE, Fault.DUPLICATE} <= set(store.injected)
    assert store.calls > 80


def test_one_seed_makes_one_run():
    """The same calls meet the same faults; with another seed, others."""

    def run(seed):
        store = FaultyStore(MemoryBackend(), seed=seed, retry=PATIENT, actor="tester")
        for number in range(30):
            store.save_state("g", "s", {"n": number})
        return store.calls, store.injected

    first = run(7)
    assert run(7) == first
    assert run(8) != first


@in_memory
def test_a_stale_head_leads_to_no_refusal(place):
    """The cache gives heads that are older than it knows, and every change is made on the fresh one."""
    store = FaultyStore(place.store(), seed=1, faults=Faults(stale_head=0.5), retry=NO_WAIT, actor="tester")
    for number in range(30):
        assert store.save_state("g", "s", {"n": number}, expected_version=number) == number + 1
    stale = store.injected[Fault.STALE_HEAD]
    assert stale > 5
    assert store.calls >= 31 + stale, "each of them cost a fresh read"


@in_memory
def test_a_process_can_be_crashed_by_hand(place):
    """From then on it is dead, and its neighbour lives."""
    store, neighbour = (FaultyStore(place.store(), seed=1, faults=Faults(), actor="tester") for _ in range(2))
    store.save_state("g", "s", {})
    store.crash()
    assert store.crashed
    with pytest.raises(SimulatedCrash):
        store.save_state("g", "s", {})
    assert neighbour.save_state("g", "s", {}) == 2
    assert store.injected[Fault.CRASH] == 1


@pytest.mark.parametrize(
    "faults",
    [{"late": 1.5}, {"late": -0.1}, {"delay": "often"}, {"crash_after": -1}, {"late": 0.6, "duplicate": 0.6}],
    ids=str,
)
def test_faults_that_cannot_be_are_refused(faults):
    """Shares are from 0 to 1, also together."""
    with pytest.raises(ConfigurationError):
        Faults(**faults)


def test_a_store_before_another_goes_by_its_clock_and_its_author():
    """A test that drives a store by hand drives the faulty one before it, too."""
    clock = ManualClock()
    with MemoryStore(clock=clock, actor="owner") as sound:
        store = FaultyStore(sound, faults=Faults())
        clock.advance(60)
        store.save_state("g", "s", {})
        snapshot, _ = sound.get_state("g", "s")
    assert (snapshot.timestamp, snapshot.metadata.changed_by) == (clock.now(), "owner")


def test_a_faulty_store_has_the_settings_of_the_store_behind_it():
    """All of them, unless it is told otherwise."""
    settings: dict[str, Any] = {
        "encoding": Encoding(json_bytes_min=7),
        "maintenance": Maintenance(snapshot_interval=3),
        "receipt_ttl": timedelta(seconds=9),
        "head_cache_size": 5,
    }
    store = MemoryStore(actor="me", **settings)
    faulty_store = FaultyStore(store)
    assert faulty_store.runtime.settings == store.runtime.settings
    assert (faulty_store.runtime.writer.heads.size_max, faulty_store.actor) == (5, "me")
    assert FaultyStore(store, actor="you").actor == "you"


@pytest.mark.parametrize("options", [{"seed": None}, {"seed": True}, {"faults": 0.5}, {"backend": "x"}], ids=str)
def test_what_makes_no_faulty_store_is_refused(options):
    """Where it comes in."""
    with pytest.raises(ConfigurationError, match=r"faulty store|FaultyStore"):
        FaultyStore(**{"backend": MemoryBackend(), **options})


def test_a_crash_ends_the_heartbeats_without_a_word(caplog):
    """A process that is dead beats no more: the next beat ends, and nobody hears of an error that nobody awaited."""
    store = FaultyStore(MemoryStore(), faults=Faults())
    with caplog.at_level(logging.DEBUG, "tai_state"):
        LockManager(store).acquire("r", ttl=0.3)
        store.crash()
        ends = SystemClock().monotonic() + 10
        while "ended in the middle of a beat" not in caplog.text and SystemClock().monotonic() < ends:
            sleep(0.02)
    assert "ended in the middle of a beat" in caplog.text
    # asyncio tells of an error that nobody awaited when its task is collected.
    gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []
    assert store.injected == {Fault.CRASH: 1}
