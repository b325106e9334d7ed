"""The fold over events, pure: what it refuses, and which version, state and governor it names."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from tai_state.codec import EMPTY, Payload
from tai_state.errors import CorruptLogError, ReplayError
from tai_state.rules.history.lost import check_reaches, salvaged
from tai_state.rules.history.packed import Run
from tai_state.rules.history.packing import pack_events
from tai_state.rules.history.replay import Fold, check_reached, contradiction, no_rerun
from tai_state.rules.records.chain import event_hash, make_seal
from tai_state.rules.records.erased import ERASE
from tai_state.rules.records.record import EventRecord, Marks
from tests.unit.commits.made import PATHS, at, document, lived, put, state_at
from tests.unit.copies import copied

LIVES = lived(4)
EVENTS = [one.event for one in LIVES]


def test_the_fold_goes_through_all_events():
    """And counts them; it begins before the first, or behind a state."""
    fold = Fold("g", "s")
    assert (fold.version, fold.events, fold.state()) == (0, 0, None)
    for event in EVENTS:
        fold.step(event)
    assert (fold.version, fold.events, fold.state()) == (4, 4, LIVES[-1].record)
    behind = Fold("g", "s", base=LIVES[1].record)
    assert behind.version == 2
    behind.step(EVENTS[2])
    assert (behind.version, behind.events) == (3, 1)


@pytest.mark.parametrize("number", [0, 1, 3])
def test_an_event_follows_the_one_before_and_no_other(number):
    """Neither itself nor one left out."""
    fold = Fold("g", "s", base=LIVES[1].record)
    with pytest.raises(CorruptLogError) as caught:
        fold.step(EVENTS[number])
    assert (caught.value.governor_id, caught.value.state_id, caught.value.version) == ("g", "s", number + 1)


def test_a_machine_that_makes_something_else_of_a_move_is_told_with_all_that_it_is_of():
    """Governor, state and version."""
    fold = Fold("g", "s", rerun=lambda event, _: "it was another" if event.version == 2 else None)
    fold.step(EVENTS[0])
    with pytest.raises(ReplayError, match=r"^state 's' of governor 'g', version 2: it was another$"):
        fold.step(EVENTS[1])
    assert (fold.version, fold.events) == (1, 1)


def test_proven_events_are_taken_as_one_by_one():
    """All of them, or up to a time; the machine runs on each."""
    body = pack_events(EVENTS)
    assert body is not None
    run = Run(body, "g", "s")
    seen: list[tuple[int, int]] = []
    fold = Fold("g", "s", rerun=lambda event, before: seen.append((event.version, before)))
    assert fold.take(run) is None
    assert (fold.version, fold.events, fold.state()) == (4, 4, LIVES[-1].record)
    assert seen == [(1, 1), (2, 1), (3, 1), (4, 1)]
    for event, later in zip(EVENTS, (2, 3, 4, None), strict=True):
        fold = Fold("g", "s")
        assert fold.take(run, event.timestamp) == later
        assert fold.last == event


def runs_of(*lengths: int, events: list[EventRecord] = EVENTS) -> list[Run]:
    """Return events as runs of these lengths."""
    runs, first = [], 0
    for length in lengths:
        body = pack_events(events[first : first + length])
        assert body is not None
        runs.append(Run(body, "g", "s"))
        first += length
    return runs


def test_runs_that_follow_one_another_are_taken_without_a_look_at_their_events(monkeypatch):
    """What their texts show need not be decoded; the last event of all is, once somebody asks for it."""
    seen: list[tuple[int, int]] = []
    fold = Fold("g", "s", rerun=lambda event, before: seen.append((event.version, before)))
    first, *others = runs_of(1, 2, 1)
    fold.take(first)
    with monkeypatch.context() as patch:
        patch.delattr(Run, "__getitem__")
        for run in others:
            fold.take(run)
        assert (fold.version, fold.events) == (4, 4)
    assert seen == [(1, 1), (2, 1), (3, 1), (4, 1)]
    assert fold.last == run[-1]
    assert fold.state() == LIVES[-1].record


OTHERS = {
    "left out": lambda: runs_of(1, 1, 2)[2],
    "the same": lambda: runs_of(1)[0],
    "of another hash": lambda: runs_of(1, events=[whole(EVENTS[1], previous_hash="0" * 64)])[0],
    "from another status": lambda: runs_of(1, events=[whole(EVENTS[1], from_status="zzz")])[0],
    "from other data": lambda: runs_of(1, events=[whole(EVENTS[1], from_state=Payload.of({"n": 9}))])[0],
    "earlier": lambda: runs_of(1, events=[whole(EVENTS[1], timestamp=at(0))])[0],
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_run_that_does_not_follow_is_refused_as_its_first_event_is(other):
    """With the same words."""
    fold, one_by_one = Fold("g", "s"), Fold("g", "s")
    fold.take(runs_of(1)[0])
    one_by_one.step(EVENTS[0])
    run = other()
    with pytest.raises(CorruptLogError) as alone:
        one_by_one.step(run[0])
    with pytest.raises(CorruptLogError) as caught:
        fold.take(run)
    assert str(caught.value) == str(alone.value)
    assert fold.version == 1


def test_moves_that_are_none_are_told_with_the_version_behind_what_was_taken():
    """Somebody else made them, hash and all."""
    first, second = runs_of(2, 2)
    second._covered["action"][1] = b"5"
    fold = Fold("g", "s", rerun=lambda _, __: None)
    fold.take(first)
    with pytest.raises(CorruptLogError, match="the sealed event is damaged") as caught:
        fold.take(second)
    assert caught.value.version == 3


def test_a_last_event_that_is_none_is_told_when_it_is_looked_at():
    """Behind a run, by an event that follows it, or at the end."""
    (run,) = runs_of(2)
    run._covered["deleted"][1] = b"5"
    for look in (lambda fold: fold.state(), lambda fold: fold.step(EVENTS[2])):
        fold = Fold("g", "s")
        fold.take(run)
        with pytest.raises(CorruptLogError, match="the sealed event is damaged") as caught:
            look(fold)
        assert caught.value.version == 2
        with pytest.raises(CorruptLogError, match="the sealed event is damaged"):
            fold.state()


def test_proven_events_follow_the_one_before_and_no_other():
    """The first of them is held against it."""
    for count in (1, 3):
        fold = Fold("g", "s", base=LIVES[count - 1].record)
        body = pack_events(EVENTS[2:])
        assert body is not None
        with pytest.raises(CorruptLogError, match="version 3 follows version"):
            fold.take(Run(body, "g", "s"))


@pytest.mark.parametrize(("name", "other"), [(b'"ann"', b"[7]"), (b'"turnstile"', b"7")])
def test_proven_texts_that_are_no_event_are_told(name, other):
    """Somebody may compute hashes over anything."""
    body = pack_events(EVENTS)
    assert body is not None
    assert name in body
    for rerun in (no_rerun, lambda event, before: None):
        with pytest.raises(CorruptLogError, match="the sealed event is damaged"):
            Fold("g", "s", rerun=rerun).take(Run(body.replace(name, other), "g", "s"))


def test_times_of_events_may_stand_and_never_fall():
    """One that is before the last is told."""
    before = EVENTS[1]
    for seconds, reason in ((0, None), (1, "its timestamp is before the previous one")):
        earlier = replace(before, timestamp=EVENTS[2].timestamp)
        later = replace(before, timestamp=at(3 + seconds))
        assert contradiction(earlier, EVENTS[2]) is None
        assert contradiction(later, EVENTS[2]) == reason


def test_a_replay_that_ends_below_the_state_names_the_event_that_is_missing():
    """The first one; at the state's version it says which field differs."""
    state = LIVES[-1].record
    check_reached(state, copy.deepcopy(state))
    with pytest.raises(CorruptLogError, match="the event is missing, the state is at version 4") as caught:
        check_reached(state, LIVES[1].record)
    assert caught.value.version == 3
    with pytest.raises(CorruptLogError) as caught:
        check_reached(state, LIVES[0].record)
    assert caught.value.version == 2
    with pytest.raises(CorruptLogError, match="field 'status'") as caught:
        check_reached(replace(state, status="another"), state)
    assert caught.value.version == 4
    with pytest.raises(CorruptLogError, match="field 'version'"):
        check_reached(LIVES[1].record, state)


