"""The fold over what is left of a log: how far it is proven, and what it tells of a gap."""

from dataclasses import replace

import pytest

from tai_state.rules.history.replay import Trimmed
from tai_state.rules.recovery.lineage import Lineage
from tests.unit.commits.made import PATHS, document, lived, put

LIVES = lived(6)


def event_document(version, **changes):
    """Return the document of an event, with changes of its fields."""
    found = document(put(LIVES[version - 1], PATHS.event(version)), version)
    return replace(found, fields={**found.fields, **changes})


def told(lineage):
    """Return kind, version, last and message of what is wrong."""
    return [(one.kind, one.version, one.last, one.message) for one in lineage.findings]


@pytest.mark.parametrize(
    ("missing", "message"),
    [((3,), "the event is missing"), ((3, 4), "events 3 to 4 are missing"), ((3, 4, 5), "events 3 to 5 are missing")],
    ids=str,
)
def test_a_gap_is_told_with_the_versions_that_are_missing(missing, message):
    """And what follows is proven from there on, by itself."""
    lineage = Lineage(PATHS, None)
    for version in range(1, 7):
        if version not in missing:
            lineage.meet(version, event_document(version), None)
    assert told(lineage) == [("missing_event", 3, missing[-1], message)]
    assert lineage.proven_from == missing[-1] + 1
    assert lineage.version == 6
    assert lineage.last is not None


@pytest.mark.parametrize("version", [1, 2, 4, 5])
def test_behind_an_event_that_is_lost_nothing_is_proven_yet(version):
    """It begins with the next one."""
    lineage = Lineage(PATHS, None)
    for earlier in range(1, version):
        lineage.meet(earlier, event_document(earlier), None)
    lineage.meet(version, event_document(version, hash="0" * 64, previous_hash="0" * 64, salt="0" * 32), None)
    assert (lineage.last, lineage.version, lineage.proven_from) == (None, version, version + 1)


@pytest.mark.parametrize(("named", "is_linked"), [("that of the trimmed", True), ("0" * 64, False)])
def test_the_first_event_behind_a_trim_names_the_hash_of_what_was_trimmed(named, is_linked):
    """Behind any other gap there is nothing to hold it against."""
    trimmed = Trimmed(2, LIVES[1].event.hash if is_linked else named)
    lineage = Lineage(PATHS, None, trimmed=trimmed)
    lineage.meet(3, event_document(3), None)
    assert [one.kind for one in lineage.findings] == ([] if is_linked else ["broken_chain"])
    elsewhere = Lineage(PATHS, None)
    elsewhere.meet(3, event_document(3), None)
    assert [one.kind for one in elsewhere.findings] == ["missing_event"]


def test_behind_a_gap_an_event_that_is_not_itself_is_none():
    """Also where nothing before it is known."""
    lineage = Lineage(PATHS, None)
    lineage.meet(3, event_document(3, hash="0" * 64), None)
    assert lineage.last is None
