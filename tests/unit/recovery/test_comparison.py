"""A state's document, and what is kept beside its log, held against the log: each verdict at its bound, pure."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tai_state.documents import Document
from tai_state.errors import CorruptLogError
from tai_state.rules.history.replay import Trimmed
from tai_state.rules.records.documents import read_state
from tai_state.rules.records.record import Marks
from tai_state.rules.recovery.comparison import (
    Inventory,
    StateView,
    above,
    content_digest,
    reach,
    snapshot_differs,
    state_findings,
)
from tai_state.rules.recovery.findings import Finding
from tests.unit.commits.made import PATHS, document, lived, put
from tests.unit.copies import copied

LIVES = lived(6)
EVENTS = [one.event for one in LIVES]
NOTHING = Inventory()


def lineage(version: int, *, proven_from: int = 1, last: bool = True) -> Any:
    """Return what is left of a walk over the events up to a version."""
    return SimpleNamespace(last=EVENTS[version - 1] if last else None, version=version, proven_from=proven_from)


def written(version: int, /, **changes: Any) -> Document:
    """Return the state's document at a version, with changes of its fields."""
    found = document(put(LIVES[version - 1], PATHS.state), version)
    return replace(found, fields={**found.fields, **changes})


def view(found: Document | None, marks: Marks | None = None) -> StateView:
    """Return a document as it was read; its marks are others where they are given."""
    if found is None:
        return StateView(PATHS, None)
    try:
        record = read_state(found, "g", "s")
    except CorruptLogError as error:
        return StateView(PATHS, found, None, error)
    return StateView(PATHS, found, record if marks is None else replace(record, marks=marks))


def told(findings: list[Finding]) -> list[tuple[Any, ...]]:
    """Return kind, version, last and the version of the truth of findings."""
    return [(one.kind, one.version, one.last, None if one.truth is None else one.truth.version) for one in findings]


def test_a_state_that_is_what_its_log_tells_is_sound():
    """With nothing kept beside it."""
    assert state_findings(view(written(4)), lineage(4), NOTHING, EVENTS[3]) == []


@pytest.mark.parametrize(
    ("version", "proven_from", "at_version", "truth"),
    [(5, 1, 3, 5), (5, 4, 3, 5), (5, 5, 3, None), (6, 1, 3, 6), (5, 1, 2, None), (5, 1, None, None)],
)
def test_a_state_that_is_behind_its_log_is_told(version, proven_from, at_version, truth):
    """It is written again where the log goes on from the very event that made it, proven from there."""
    at = None if at_version is None else EVENTS[at_version]
    found = state_findings(view(written(4)), lineage(version, proven_from=proven_from), NOTHING, at)
    assert told(found) == [("state_behind", 4, None, truth)]
    assert found[0].message == f"the state is at version 4, its events go on to version {version}"


def test_a_state_is_behind_the_log_of_another_hash_without_a_proof():
    """Lower or higher; an equal one is a proof, whoever read it."""
    for hash_, truth in ((copied(EVENTS[3].hash), 5), ("0" * 64, None), ("g" * 64, None)):
        at = replace(EVENTS[3], hash=hash_)
        assert told(state_findings(view(written(4)), lineage(5), NOTHING, at)) == [("state_behind", 4, None, truth)]


def test_a_state_below_events_that_do_not_follow_from_it_is_not_behind():
    """They are told as such."""
    extra = Finding("extra_event", "s", 5, "it stands above", PATHS.event(5))
    assert state_findings(view(written(4)), lineage(5, proven_from=5), NOTHING, EVENTS[3], [extra]) == []
    other = Finding("broken_chain", "s", 5, "it is broken", PATHS.event(5))
    found = state_findings(view(written(4)), lineage(5, proven_from=5), NOTHING, EVENTS[3], [other])
    assert told(found) == [("state_behind", 4, None, None)]


