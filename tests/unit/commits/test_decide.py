"""The verdicts of a change, pure: each at its bound."""

from dataclasses import replace
from typing import Any

import pytest

from tai_state import KEEP
from tai_state.config import Maintenance, PersistenceConfig
from tai_state.documents import Delete, DocumentPath
from tai_state.errors import (
    CorruptLogError,
    InvalidDataError,
    SchemaVersionError,
    StateNotFoundError,
    VersionConflictError,
)
from tai_state.layout import state_layout
from tai_state.rules.commits.change import Fresh, Head, Needs
from tai_state.rules.commits.decide import segment_is_due, with_segment
from tai_state.rules.commits.kinds import transition_change
from tai_state.rules.commits.plain import delete_change, log_change, rollback_change, save_change
from tai_state.rules.commits.scheduled import schedule_change
from tai_state.rules.commits.starting import start_change
from tai_state.rules.history.segments import build_segment
from tai_state.rules.history.upcasting import Schema
from tai_state.rules.records.record import Marks, Signal
from tests.unit.commits.made import PATHS, SETTINGS, START, TURNSTILE, at, call, fresh, head_of, lived, plan, state_at

SEALING = replace(SETTINGS, maintenance=Maintenance(segment_events=10))


def pay(**options):
    """Return a move of the turnstile."""
    return transition_change(call(**options), TURNSTILE, "pay", None, KEEP)


@pytest.mark.parametrize(
    ("version", "marks", "is_due"),
    [
        (9, Marks(), False),
        (10, Marks(), True),
        (11, Marks(), True),
        (12, Marks(sealed_through=3), False),
        (13, Marks(sealed_through=3), True),
        (13, Marks(sealed_through=1, trimmed_through=4), False),
        (14, Marks(sealed_through=1, trimmed_through=4), True),
    ],
)
def test_a_segment_is_due_when_a_full_run_of_events_is_unsealed(version, marks, is_due):
    """Counted from the first that is neither sealed nor trimmed, up to the state that the commit changes."""
    made = plan(pay(), Head(state_at(version, marks), at(version)), SEALING)
    assert segment_is_due(made, SEALING) is is_due
    assert not segment_is_due(made, SETTINGS)


def test_no_segment_is_due_with_a_first_change():
    """There is nothing before it."""
    sealing = replace(SETTINGS, maintenance=Maintenance(segment_events=1))
    assert not segment_is_due(plan(start_change(call(), TURNSTILE, {}), None, sealing), sealing)


def test_a_segment_goes_with_the_state_that_it_begins_at():
    """Another that was sealed meanwhile, before or behind, is left out; and one that was read before an erasure."""
    lives = lived(3)
    segment = build_segment(PATHS, [one.event for one in lives[:2]])
    assert segment is not None
    sealed = with_segment(lives[2], PATHS, segment, SETTINGS, 0)
    assert sealed.record.marks.sealed_through == 2
    assert len(sealed.others) == len(lives[2].others) + 1
    beside = Delete(DocumentPath("locks", "r"))
    guarded = with_segment(replace(lives[2], others=(*lives[2].others, beside)), PATHS, segment, SETTINGS, 0)
    assert beside in guarded.others
    assert {write.path for write in guarded.others} == {write.path for write in sealed.others} | {beside.path}
    for marks in (Marks(sealed_through=1), Marks(sealed_through=2), Marks(erased_through=1)):
        moved = plan(transition_change(call(), TURNSTILE, "push", None, KEEP), head_of(lives[1], marks))
        assert with_segment(moved, PATHS, segment, SETTINGS, 0) is moved
    assert with_segment(lives[0], PATHS, segment, SETTINGS, 0) is lives[0]


@pytest.mark.parametrize(("expected", "passes"), [(0, False), (1, False), (2, True), (3, False)])
def test_a_change_of_a_state_is_refused_at_another_version(expected, passes):
    """The version below and above; 0 says that there must be none."""
    head = Head(state_at(2), at(2))
    if passes:
        assert plan(pay(expected_version=expected), head).record.version == 3
    else:
        with pytest.raises(VersionConflictError):
            plan(pay(expected_version=expected), head)


def test_a_deleted_state_is_at_its_version_or_absent():
    """Whoever expects none finds none, whoever expects the tombstone finds it."""
    head = Head(replace(state_at(2), deleted=True), at(2))
    for expected, passes in ((0, True), (1, False), (2, True), (3, False)):
        change = start_change(call(expected_version=expected), TURNSTILE, {})
        if passes:
            assert plan(change, head).record.version == 3
        else:
            with pytest.raises(VersionConflictError):
                plan(change, head)


def test_a_state_that_is_not_there_is_told_so():
    """With its last version where it was deleted; none where there never was one."""
    with pytest.raises(StateNotFoundError) as caught:
        plan(pay())
    assert (caught.value.deleted, caught.value.last) == (False, 0)
    with pytest.raises(StateNotFoundError) as caught:
        plan(pay(), Head(replace(state_at(2), deleted=True), at(2)))
    assert (caught.value.deleted, caught.value.last) == (True, 2)
    ever = replace(pay(), needs=Needs.EVER)
    with pytest.raises(StateNotFoundError) as caught:
        plan(ever)
    assert caught.value.deleted is False


