"""Versions in conflict, as telemetry, the history of a store and its counts tell of them."""

import logging

import pytest

from tai_state import ConflictResolutionError, MemoryStore
from tai_state.causality import Custom, LastWriteWins
from tai_state.observers import Observer
from tai_state.replicas import sync
from tai_state.telemetry import Monitor
from tai_state.testing import ManualClock


@pytest.fixture
def parted():
    """Two stores of which each has changed a state without knowing of the other."""
    with MemoryStore(actor="ann") as ours, MemoryStore(actor="bob") as theirs:
        ours.save_state("g", "s", {"n": 1})
        theirs.save_state("g", "s", {"n": 2})
        yield ours, theirs


def test_a_monitor_counts_versions_in_conflict(parted):
    """By kind and result, on both sides, and without any id for Prometheus."""
    ours, theirs = parted
    with Monitor(ours) as mine, Monitor(theirs) as other:
        sync(ours, theirs, "g", resolver=LastWriteWins())
        for monitor in (mine, other):
            assert monitor.as_dict()["version_conflicts"] == [{"kind": "concurrent", "result": "resolved", "count": 1}]
        text = mine.as_prometheus()
    assert 'version_conflicts_total{kind="concurrent",result="resolved"} 1' in text


def test_a_store_remembers_the_conflicts_that_it_met(parted):
    """Both do, and count them by governor; many in a short time are a storm."""
    ours, theirs = parted
    (met,) = sync(ours, theirs, "g", resolver=LastWriteWins()).conflicts
    for store in parted:
        assert store.conflicts.recent() == [met]
        assert (store.stats("g").conflicts, store.stats("h").conflicts) == (1, 0)
        assert store.usage("g").stats.conflicts == 1
        assert store.conflicts.has_storm(1, 3600)
        assert not store.conflicts.has_storm(2, 3600)
    assert met.at is not None


def test_a_storm_of_conflicts_is_in_telemetry_and_in_the_counts():
    """From the twentieth within a minute on, of the governor whose states they are, until they are a minute old."""
    clock = ManualClock()
    with MemoryStore(clock=clock) as ours, MemoryStore() as theirs, Monitor(ours) as monitor:
        for number in range(20):
            assert not monitor.as_dict()["version_conflict_storm"]
            assert not ours.stats("g").conflict_storm
            for store in (ours, theirs):
                store.save_state("g", f"s{number}", {"by": id(store)})
            clock.advance(1)
            sync(ours, theirs, "g", resolver=LastWriteWins())
        assert ours.stats("g").conflict_storm
        assert ours.usage("g").stats.conflict_storm
        assert not ours.stats("h").conflict_storm
        assert monitor.as_dict()["version_conflict_storm"]
        assert "tai_state_version_conflict_storm 1" in monitor.as_prometheus()
        clock.advance(50)
        assert "tai_state_version_conflict_storm 0" in monitor.as_prometheus()
        assert not ours.stats("g").conflict_storm


def test_who_looks_on_is_in_nobody_s_way(parted):
    """What an observer raises of a conflict is passed over."""

    class Loud(Observer):
        def conflict_met(self, conflict):
            raise RuntimeError(conflict.kind)

    ours, theirs = parted
    ours.runtime.inflight.observers.add(Loud, Loud(), lambda: lambda: None)
    assert sync(ours, theirs, "g", resolver=LastWriteWins()).merged == 2


def test_a_conflict_that_waits_for_somebody_is_logged(parted, caplog):
    """By its state and kind, and nothing of what is in it."""

    def refuse(*_):
        raise ConflictResolutionError("g", "s", "a secret")

    ours, theirs = parted
    with caplog.at_level(logging.WARNING, logger="tai_state"):
        sync(ours, theirs, "g", resolver=Custom(refuse))
    (record,) = [one for one in caplog.records if getattr(one, "event", "") == "version_conflict"]
    assert (record.governor_id, record.state_id, "secret" in record.getMessage()) == ("g", "s", False)