def test_a_state_of_which_no_event_is_certain_is_not_behind():
    """Nor is one at the end of its log, or above it."""
    for walked in (lineage(6, last=False), lineage(4), lineage(3)):
        assert state_findings(view(written(4)), walked, NOTHING, None) == []


def test_a_state_that_is_not_what_its_event_made_is_told():
    """It is written again where it names that event; else it is no proof, and neither is the event."""
    state = read_state(written(4), "g", "s")
    cases: list[tuple[dict[str, Any], int | None]] = [
        ({"status": "another", "hash": copied(state.hash)}, 4),
        ({"hash": "f" * 64}, None),
        ({"hash": "0" * 64}, None),
    ]
    for change, truth in cases:
        seen = StateView(PATHS, written(4), replace(state, **change))
        found = state_findings(seen, lineage(4), NOTHING, EVENTS[3])
        assert told(found) == [("state_mismatch", 4, None, truth)]
        assert f"field {next(iter(change))!r} of the state" in found[0].message


@pytest.mark.parametrize(
    ("version", "last", "snapshot", "truth"),
    [(4, True, None, 4), (4, True, 4, 4), (4, True, 5, 5), (4, True, 3, 4), (4, False, None, None), (4, False, 6, 6)],
)
def test_a_state_without_a_document_is_what_the_newest_of_all_tells(version, last, snapshot, truth):
    """The log, or a snapshot that is further; nothing where neither is certain."""
    kept = Inventory(newest=None if snapshot is None else LIVES[snapshot - 1].record)
    found = state_findings(view(None), lineage(version, last=last), kept, None)
    assert told(found) == [("state_missing", None, None, truth)]


@pytest.mark.parametrize(
    ("claimed", "snapshot", "truth"),
    [(3, None, 4), (4, None, 4), (5, None, None), (5, 5, 5), (6, 5, None), (True, None, 4), ("9", None, 4)],
)
def test_a_damaged_document_that_claims_to_be_further_is_the_only_trace(claimed, snapshot, truth):
    """It is not written over; one that claims no more than is known is."""
    kept = Inventory(newest=None if snapshot is None else LIVES[snapshot - 1].record)
    found = state_findings(view(written(4, version=claimed, status=7)), lineage(4), kept, None)
    assert told(found) == [("corrupt_state", found[0].version, None, truth)]


@pytest.mark.parametrize("ids", [{"governor_id": "f"}, {"governor_id": "h"}, {"state_id": "r"}, {"state_id": "t"}])
def test_what_another_state_s_document_claims_says_nothing(ids):
    """Whichever id it is."""
    found = state_findings(view(written(4, version=99, status=7, **ids)), lineage(4), NOTHING, None)
    assert told(found) == [("corrupt_state", found[0].version, None, 4)]


def test_what_was_altered_is_not_believed():
    """It says of itself that it is not what was written."""
    found = state_findings(view(written(4, version=99)), lineage(4), NOTHING, None)
    assert told(found) == [("corrupt_state", found[0].version, None, 4)]


def test_what_is_kept_and_not_marked_is_told():
    """Snapshots up to the state's version, and how far its segments reach; what is marked besides stays."""
    kept = Inventory(snapshots={5: "", 2: "", 4: ""}, sealed_through=3)
    marks = Marks(sealed_through=1, trimmed_through=1, snapshots=(1, 2), dependents={"d": "m"})
    found: Any = state_findings(view(written(4), marks), lineage(4), kept, EVENTS[3])
    assert [one.kind for one in found] == ["stale_marks", "missing_snapshot"]
    assert found[0].truth.marks == replace(marks, sealed_through=3, snapshots=(1, 2, 4))


