"""What may go of a history: never the newest event, nor one that a live receipt names, nor what was not asked for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tai_state import ConfigurationError, HistoryPolicy, PersistenceConfig
from tai_state.documents import Document, DocumentPath
from tai_state.errors import ReplayError
from tai_state.layout import state_layout
from tai_state.rules.history import segments
from tai_state.rules.history.segments import build_segment, read_segment
from tai_state.rules.history.snapshots import begins_period
from tai_state.rules.records.record import Marks
from tai_state.rules.recovery.retention import allowed, fewer_snapshots, has_expired, is_older, resealed, size_of
from tests.unit.commits import made
from tests.unit.records.test_fields import AS_IT_IS, EVENT, NOW, STATE

SECOND = timedelta(seconds=1)


def state(version, **marks):
    return replace(STATE, version=version, marks=Marks(due_key=STATE.marks.due_key, **marks))


@pytest.mark.parametrize(
    ("wanted", "trimmed", "named", "expected"),
    [
        (5, 0, None, 5),
        (9, 0, None, 9),
        (10, 0, None, 9),
        (99, 0, None, 9),
        (0, 0, None, 0),
        (-3, 0, None, 0),
        (5, 5, None, 0),
        (5, 4, None, 5),
        (9, 0, 7, 6),
        (6, 0, 7, 6),
        (9, 0, 1, 0),
        (9, 6, 7, 0),
    ],
)
def test_how_far_a_history_of_ten_may_be_trimmed(wanted, trimmed, named, expected):
    """Below the newest, below what a live receipt names, and beyond what is trimmed already."""
    assert allowed(wanted, state(10, trimmed_through=trimmed), named) == expected


def test_the_newest_snapshots_are_kept():
    """As many as said; the marks and the documents go together."""
    paths = state_layout("g", "s")
    put, deletes = fewer_snapshots(paths, state(9, snapshots=(2, 4, 6, 8)), NOW, 2, AS_IT_IS) or (None, [])
    assert put is not None
    assert put.fields["snapshots"] == [6, 8]
    assert [one.path for one in deletes] == [paths.snapshot(2), paths.snapshot(4)]
    assert fewer_snapshots(paths, state(9, snapshots=(6, 8)), NOW, 2, AS_IT_IS) is None


def document(**fields):
    return Document(DocumentPath("transactions", "t"), fields, NOW, NOW)


def test_what_counts_no_more_by_both_of_its_times():
    """The writer's, and the store's: whichever is later; at the very moment it still counts."""
    for latest, ttl, ends in ((NOW, 5.0, NOW + 5 * SECOND), (NOW + 9 * SECOND, 5.0, NOW + 9 * SECOND)):
        one = document(tai_expires_at=latest, ttl_seconds=ttl)
        assert not has_expired(one, ends)
        assert has_expired(one, ends + SECOND)
    assert not has_expired(document(ttl_seconds=1.0), NOW + 99 * SECOND)
    assert not has_expired(document(tai_expires_at=NOW), NOW + 99 * SECOND)


def test_an_event_is_older_than_its_bound():
    """Not at it."""
    assert not is_older(EVENT, EVENT.timestamp + SECOND, SECOND)
    assert is_older(EVENT, EVENT.timestamp + SECOND + timedelta(microseconds=1), SECOND)


def test_a_period_begins_with_the_first_change_in_it():
    """They are counted from 1970 on."""
    day = timedelta(days=1)
    late, early = datetime(2026, 3, 1, 23, 59, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    assert begins_period(replace(STATE, timestamp=late), replace(STATE, timestamp=early), day)
    assert not begins_period(
        replace(STATE, timestamp=early), replace(STATE, timestamp=early + timedelta(hours=23)), day
    )


def test_a_clock_that_was_set_back_begins_no_period():
    """The change of the later period was the first in it, and its snapshot is there."""
    late, early = datetime(2026, 3, 1, 23, 59, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    assert not begins_period(replace(STATE, timestamp=early), replace(STATE, timestamp=late), timedelta(days=1))


@pytest.mark.parametrize(
    "options",
    [
        {"max_age": timedelta(0)},
        {"max_age": 30},
        {"max_events": 0},
        {"max_events": True},
        {"compact_after": timedelta(days=-1)},
        {"compact_after": 1.5},
    ],
    ids=str,
)
def test_what_is_no_bound_is_refused(options):
    """When the policy is made."""
    with pytest.raises(ConfigurationError):
        HistoryPolicy(**options)


@pytest.mark.parametrize(
    "options", [{"history": 5}, {"snapshot_every": timedelta(0)}, {"snapshot_every": 5}, {"compact_sealed": 1}], ids=str
)
def test_what_is_no_configuration_is_refused(options):
    """By name."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        PersistenceConfig(**options)


def test_events_may_be_compacted_at_once():
    """No time at all is a bound, too."""
    assert HistoryPolicy(compact_after=timedelta(0)).compact_after == timedelta(0)


@pytest.mark.parametrize("is_alone", [False, True])
def test_what_is_left_of_a_segment_is_sealed_again_in_as_many_as_it_takes(monkeypatch, is_alone):
    """Each event in one of them, in their order; as they were sealed before."""
    events = [one.event for one in made.lived(9)]
    whole = build_segment(made.PATHS, events)
    assert whole is not None
    assert whole.write is not None
    monkeypatch.setattr(segments, "SEGMENT_BYTES_MAX", len(whole.write.fields["events"]) - 1)
    writes = resealed(made.PATHS, events, replace(whole, is_alone=is_alone))
    sealed = [read_segment(made.document(write, 9), "g", "s") for write in writes]
    assert [event.version for one in sealed for event in one.events] == list(range(1, 10))
    assert [(one.first, one.is_alone) for one in sealed] == [(1, is_alone), (sealed[0].last + 1, is_alone)]


def test_what_fits_into_no_segment_is_told(monkeypatch):
    """Nothing is dropped."""
    events = [one.event for one in made.lived(3)]
    whole = build_segment(made.PATHS, events)
    assert whole is not None
    monkeypatch.setattr(segments, "SEGMENT_BYTES_MAX", 1)
    with pytest.raises(ReplayError, match="version 1 of state 's' fits into no segment of its own"):
        resealed(made.PATHS, events, whole)


def test_a_document_is_as_large_as_its_engine_says():
    """Or as its JSON, where that says nothing; what nothing of ours could have stored counts nothing."""
    fields = {"a": "b"}
    assert size_of(Document(DocumentPath("c", "d"), fields, NOW, NOW, 700)) == 700
    assert size_of(Document(DocumentPath("c", "d"), fields, NOW, NOW)) == len('{"a":"b"}')
    assert size_of(Document(DocumentPath("c", "d"), {"a": object()}, NOW, NOW)) == 0
