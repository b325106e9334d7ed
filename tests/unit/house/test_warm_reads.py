"""What a warm read costs, counted in calls of Python functions, since a time would be that of the machine."""

import sys

import pytest

from tai_state import Machine, MemoryStore, PersistenceConfig, SqliteStore, StateMachinePersister, Transition

COUNTER = Machine("counter", "on", [Transition("add", "on", "on", apply=lambda data, _: {"n": data["n"] + 1})])
MOVES = 41

READ_MAX = {"sqlite": 56, "memory": 35}
"""Calls of a warm ``get_state``. What takes one away lowers it."""

EVENT_MAX = 3
"""Calls for each sealed event that ``get_events`` gives, one that nobody looks at."""


@pytest.fixture(params=["sqlite", "memory"])
def store(request, tmp_path):
    """A store with a state that has moved, most of its events sealed."""
    store = SqliteStore(tmp_path / "store.db") if request.param == "sqlite" else MemoryStore()
    config = PersistenceConfig(segment_events=MOVES - 1)
    with store:
        persister = StateMachinePersister(store, COUNTER, config)
        persister.start("g", "s", {"n": 0})
        for _ in range(MOVES):
            persister.transition("g", "s", "add")
        yield store


def calls_of(read):
    """Return how many functions of Python are called by the second call of *read*, generators' steps included."""
    calls = 0

    def note(_, event, __):
        nonlocal calls
        calls += event == "call"

    read()
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        read()
    finally:
        sys.setprofile(before)
    return calls


def test_a_warm_read_makes_few_calls(store, request):
    """Of a state that is as it was when it was read last."""
    calls = calls_of(lambda: store.get_state("g", "s"))
    assert calls <= READ_MAX[request.node.callspec.params["store"]], calls


def test_a_sealed_event_makes_few_calls(store):
    """Beside what the read of their segment costs, however many of its events are taken."""
    few = calls_of(lambda: list(store.get_events("g", "s", after=1, until=30)))
    many = calls_of(lambda: list(store.get_events("g", "s", after=1, until=40)))
    assert many - few <= 10 * EVENT_MAX, many - few