@pytest.mark.parametrize(
    ("kept", "marks", "stale"),
    [
        (Inventory(sealed_through=2), Marks(sealed_through=2), False),
        (Inventory(sealed_through=3), Marks(sealed_through=2), True),
        (Inventory(sealed_through=9), Marks(sealed_through=4), False),
        (Inventory(sealed_through=9), Marks(sealed_through=3), True),
        (Inventory(snapshots={5: ""}), Marks(), False),
        (Inventory(snapshots={4: ""}), Marks(), True),
        (Inventory(snapshots={4: ""}), Marks(snapshots=(4,)), False),
    ],
)
def test_marks_are_stale_where_more_is_kept_than_they_say(kept, marks, stale):
    """Of the versions up to the state's own."""
    found = state_findings(view(written(4), marks), lineage(4), kept, EVENTS[3])
    assert [one.kind for one in found] == (["stale_marks"] if stale else [])


def test_a_snapshot_that_is_marked_and_not_there_is_told():
    """Each by its version."""
    found = state_findings(view(written(4), Marks(snapshots=(1, 2, 3))), lineage(4), Inventory({2: ""}), EVENTS[3])
    assert told(found) == [("missing_snapshot", 1, None, None), ("missing_snapshot", 3, None, None)]
    assert [one.path for one in found] == [PATHS.snapshot(1), PATHS.snapshot(3)]


@pytest.mark.parametrize(
    ("kept", "marks", "runs"),
    [
        (Inventory(sealed_through=9), Marks(sealed_through=9), []),
        (Inventory(sealed_through=8), Marks(sealed_through=9), [(9, 9)]),
        (Inventory(), Marks(sealed_through=9), [(1, 9)]),
        (Inventory(sealed_through=9, gaps=[(3, 4)]), Marks(sealed_through=9), [(3, 4)]),
        (Inventory(sealed_through=9, gaps=[(3, 4)]), Marks(sealed_through=9, trimmed_through=3), [(4, 4)]),
        (Inventory(sealed_through=9, gaps=[(3, 4)]), Marks(sealed_through=9, trimmed_through=4), []),
        (Inventory(sealed_through=9, gaps=[(3, 8)], damaged={5: 6}), Marks(sealed_through=9), [(3, 4)]),
        (Inventory(sealed_through=9, gaps=[(3, 8)], damaged={3: 6}), Marks(sealed_through=9), []),
        (Inventory(sealed_through=9, gaps=[(3, 8)], damaged={8: 8}), Marks(sealed_through=9), [(3, 7)]),
        (Inventory(sealed_through=9, gaps=[(3, 8)], damaged={9: 9}), Marks(sealed_through=9), [(3, 8)]),
        (Inventory(sealed_through=9, gaps=[(3, 8)], damaged={2: 2}), Marks(sealed_through=9), [(3, 8)]),
        (Inventory(sealed_through=9, gaps=[(3, 8)], damaged={7: 8, 5: 6}), Marks(sealed_through=9), [(3, 4)]),
        (Inventory(sealed_through=9, gaps=[(3, 8)]), Marks(sealed_through=5), [(3, 5)]),
        (Inventory(sealed_through=9, gaps=[(3, 8)]), Marks(sealed_through=3), [(3, 3)]),
        (Inventory(sealed_through=9, gaps=[(3, 8)]), Marks(sealed_through=2), []),
    ],
)
def test_a_run_that_is_marked_as_sealed_is_missed_where_no_segment_has_it(kept, marks, runs):
    """Behind what is trimmed, and up to a damaged segment, which is told by itself."""
    state = replace(read_state(written(4), "g", "s"), version=9)
    seen = StateView(PATHS, written(4), replace(state, marks=marks))
    found = [one for one in state_findings(seen, lineage(4), kept, None) if one.kind == "missing_segment"]
    assert [(one.version, one.last) for one in found] == runs
    assert [one.path for one in found] == [PATHS.segment(first) for first, _ in runs]


