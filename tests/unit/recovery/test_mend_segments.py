"""A segment, written again from the events of the versions that it is to have, or not at all."""

from dataclasses import replace

import pytest

from tai_state.config import Maintenance
from tai_state.documents import Check, Put, UpdatedAt
from tai_state.rules.history.segments import read_segment
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.recovery.repair import mend_segment, segment_run
from tests.unit.commits.made import PATHS, at, document, lived

EVENTS = [one.event for one in lived(6)]
STANDS = Check(PATHS.state, UpdatedAt(at(6)))
TEN = Maintenance(segment_events=10)


def finding(kind="missing_segment", last=None):
    """Return what was found of the segment that begins with version 4, or of its place."""
    return Finding(kind, "s", 4, "why", PATHS.segment(4), last)


@pytest.mark.parametrize(
    ("kind", "last", "wanted"),
    [
        ("missing_segment", 6, range(4, 7)),
        ("missing_segment", 13, range(4, 14)),
        ("missing_segment", 14, range(4, 14)),
        ("missing_segment", None, range(4, 14)),
        ("corrupt_segment", 6, range(4, 7)),
        ("corrupt_segment", 14, range(4, 15)),
        ("corrupt_segment", None, range(4, 14)),
    ],
)
def test_a_segment_is_cut_again_as_it_was_or_where_that_is_not_known_as_it_would_be_now(kind, last, wanted):
    """One that is damaged says how long it was; where one is missing, several may be."""
    assert segment_run(finding(kind, last), TEN) == wanted


def test_a_segment_is_written_again_from_its_events():
    """In the place of what was found, while the state stands as it was."""
    found = document(Put(PATHS.segment(4), {"events": b"x"}), 5)
    made = mend_segment(finding(), PATHS, found, STANDS, EVENTS[3:])
    assert made is not None
    put, check = made.writes
    assert isinstance(put, Put)
    assert (put.path, put.precondition, check) == (PATHS.segment(4), UpdatedAt(at(5)), STANDS)
    events = read_segment(document(put, 7), "g", "s").events
    assert [(event.version, event.hash) for event in events] == [(one.version, one.hash) for one in EVENTS[3:]]


@pytest.mark.parametrize(
    "events",
    [
        [],
        [replace(EVENTS[3], to_status="forged")],
        [replace(EVENTS[3], to_status="forged"), *EVENTS[4:]],
        [EVENTS[3], EVENTS[5]],
        [*EVENTS[3:5], replace(EVENTS[5], to_status="forged")],
    ],
    ids=["none", "forged", "first forged", "a gap", "last forged"],
)
def test_a_segment_is_not_written_from_what_is_not_sound(events):
    """It would hide the damage, in a document that looks whole."""
    assert mend_segment(finding(), PATHS, None, STANDS, events) is None
