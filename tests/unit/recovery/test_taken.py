"""Which locks go with a state into an export of its governor."""

from datetime import UTC, datetime, timedelta

import pytest

from tai_state.documents import Document, DocumentPath
from tai_state.layout import versioned
from tai_state.rules.recovery.taken import Cut, locks_of

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
NAMED = {
    "none": (None, []),
    "as they are stored": ([{"resource": "a%2Fb", "token": 1}, {"resource": "r", "token": 2}], ["a%2Fb", "r"]),
    "of the first format": ({"a%2Fb": 1}, ["a%2Fb"]),
    "damaged": ([{"resource": "a/b"}, {"resource": ""}, {"resource": "%"}, {"resource": 1}, {}, "r"], []),
    "no list": (5, []),
}


@pytest.mark.parametrize(("fences", "named"), NAMED.values(), ids=NAMED)
def test_the_locks_of_a_state_are_where_its_document_says(fences, named):
    """By their stored names; what could be no name is none, and keeps nothing else from being exported."""
    state = Document(DocumentPath("governors/g/states", "s"), {"fences": fences}, LONG_AGO, LONG_AGO)
    assert locks_of(state) == [DocumentPath("locks", one) for one in named]


def test_a_state_that_is_gone_names_no_lock():
    """What is left of it goes alone."""
    assert locks_of(None) == []


def event(version):
    """Return the document of an event."""
    return Document(DocumentPath("governors/g/events", versioned("s", version)), {}, LONG_AGO, LONG_AGO)


def segment(first, last):
    """Return the document of a segment."""
    path = DocumentPath("governors/g/segments", versioned("s", first))
    return Document(path, {"last": last}, LONG_AGO, LONG_AGO)


@pytest.mark.parametrize(
    ("trimmed", "events", "is_whole"),
    [
        (None, (1, 2, 3), True),
        (0, (1, 2, 3), True),
        (None, (2, 3), False),
        (None, (1, 3), False),
        (None, (1, 2), False),
        (1, (2, 3), True),
        (1, (1, 2, 3), True),
        (1, (3,), False),
        (3, (), True),
        (3, (1, 2), True),
    ],
)
def test_what_was_taken_of_a_state_is_whole(trimmed, events, is_whole):
    """Every event is there from the first one, or the first behind what was trimmed, up to the state's version."""
    fields = {"version": 3} if trimmed is None else {"version": 3, "trimmed_through": trimmed}
    cut = Cut(Document(DocumentPath("governors/g/states", "s"), fields, LONG_AGO, LONG_AGO))
    assert all(cut.takes_event(event(version)) for version in events)
    assert cut.is_whole([]) is is_whole


def test_behind_the_version_of_the_state_nothing_is_taken():
    """It has moved since its document was read, or is damaged: that is told."""
    cut = Cut(Document(DocumentPath("governors/g/states", "s"), {"version": 1, "snapshots": []}, LONG_AGO, LONG_AGO))
    assert (cut.takes_event(event(1)), cut.goes_on) == (True, False)
    assert (cut.takes_event(event(2)), cut.goes_on) == (False, True)
    assert cut.is_whole([])


def test_behind_what_the_state_says_is_sealed_no_segment_is_taken():
    """As no event is behind its version."""
    fields = {"version": 9, "snapshots": [], "sealed_through": 6}
    cut = Cut(Document(DocumentPath("governors/g/states", "s"), fields, LONG_AGO, LONG_AGO))
    assert (cut.takes_segment(segment(1, 3)), cut.takes_segment(segment(4, 6)), cut.goes_on) == (True, True, False)
    assert (cut.takes_segment(segment(7, 9)), cut.goes_on) == (False, True)
    assert cut.segments_through == 4


def test_a_snapshot_that_the_state_does_not_name_is_not_taken():
    """It was made since, or is damaged: that is told."""
    cut = Cut(Document(DocumentPath("governors/g/states", "s"), {"version": 2, "snapshots": [1]}, LONG_AGO, LONG_AGO))
    first, second = (
        Document(DocumentPath("governors/g/snapshots", versioned("s", version)), {}, LONG_AGO, LONG_AGO)
        for version in (1, 2)
    )
    assert (cut.takes_snapshot(first), cut.goes_on) == (True, False)
    assert (cut.takes_snapshot(second), cut.goes_on) == (False, True)


def test_all_is_taken_where_nothing_is_cut_off():
    """Whatever the document says."""
    fields = {"version": 1, "snapshots": [], "sealed_through": 1}
    cut = Cut(Document(DocumentPath("governors/g/states", "s"), fields, LONG_AGO, LONG_AGO))
    told = [cut.takes_all]
    cut.take_all()
    assert [*told, cut.takes_all] == [False, True]
    assert (cut.takes_event(event(1)), cut.takes_event(event(2)), cut.takes_segment(segment(2, 3))) == (True,) * 3
    assert not cut.goes_on


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_a_state_has_moved_where_its_document_is_of_another_time(seconds):
    """Earlier or later; one that has gone or come has moved, too."""
    path = DocumentPath("governors/g/states", "s")
    first = Document(path, {"version": 1}, LONG_AGO, LONG_AGO + timedelta(seconds=5))
    now = Document(path, {"version": 1}, LONG_AGO, LONG_AGO + timedelta(seconds=5 + seconds))
    assert Cut(first).is_as(now) is (seconds == 0)
    assert not Cut(first).is_as(None)
    assert not Cut(None).is_as(now)
    assert Cut(None).is_as(None)