@pytest.mark.parametrize(
    ("version", "kept", "sealed_through", "last"),
    [
        (3, Inventory(sealed_through=9, gaps=[(3, 6)], damaged={3: 99}), 9, 6),
        (4, Inventory(sealed_through=9, gaps=[(3, 6)], damaged={4: 99}), 9, 6),
        (6, Inventory(sealed_through=9, gaps=[(3, 6)], damaged={6: 99}), 9, 6),
        (7, Inventory(sealed_through=9, gaps=[(3, 6)], damaged={7: 99}), 9, 99),
        (2, Inventory(sealed_through=9, gaps=[(3, 6)], damaged={2: 99}), 9, 99),
        (3, Inventory(sealed_through=9, gaps=[(3, 6)], damaged={3: 99, 5: 6}), 9, 4),
        (5, Inventory(sealed_through=9, gaps=[(3, 6)], damaged={3: 4, 5: None}), 9, 6),
        (7, Inventory(sealed_through=9, damaged={7: None}), 9, None),
        (10, Inventory(sealed_through=9, damaged={10: 99}), 12, 12),
    ],
)
def test_a_damaged_segment_reaches_to_the_end_of_its_gap_or_the_next_one(version, kept, sealed_through, last):
    """What it claims itself counts where nothing else tells."""
    one = Finding("corrupt_segment", "s", version, "it is damaged", PATHS.segment(version))
    assert reach(one, kept, sealed_through) == replace(one, last=last)


def test_only_damaged_segments_are_given_a_reach():
    """Others are as they were found."""
    for kind, version in (("missing_segment", 3), ("corrupt_segment", 4)):
        one = Finding(kind, "s", version, "it is", PATHS.segment(version), 7)
        assert reach(one, Inventory(damaged={3: 9}), 9) is one


@pytest.mark.parametrize(("walked", "are_extra"), [((5, 5), True), ((5, 6), True), ((5, 4), False), ((5, 1), False)])
def test_events_above_a_state_that_do_not_follow_from_it_are_extra(walked, are_extra):
    """Those that were found broken or damaged there, and are not proven by anything."""
    version, proven_from = walked
    state = LIVES[3].record
    findings = [
        Finding("broken_chain", "s", 5, "it is broken", PATHS.event(5)),
        Finding("corrupt_event", "s", 6, "it is damaged", PATHS.event(6)),
        Finding("corrupt_event", "s", 4, "it is damaged", PATHS.event(4)),
        Finding("corrupt_event", "s", 5, "it is damaged", PATHS.event(5), truth=EVENTS[4]),
        Finding("missing_event", "s", 5, "it is missing", PATHS.event(5)),
        Finding("state_missing", "s", None, "it is missing", PATHS.state),
    ]
    found = above(findings, lineage(version, proven_from=proven_from), state)
    assert [one.kind for one in found[:2]] == (["extra_event"] * 2 if are_extra else ["broken_chain", "corrupt_event"])
    assert found[2:] == findings[2:]
    assert [one.version for one in found] == [one.version for one in findings]
    assert above(findings, lineage(6, last=False), state)[0].kind == "extra_event"


def test_a_snapshot_is_held_against_its_event_by_what_it_holds():
    """Its marks apart; one that is damaged has no digest."""
    digest = content_digest(replace(LIVES[3].record, marks=Marks(sealed_through=3)))
    assert not snapshot_differs(digest, EVENTS[3])
    assert not snapshot_differs("", EVENTS[3])
    assert not snapshot_differs(None, EVENTS[3])
    assert snapshot_differs(digest, EVENTS[2])
    for other in ("0" * 64, "g" * 64):
        assert snapshot_differs(other, EVENTS[3])
    assert not snapshot_differs(copied(digest), EVENTS[3])


@pytest.mark.parametrize(("version", "expected"), [(2, (3, "ours")), (3, (3, "ours")), (4, (4, "kept"))])
def test_what_was_trimmed_is_told_by_whoever_knows_more(version, expected):
    """The state, or the mark of a trim that it does not know of yet."""
    marks = Inventory(trimmed=Trimmed(version, "kept")).marks(Marks(trimmed_through=3, trimmed_hash="ours"), 9)
    assert (marks.trimmed_through, marks.trimmed_hash) == expected