@pytest.mark.parametrize(
    ("claimed", "passes"), [(1, True), (3, True), (4, False), (9, False), (True, True), ("9", True), (None, True)]
)
def test_a_damaged_document_is_written_over_unless_it_claims_more_than_the_log_has(claimed, passes):
    """The event that would be missing first is named."""
    found = document(put(LIVES[-1], PATHS.state), 4)
    found = replace(found, fields={**found.fields, "version": claimed})
    if passes:
        check_reaches(LIVES[2].record, found)
    else:
        with pytest.raises(CorruptLogError, match=f"damaged and at version {claimed}; its events end") as caught:
            check_reaches(LIVES[2].record, found)
        assert (caught.value.governor_id, caught.value.state_id, caught.value.version) == ("g", "s", 4)


def test_the_dependents_that_a_damaged_document_names_are_kept():
    """Where they can be read, and there is one; the other marks stand."""
    marks = Marks(sealed_through=2)
    made = document(put(LIVES[-1], PATHS.state), 4)
    named = replace(made, fields={**made.fields, "dependents": {"d": "m"}})
    assert salvaged(marks, None) is marks
    assert salvaged(marks, replace(made, fields={**made.fields, "dependents": "d"})) is marks
    kept = salvaged(marks, named)
    assert (kept.sealed_through, dict(kept.dependents)) == (2, {"d": "m"})
    assert state_at(1).marks == Marks()


