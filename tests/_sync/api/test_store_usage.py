# Generated from tests/_async/api/test_store_usage.py by .ci/generate_sync.py; do not edit.
"""What a store tells of its documents, their sizes, and what a month of its changes costs."""
from datetime import UTC, datetime, timedelta

import pytest

from tai_state import StateMachinePersister, PersistenceConfig
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests._sync.stores import TIMEOUT, document_at, plant

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def log(store, count, *, every, state_id="s", keyed=False, **settings):
    """Log changes of a state, one each so often."""
    persister = StateMachinePersister(store, config=PersistenceConfig(**settings))
    for n in range(count):
        persister.log_transition(
            "g",
            state_id,
            "go",
            to_status="x",
            data={"n": n},
            timestamp=BEGIN + n * every,
            idempotency_key=f"k{n}" if keyed else None,
        )


def test_every_kind_of_document_is_counted_and_measured(store):
    """As the engine stores or sends them; progress tells how many were read."""
    log(store, 10, every=DAY, keyed=True, snapshot_interval=4, segment_events=4)
    read: list[int] = []
    usage = store.usage("g", progress=read.append)
    counts = {kind: one.count for kind, one in usage.documents.items()}
    none = {"branches": 0, "audit": 0, "quarantine": 0}
    assert counts == {"states": 1, "events": 10, "snapshots": 2, "segments": 2, "receipts": 10, **none}
    assert read == list(range(1, sum(counts.values()) + 1))
    state = document_at(store, state_layout("g", "s").state)
    assert usage.documents["states"].bytes == state.size > 300
    assert usage.bytes == sum(one.bytes for one in usage.documents.values())
    assert usage.stats == store.stats("g")


def test_a_month_is_reckoned_from_what_was_observed(store):
    """Ten changes in nine days, each under a key; two segments of ten changes, of which eight events were sealed."""
    log(store, 10, every=DAY, keyed=True, snapshot_interval=4, segment_events=4)
    usage = store.usage("g")
    assert (usage.first_change, usage.last_change) == (BEGIN, BEGIN + 9 * DAY)
    changes = 10 * 30 / 9
    assert usage.changes_a_month == pytest.approx(changes)
    assert usage.writes_a_month == pytest.approx(changes * (2 + 1 + 2 / 100 + 2 / 10))
    # The state, the receipt that may be there, and what is sealed.
    assert usage.reads_a_month == pytest.approx(changes * (1 + 1 + 8 / 10))


def test_the_rate_is_that_of_the_last_days(store):
    """What was long ago does not count."""
    log(store, 20, every=timedelta(hours=1))
    log(store, 2, every=100 * DAY, state_id="t")
    usage = store.usage("g")
    assert (usage.changes_a_month, usage.last_change) == (1.0, BEGIN + 100 * DAY)


def test_of_one_moment_there_is_no_rate(store):
    """Nor of nothing."""
    log(store, 3, every=timedelta(minutes=1))
    for governor_id in ("g", "never"):
        usage = store.usage(governor_id)
        assert (usage.changes_a_month, usage.reads_a_month, usage.writes_a_month) == (None, None, None)


def test_events_that_a_segment_alone_has_count_for_the_rate(store):
    """Their own documents may be removed."""
    log(store, 10, every=DAY, segment_events=4)
    before = (store.usage("g")).changes_a_month
    backend, paths = store.runtime.access.backend, state_layout("g", "s")
    plant(store, paths.segment(1), alone=True)
    for version in range(1, 5):
        backend.commit([Delete(paths.event(version))], timeout=TIMEOUT)
    assert (store.usage("g")).changes_a_month == before


def test_what_is_damaged_counts_as_a_document(store):
    """A state that cannot be read is named."""
    log(store, 3, every=DAY)
    plant(store, state_layout("g", "s").state, version="x")
    plant(store, state_layout("g", "s").event(2), timestamp="noon")
    usage = store.usage("g")
    assert (usage.stats.damaged, usage.documents["states"].count, usage.documents["events"].count) == (["s"], 1, 3)
    assert usage.changes_a_month == 2 * 15.0


def test_the_busiest_states_are_named(store):
    """The ten that changed most often, the busiest first; of equal ones the first id."""
    for n in range(12):
        for _ in range(1 + (n == 7)):
            store.save_state("g", f"s{n:02}", {})
    busiest = (store.stats("g")).busiest
    assert list(busiest.items())[:3] == [("s07", 2), ("s00", 1), ("s01", 1)]
    assert len(busiest) == 10
