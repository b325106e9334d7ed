"""Whom a change concerns, and what they may do about it, pure."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from tai_state import KEEP, Machine, Transition
from tai_state.codec import Payload
from tai_state.errors import ConfigurationError, CorruptLogError, DependentMachineError, InvalidDataError
from tai_state.layout import state_layout
from tai_state.rules.commits.kinds import stamp, transition_change
from tai_state.rules.history.upcasting import Schema
from tai_state.rules.records.record import MachineStamp, Marks, Signal
from tai_state.rules.transactions.dependents.marks import depends, mark_is_lost, marked, unmarked
from tai_state.rules.transactions.dependents.reactions import (
    NotAloneError,
    alone_with,
    attaches,
    concerned,
    enters,
    known_machines,
    reactions,
)
from tests.unit.commits.made import TURNSTILE, call, lived, state_at
from tests.unit.copies import copied

DEPENDENT = state_layout("g", "d")


class Amount(BaseModel):
    n: int


def follower(version: int = 3, name: str = "follower") -> Machine:
    return Machine(
        name,
        "idle",
        [Transition("follow", "idle", "busy"), Transition("stop", "busy", "idle")],
        on_dependency={"open": "follow", "shut": "stop"},
        version=version,
    )


BEFORE, MOVED, BACK = lived(3)


def test_machines_are_known_by_their_names():
    """The same one twice is one, also where it was made anew; two of one name are refused."""
    known = known_machines(TURNSTILE, [follower(), follower()])
    assert sorted(known) == ["follower", "turnstile"]
    assert known_machines(None, []) == {}
    with pytest.raises(ConfigurationError, match="two different machines are called 'follower'"):
        known_machines(None, [follower(3), follower(4)])


def test_a_dependent_is_concerned_where_its_machine_may_react():
    """One of an unknown machine may, one without a machine cannot."""
    machines = {"follower": follower()}
    marks = {"a": "follower", "b": "unknown", "c": "", "d": "follower"}
    assert concerned(marks, machines, [Signal("s", "open")]) == ["a", "b", "d"]
    assert concerned(marks, machines, [Signal("s", "nowhere")]) == ["b"]
    assert concerned(marks, machines, [Signal("s", "nowhere"), Signal("t", "shut")]) == ["a", "b", "d"]
    assert concerned({}, machines, [Signal("s", "open")]) == []


def test_a_state_enters_a_status_by_a_move_from_another():
    """Or by coming to life; not by staying, being deleted or being recorded."""
    assert enters(None, BEFORE.event)
    assert enters(BEFORE.record, MOVED.event)
    assert not enters(replace(BEFORE.record, status=copied("open")), MOVED.event)
    assert enters(replace(BEFORE.record, status="open", deleted=True), MOVED.event)
    for status in ("aaa", "zzz"):
        assert enters(replace(BEFORE.record, status=status), MOVED.event)
    assert not enters(BEFORE.record, replace(MOVED.event, deleted=True))
    for kind, moves in (("start", True), ("transition", True), ("reaction", True), ("log", False), ("save", False)):
        assert enters(BEFORE.record, replace(MOVED.event, kind=kind)) is moves


def test_a_state_is_marked_where_it_begins_to_depend_on_others():
    """By coming to life with them, or by another machine; not where it depends on none, or is gone."""
    event = replace(MOVED.event, depends_on=("t",))
    stays = replace(BEFORE.record, depends_on=("t",))
    assert attaches(None, event)
    assert attaches(replace(stays, deleted=True), event)
    for name in ("another", "zebra"):
        assert attaches(replace(stays, machine=replace(stamp(TURNSTILE), name=name)), event)
    assert attaches(replace(stays, machine=None), event)
    assert not attaches(replace(stays, machine=MachineStamp(copied("turnstile"), 1, "")), event)
    assert not attaches(None, replace(event, deleted=True))
    assert not attaches(None, replace(event, depends_on=()))
    assert not attaches(None, replace(event, depends_on=(), deleted=True))


def test_a_change_is_made_alone_unless_it_concerns_others():
    """A move into another status of a state that has dependents which may react, or one that must be marked."""
    check = alone_with({"follower": follower()})
    with_dependents = replace(BEFORE.record, marks=Marks(dependents={"d": "follower"}))
    check(None, BEFORE.event)
    check(BEFORE.record, MOVED.event)
    check(with_dependents, replace(MOVED.event, kind="log"))
    check(replace(BEFORE.record, marks=Marks(dependents={"d": ""})), MOVED.event)
    with pytest.raises(NotAloneError):
        check(with_dependents, MOVED.event)
    with pytest.raises(NotAloneError):
        check(None, replace(BEFORE.event, depends_on=("t",)))


def dependent(version: int = 3, **changes):
    """Return a state that a follower of that version moved."""
    return replace(state_at(1), state_id="d", status="idle", machine=stamp(follower(version)), **changes)


@pytest.mark.parametrize(("known", "reacts"), [(2, False), (3, True), (4, True)])
def test_a_dependent_reacts_by_its_machine_or_a_newer_one(known, reacts):
    """An older one may lack the reaction: guessing would lose it."""
    cause = transition_change(call(), TURNSTILE, "pay", None, KEEP)
    machines = {"follower": follower(known)}
    if reacts:
        (made,) = reactions(dependent(), DEPENDENT, [MOVED.record], machines, cause)
        assert (made.action, made.kind, made.payload.value()) == (
            "follow",
            "reaction",
            {"state_id": "s", "status": "open"},
        )
    else:
        with pytest.raises(DependentMachineError) as caught:
            reactions(dependent(), DEPENDENT, [MOVED.record], machines, cause)
        assert caught.value.state_id == "d"


def test_a_reaction_is_of_the_data_s_own_version_unless_it_is_of_the_caller_s_machine():
    """Of another machine's data the caller knows none."""
    for name, version in (("follower", 1), ("zebra", 1), (copied("turnstile"), 7)):
        machine = follower(3, name)
        cause = replace(transition_change(call(schema=Schema(7)), TURNSTILE, "pay", None, KEEP))
        state = dependent(schema_version=1)
        (made,) = reactions(replace(state, machine=stamp(machine)), DEPENDENT, [MOVED.record], {name: machine}, cause)
        assert made.schema == Schema(version)
    log = replace(transition_change(call(schema=Schema(7)), TURNSTILE, "pay", None, KEEP), machine=None)
    (made,) = reactions(dependent(), DEPENDENT, [MOVED.record], {"follower": follower()}, log)
    assert made.schema == Schema(1)