def whole(event: EventRecord, **changes: Any) -> EventRecord:
    """Return *event* with *changes*, sealed and hashed again, as if it had been made so."""
    changed = replace(event, **changes)
    assert event.seal is not None
    assert event.seal.salt is not None
    changed = replace(changed, seal=make_seal(changed, event.seal.salt))
    return replace(changed, hash=event_hash(changed))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 2}, "version 2 follows version 2"),
        ({"version": 4}, "version 4 follows version 2"),
        ({"version": -3}, "version -3 follows version 2"),
        ({"previous_hash": "0" * 64}, "its previous_hash is not the hash of the event before"),
        ({"previous_hash": "g" * 64}, "its previous_hash is not the hash of the event before"),
        ({"from_status": "aaa"}, "its from_status 'aaa' is not 'open', where the state was"),
        ({"from_status": "zzz"}, "its from_status 'zzz' is not 'open', where the state was"),
        ({"from_status": None}, "its from_status None is not 'open', where the state was"),
        ({"from_state": Payload.of({"n": 1})}, "its from_state is not the to_state of the event before"),
        ({"timestamp": at(1)}, "its timestamp is before the previous one"),
        ({"timestamp": at(2)}, None),
        ({"timestamp": at(9)}, None),
    ],
    ids=str,
)
def test_an_event_follows_in_all_that_it_says(changes, reason):
    """Whether the one before is an event or a state; what does not follow is told, lower or higher."""
    later = whole(EVENTS[2], **{"previous_hash": copied(EVENTS[2].previous_hash), **changes})
    assert contradiction(EVENTS[1], later) == reason
    assert contradiction(LIVES[1].record, copy.deepcopy(later)) == reason


def test_nothing_but_an_erasure_comes_from_nothing():
    """Any other change comes from what was there."""
    first, second = (one.event for one in lived(2, data={"n": 1}))
    assert contradiction(first, second) is None
    erased = whole(second, from_state=EMPTY, to_state=EMPTY, kind=ERASE)
    assert contradiction(first, erased) is None
    reason = "its from_state is not the to_state of the event before"
    assert contradiction(first, whole(erased, kind="transition")) == reason
    assert contradiction(first, whole(erased, from_state=Payload.of({"n": 2}))) == reason


@pytest.mark.parametrize("hash_", ["0" * 64, "g" * 64])
def test_an_event_that_is_not_itself_is_told_first(hash_):
    """Its hash explains whatever else does not fit; then its digests do."""
    assert contradiction(EVENTS[1], replace(EVENTS[0], hash=hash_)) == "its content does not match its hash"
    assert EVENTS[0].seal is not None
    digests = {**EVENTS[0].seal.digests, "payload": hash_}
    unsound = replace(EVENTS[0], seal=replace(EVENTS[0].seal, digests=digests))
    unsound = replace(unsound, hash=event_hash(unsound))
    assert contradiction(EVENTS[1], unsound) == "its values do not match their digests"