@pytest.mark.parametrize(("known", "passes"), [(None, True), (4, False), (5, True), (6, True)])
def test_data_of_a_newer_schema_than_the_caller_knows_is_refused(known, passes):
    """Its own version and older ones are read; who does not look into the data takes any."""
    head = Head(replace(state_at(1), schema_version=5), at(1))
    schema = None if known is None else Schema(known)
    if passes:
        assert plan(pay(schema=schema), head).record.version == 2
    else:
        with pytest.raises(SchemaVersionError):
            plan(pay(schema=schema), head)


def test_a_time_of_a_change_s_own_lies_between_the_last_change_and_the_store_s_clock():
    """Both included."""
    head = Head(replace(state_at(1), timestamp=at(1)), at(1))
    for seconds, reason in ((0.999999, "before the state's last change"), (1, None), (5, None)):
        change = replace(pay(), timestamp=at(seconds))
        if reason is None:
            assert plan(change, head).record.timestamp == at(seconds)
        else:
            with pytest.raises(InvalidDataError, match=reason):
                plan(change, head)


def test_a_state_s_times_never_fall():
    """A writer whose clock is behind takes the time of the last change; one that is ahead its own."""
    for last in (1.5, 2, 9):
        made = plan(pay(), Head(replace(state_at(1), timestamp=at(last)), at(1)))
        assert made.record.timestamp == at(max(last, 2))


def test_a_store_counts_its_changes_of_a_state():
    """Beside those that other stores made."""
    first, second = lived(2)
    assert (first.event.causality, second.event.causality) == ({"store-1": 1}, {"store-1": 2})
    other = replace(first.record, causality={"store-0": 4})
    assert plan(pay(), Head(other, at(1))).event.causality == {"store-0": 4, "store-1": 1}
    assert START < first.event.timestamp < second.event.timestamp


def test_a_version_is_compared_by_its_value():
    """However large, and wherever it comes from."""
    head = Head(state_at(int("1000")), at(1000))
    assert plan(pay(expected_version=int("1000")), head).event.version == 1001


@pytest.mark.parametrize("alone", ["depends_on", "signals"])
def test_a_state_keeps_what_it_depends_on_and_what_put_it_where_it_is(alone):
    """Where it has one of them alone, too, and the change says nothing of either."""
    bonds: dict[str, Any] = {"depends_on": ("a",), "signals": (Signal("a", "open"),)}
    kept = bonds[alone]
    head = Head(replace(state_at(1), **{alone: kept}), at(1))
    made = plan(log_change(call(), "note", head.record.status, {}), head)
    assert getattr(made.event, alone) == getattr(made.record, alone) == kept


def test_what_put_a_state_where_it_is_goes_with_the_next_status():
    """What it depends on stays."""
    head = Head(replace(state_at(1), depends_on=("a",), signals=(Signal("a", "open"),)), at(1))
    made = plan(log_change(call(), "note", f"{head.record.status}2", {}), head)
    assert made.event.signals == made.record.signals == ()
    assert made.event.depends_on == ("a",)


@pytest.mark.parametrize("key", [None, "k"])
def test_a_change_in_doubt_is_safe_to_repeat_under_a_key(key):
    """And only then."""
    error = plan(pay(idempotency_key=key), Head(state_at(1), at(1))).event.unknown()
    assert error.retryable is (key is not None)
    assert (error.governor_id, error.state_id, error.version) == ("g", "s", 2)


@pytest.mark.parametrize(("told", "seconds", "now"), [(None, 0.0, 7), (3, 0.0, 3), (3, 2.5, 5.5), (3, -1.0, 3)])
def test_the_store_s_clock_goes_on_from_what_a_reply_told(told, seconds, now):
    """It never goes back; where no reply told it, the writer's own counts."""
    given = replace(fresh(7), store_time=None if told is None else at(told), told_seconds=seconds)
    assert given.store_now() == at(now)


def test_what_a_reply_told_just_now_is_the_store_s_clock():
    """Where nobody says how long ago that was."""
    assert Fresh(at(7), "t", "store-1", "", at(3)).store_now() == at(3)


def test_what_is_due_stands_under_one_key_unless_more_are_asked_for():
    """Whichever state it is: who looks there, as configured without a word, finds all."""
    assert SETTINGS.due_shards == PersistenceConfig().due_shards
    keys = set()
    for name in "abcdefgh":
        paths = state_layout("g", name)
        head = head_of(plan(start_change(call(paths), TURNSTILE, {})))
        keys.add(plan(schedule_change(call(paths), TURNSTILE, "pay", at=at(9), after=None), head).record.marks.due_key)
    assert keys == {"store-1:turnstile:0"}


@pytest.mark.parametrize("deletes", [False, True])
def test_labels_stay_with_a_state_until_it_is_deleted(deletes):
    """One that is made again has none."""
    head = Head(replace(state_at(1), labels=("a=b",)), at(1))
    made = plan(delete_change(call()) if deletes else pay(), head)
    assert made.event.labels == made.record.labels == (() if deletes else ("a=b",))
    tombstone = Head(replace(state_at(1), labels=("a=b",), deleted=True), at(1))
    assert plan(save_change(call(), {}, None), tombstone).event.labels == ()


@pytest.mark.parametrize("version", [4, 5, 6])
def test_a_state_that_is_behind_its_own_event_is_damaged(version):
    """A rollback to that version is refused; the state at it, or further, goes back."""
    head = Head(state_at(version), at(1))
    if version < 5:
        with pytest.raises(CorruptLogError, match="behind one of its events"):
            plan(rollback_change(call(), state_at(5)), head)
    else:
        assert plan(rollback_change(call(), state_at(5)), head).event.version == version + 1
