"""What became of a commit without a verdict: each case by itself, pure."""

from dataclasses import replace
from datetime import datetime

import pytest

from tai_state.documents import Document
from tai_state.rules.commits.settle import Outcome, lost_head, proofs_against, settle, settle_snapshot, unknown_snapshot
from tai_state.rules.records.record import Marks
from tests.unit.commits.made import PATHS, START, at, document, lived, put
from tests.unit.copies import copied

FIRST, SECOND, THIRD = lived(3)
"""Three commits of one state: the second is in doubt, the third is another writer's."""

EVENT = document(put(SECOND, PATHS.event(2)), 2)
FOREIGN = replace(EVENT, fields={**EVENT.fields, "transition_id": "transition-1"})


def state(seconds: float, version: object = 1) -> Document:
    """Return the state's document of that update time and version."""
    found = document(put(FIRST, PATHS.state), 1)
    return replace(found, fields={**found.fields, "version": version}, update_time=again(at(seconds)))


def again(moment: datetime) -> datetime:
    """Return an equal moment that is another object, as one from a store is."""
    return datetime.fromisoformat(moment.isoformat())


@pytest.mark.parametrize("refused", [True, False])
def test_the_event_tells(refused):
    """Ours: it was applied. Another one: another writer won. Whatever became of the state since."""
    same = replace(EVENT, fields={**EVENT.fields, "transition_id": copied("transition-2")})
    later = replace(EVENT, fields={**EVENT.fields, "transition_id": "transition-3"})
    for now in (None, state(1), state(9, 2), state(9, 7)):
        assert settle(SECOND, now, same, refused=refused) is Outcome.APPLIED
        assert settle(SECOND, now, FOREIGN, refused=refused) is Outcome.REFUSED
        assert settle(SECOND, now, later, refused=refused) is Outcome.REFUSED


def test_without_an_event_a_state_that_has_not_moved_tells_nothing():
    """An attempt that is under way can still apply, unless one was refused."""
    assert settle(SECOND, state(1), None, refused=False) is Outcome.PENDING
    assert settle(SECOND, state(1), None, refused=True) is Outcome.REFUSED
    assert settle(FIRST, None, None, refused=False) is Outcome.PENDING
    assert settle(FIRST, None, None, refused=True) is Outcome.REFUSED


@pytest.mark.parametrize("refused", [True, False])
@pytest.mark.parametrize(
    ("now", "outcome"),
    [
        (None, Outcome.REFUSED),
        (state(0.5), Outcome.REFUSED),
        (state(9), Outcome.REFUSED),
        (state(9, 0), Outcome.REFUSED),
        (state(9, 2), Outcome.UNKNOWN),
        (state(9, 3), Outcome.UNKNOWN),
        (state(9, "2"), Outcome.UNKNOWN),
        (state(9, None), Outcome.UNKNOWN),
    ],
    ids=["gone", "set back", "moved", "at nothing", "at ours", "past ours", "damaged", "without a version"],
)
def test_without_an_event_a_state_that_has_moved_refuses_below_our_version(now, outcome, refused):
    """At or past it the event must have been there: nobody can tell."""
    assert settle(SECOND, now, None, refused=refused) is outcome


def test_a_snapshot_was_kept_where_its_mark_is():
    """Whatever else became of the state; the mark of another one says nothing."""
    for refused in (True, False):
        kept = settle_snapshot(5, START, state(9), Marks(snapshots=(1, 5, 7)), refused=refused)
        assert kept is Outcome.APPLIED
        other = settle_snapshot(5, START, state(9), Marks(snapshots=(4, 6)), refused=refused)
        assert other is Outcome.REFUSED


@pytest.mark.parametrize(("based", "now"), [(1, state(1)), (None, None)], ids=["a document", "none"])
def test_a_snapshot_of_a_state_as_it_was_found_may_still_come(based, now):
    """Unless it was refused."""
    moment = None if based is None else at(based)
    assert settle_snapshot(5, moment, now, None, refused=False) is Outcome.PENDING
    assert settle_snapshot(5, moment, now, Marks(), refused=True) is Outcome.REFUSED


@pytest.mark.parametrize(
    ("based", "now"), [(1, state(0.5)), (1, state(9)), (1, None), (None, state(1))], ids=["back", "on", "gone", "made"]
)
def test_a_snapshot_of_a_state_that_has_moved_never_comes(based, now):
    """Its precondition can never hold."""
    moment = None if based is None else at(based)
    assert settle_snapshot(5, moment, now, Marks(), refused=False) is Outcome.REFUSED


def test_a_head_is_lost_where_an_event_stands_above_a_state_that_has_not_moved():
    """A commit writes both or none."""
    assert lost_head(SECOND, state(1), [FOREIGN])
    assert lost_head(FIRST, None, [None, FOREIGN])
    assert not lost_head(SECOND, state(1), [None])
    assert not lost_head(FIRST, None, [None, None])
    for now in (state(0.5), state(9), None):
        assert not lost_head(SECOND, now, [FOREIGN])
    assert not lost_head(FIRST, state(1), [FOREIGN])


def test_what_stands_for_a_first_event_that_is_gone():
    """The first segment, to which a state that is to be created may have lost its event."""
    assert proofs_against(SECOND, PATHS) == (PATHS.event(2),)
    assert proofs_against(FIRST, PATHS) == (PATHS.event(1), PATHS.segment(1))


def test_a_snapshot_in_doubt_may_be_asked_for_again():
    """At one version it is made once."""
    error = unknown_snapshot("g", "s", 7)
    assert (error.governor_id, error.state_id, error.version, error.retryable) == ("g", "s", 7, True)
    assert "state 's' of governor 'g' at version 7 was kept is unknown" in str(error)