def test_a_state_without_a_machine_does_nothing_about_others():
    """Nobody could say what."""
    cause = transition_change(call(), TURNSTILE, "pay", None, KEEP)
    assert reactions(replace(dependent(), machine=None), DEPENDENT, [MOVED.record], {}, cause) == []


def test_of_several_signals_each_action_counts_once_the_nearest_first():
    """A reaction keeps the nearest signal of each status."""
    source = replace(MOVED.record, signals=(Signal("far", "open"), Signal("far", "shut")))
    cause = transition_change(call(), TURNSTILE, "pay", None, KEEP)
    made = reactions(dependent(), DEPENDENT, [source, source], {"follower": follower()}, cause)
    assert [one.action for one in made] == ["follow", "stop"]
    assert made[0].payload.value() == {"state_id": "s", "status": "open"}
    target = made[0].target_of(dependent())
    assert target.signals == (Signal("s", "open"), Signal("far", "shut"))


def test_a_mark_is_written_where_it_is_not_there_yet():
    """The same record says that nothing is to be written."""
    bare = state_at(1)
    once = marked(bare, "d", "orders")
    assert dict(once.marks.dependents) == {"d": "orders"}
    assert marked(once, "d", copied("orders")) is once
    assert dict(marked(once, "d", "other").marks.dependents) == {"d": "other"}
    assert dict(unmarked(marked(once, "e", "m"), ["d", "f"]).marks.dependents) == {"e": "m"}


def test_a_mark_is_missed_of_a_live_state_that_a_machine_drives():
    """Only such a one can react."""
    one = dependent()
    assert mark_is_lost(one, state_at(1))
    assert mark_is_lost(one, marked(state_at(1), "d", "another"))
    assert not mark_is_lost(one, marked(state_at(1), "d", copied("follower")))
    assert not mark_is_lost(replace(one, deleted=True), state_at(1))
    assert not mark_is_lost(replace(one, machine=None), state_at(1))


def test_a_dependent_that_is_gone_is_told():
    """One that was deleted, or depends on others, depends no more."""
    one = dependent(depends_on=("s",))
    assert depends(one, DEPENDENT, "s")
    assert not depends(one, DEPENDENT, "t")
    assert not depends(replace(one, deleted=True), DEPENDENT, "s")
    with pytest.raises(CorruptLogError, match="though state 's' has it among its dependents") as caught:
        depends(None, DEPENDENT, "s")
    assert caught.value.state_id == "d"


def test_a_reaction_leaves_data_that_fits():
    """What its reducer makes of it is held against the machine's data type, where it has one."""
    cases: list[tuple[Any, bool]] = [(None, True), (Amount, False)]
    for data_type, passes in cases:
        machine = Machine(
            "follower",
            "idle",
            [Transition("follow", "idle", "busy", apply=lambda data, payload: {"n": "many"})],
            on_dependency={"open": "follow"},
            data_type=data_type,
        )
        cause = transition_change(call(), TURNSTILE, "pay", None, KEEP)
        state = replace(dependent(), machine=stamp(machine), data=Payload.of({"n": 1}))
        (made,) = reactions(state, DEPENDENT, [MOVED.record], {"follower": machine}, cause)
        if passes:
            assert made.target_of(state).data.value() == {"n": "many"}
        else:
            with pytest.raises(InvalidDataError):
                made.target_of(state)
