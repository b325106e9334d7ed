"""The monitor counts in bounded memory, and tells what it counted as a dict and as a text for Prometheus."""

import json
import os
import re
import sys
import threading

import pytest

from tai_state import ConfigurationError, Machine, MemoryStore, StateMachinePersister, Transition
from tai_state.observers import Operation
from tai_state.telemetry import HeldLock, Monitor
from tai_state.telemetry.tallies import DURATIONS_MAX, TOP, Durations, Heaviest, Slowest

COUNTER = Machine("counter", "on", [Transition("add", "on", "on", apply=lambda data, _: {"n": data["n"] + 1})])
SAMPLE = re.compile(r'tai_state_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+')


@pytest.fixture
def store():
    """An empty store in memory."""
    with MemoryStore() as store:
        yield store


def test_durations_are_bounded_and_counts_are_not():
    """The quantiles are of the last 1,000."""
    durations = Durations()
    for _ in range(10):
        durations.add(100.0)
    for number in range(DURATIONS_MAX):
        durations.add(number + 1.0)
    told = durations.as_dict()
    assert told == {"count": 1010, "sum": 501_500.0, "p50": 500.0, "p95": 950.0, "p99": 990.0, "max": 1000.0}


def test_the_most_contended_states_are_counted_in_bounded_memory():
    """One that is met often is found among many that are met once."""
    heaviest = Heaviest(most=20)
    for number in range(500):
        heaviest.add(("g", f"cold-{number}"), 1)
        heaviest.add(("g", "hot"), 1)
    assert len(heaviest._counts) == 20
    assert heaviest.top()[0] == (("g", "hot"), 500)
    assert len(heaviest.top()) == TOP


def test_the_slowest_calls_are_kept():
    """The slowest first; of equal ones both."""
    slowest = Slowest()
    for number in range(30):
        slowest.add(Operation("transition", "memory", "g", f"s{number}", seconds=float(number // 2)))
    seconds = [call["seconds"] for call in slowest.top()]
    assert seconds == [14.0, 14.0, 13.0, 13.0, 12.0, 12.0, 11.0, 11.0, 10.0, 10.0]


def test_what_is_told_is_data(store):
    """It passes through JSON as it is."""
    with Monitor(store) as monitor:
        StateMachinePersister(store, COUNTER).start("g", "s", {"n": 0})
    monitor.lock_ended(HeldLock("r", "memory", 2.5, is_lost=True))
    told = monitor.as_dict()
    assert json.loads(json.dumps(told)) == told
    assert told["requests"] == {"read": {"ok": 1}, "commit": {"ok": 1}}
    assert told["billed"]["documents_written"] == 4
    assert (told["locks"]["lost"], told["locks"]["hold_seconds"]["max"]) == (1, 2.5)


def test_the_text_for_prometheus_is_well_formed_and_names_no_state(store):
    """Each sample is behind its type, each name once."""
    with Monitor(store) as monitor:
        persister = StateMachinePersister(store, COUNTER)
        persister.start("my-governor", "my-state", {"n": 0})
        persister.transition("my-governor", "my-state", "add")
    lines = monitor.as_prometheus().splitlines()
    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(types) == len(set(types))
    samples = [line for line in lines if not line.startswith("#")]
    assert [line for line in samples if not SAMPLE.fullmatch(line)] == []
    assert 'tai_state_operations_total{operation="transition",outcome="ok"} 1' in samples
    assert "tai_state_documents_written_total 6" in samples
    assert "my-" not in monitor.as_prometheus()


def test_a_label_is_escaped():
    """Whatever somebody else's error is called, the text stays well-formed."""
    with MemoryStore() as store, Monitor(store) as monitor:
        monitor.operation_ended(Operation("save", "memory", error='a"b\\c\nd'))
    assert (
        r'tai_state_operations_total{operation="save",outcome="a\"b\\c\nd"} 1' in monitor.as_prometheus().splitlines()
    )


def test_what_is_told_in_the_middle_of_a_count_is_counted(store):
    """By whoever counts: an iteration that garbage collection ends tells of itself in the thread that is counting."""
    with Monitor(store) as monitor:
        told = Operation("history", "memory")
        teller = threading.Thread(target=monitor.operation_ended, args=[told], daemon=True)
        with monitor._guard:
            teller.start()
            teller.join(10)
            assert not teller.is_alive()
        assert monitor.as_dict()["operations"]["history"]["seconds"]["count"] == 1


def test_a_change_that_another_carried_is_contention():
    """It waited for its turn in this process, and no commit was refused."""
    carried = Operation("transition", "memory", "g", "s")
    replayed = Operation("transition", "memory", "g", "s", reads=1)
    assert (carried.is_carried, replayed.is_carried) == (True, False)


def test_a_child_counts_for_itself(store):
    """In a fork's child it begins anew: what was counted is the parent's."""
    monitor = Monitor(store)
    StateMachinePersister(store, COUNTER).start("g", "s", {"n": 0})
    child = os.fork()
    if not child:
        os._exit(len(monitor.as_dict()["operations"]))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert list(monitor.as_dict()["operations"]) == ["start"]


def test_only_a_store_is_observed():
    """Anything else is named."""
    with pytest.raises(ConfigurationError, match="not dict"):
        Monitor({})  # type: ignore[arg-type]  # it is wrong on purpose


def test_it_costs_no_call_once_it_is_closed(store):
    """A move makes as many calls as before anybody looked on."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    persister.transition("g", "s", "add")

    def calls():
        made = 0

        def note(_, event, __):
            nonlocal made
            made += event == "call"

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            persister.transition("g", "s", "add")
        finally:
            sys.setprofile(before)
        return made

    # The least of some: now and then the interpreter or a cache has something of its own to do.
    off = min(calls() for _ in range(5))
    with Monitor(store):
        assert calls() > off
    assert min(calls() for _ in range(5)) == off
