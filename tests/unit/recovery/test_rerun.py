"""A machine that is run again over recorded moves, pure: what it tells, and of what it does not judge."""

from dataclasses import replace

import pytest
from pydantic import BaseModel

from tai_state import Machine, Transition
from tai_state.codec import Payload
from tai_state.errors import StoredDataError
from tai_state.machine import ForeignMachine
from tai_state.rules.commits.kinds import stamp
from tai_state.rules.history.replay import no_rerun
from tai_state.rules.history.upcasting import Schema
from tai_state.rules.recovery.rerun import rerun_of
from tests.unit.commits.made import TURNSTILE, lived

START, PAY, PUSH = (one.event for one in lived(3))


def told(event, **changes):
    """Return what is told of an event with *changes*, as the turnstile judges it."""
    return rerun_with(TURNSTILE, event, **changes)


ANOTHER = replace(stamp(TURNSTILE), version=3)


class Named(BaseModel):
    """A model with a field that an earlier release did not store."""

    n: int
    name: str = ""


def counting(data_type, apply) -> Machine:
    return Machine("counter", "open", [Transition("add", "open", "open", apply=apply)], data_type=data_type)


def rerun_with(machine, event, /, **changes):
    """Return what is told of an event with *changes*, as *machine* judges it."""
    return rerun_of(machine)(replace(event, **changes), event.schema_version)


def test_without_a_machine_there_is_nothing_to_run():
    """Whatever the log says."""
    assert rerun_of(None) is no_rerun


def test_a_log_that_a_machine_made_is_as_it_makes_it():
    """Its start and its moves; marks that come from a store are equal, and other objects."""
    for event in (START, PAY, PUSH):
        assert told(event, machine=stamp(TURNSTILE)) is None


def test_a_start_elsewhere_than_in_the_initial_status_is_told():
    """Of this machine; of another version, or of another kind of change, it says nothing."""
    assert told(START, to_status="open") == "machine turnstile@2 starts in 'shut'"
    assert told(START, to_status="open", machine=ANOTHER) is None
    assert told(START, to_status="open", kind="log") is None


def test_a_move_to_another_status_is_told():
    """With the one that the machine makes; one that it would refuse, with its reason."""
    expected = "machine turnstile@2 makes 'open' of it, and other data or another status is recorded"
    assert told(PAY, to_status="shut") == expected
    assert told(PAY, to_status="open ") == expected
    refused = told(PAY, action="push")
    assert refused is not None
    assert refused.startswith("machine turnstile@2 refuses it: ")


class Counts:
    """A mover of somebody else's."""

    name = "counts"
    version = 1
    fingerprint = "f"

    def start(self, data):
        return "new", {"n": 0, **data}

    def move(self, status, data, action, payload):
        return "done", data


@pytest.mark.parametrize(
    ("payload", "to_status", "to_state", "is_sound"),
    [
        ({}, "new", {"n": 0}, True),
        ({"n": 2}, "new", {"n": 2}, True),
        ({}, "new", {"n": 1}, False),
        ({}, "done", {"n": 0}, False),
    ],
)
def test_a_start_is_what_a_mover_makes_of_its_data(payload, to_status, to_state, is_sound):
    """Its status and its data; what else is recorded is told."""
    mover = ForeignMachine(Counts())
    changes = {"payload": Payload.of(payload), "to_status": to_status, "to_state": Payload.of(to_state)}
    found = rerun_with(mover, START, machine=stamp(mover), **changes)
    expected = "machine counts@1 starts in 'new', and other data or another status is recorded"
    assert found == (None if is_sound else expected)


@pytest.mark.parametrize(
    "changes", [{"machine": ANOTHER}, {"machine": None}, {"kind": "log"}, {"from_status": None}], ids=str
)
def test_what_another_version_or_nobody_moved_is_not_judged(changes):
    """Even where this machine would make something else of it."""
    assert told(PAY, to_status="nowhere", **changes) is None


def test_a_reaction_is_judged_as_a_move():
    """It is one."""
    assert told(PAY, kind="reaction") is None
    assert told(PAY, kind="reaction", to_status="nowhere") is not None


def test_a_move_without_a_reducer_leaves_the_data():
    """Other data is told."""
    assert told(PAY, to_state=Payload.of({"n": 1})) is not None


def test_data_that_the_machine_does_not_make_is_told():
    """With a data type and without."""
    for data_type in (None, Named):
        machine = counting(data_type, lambda data, payload: {"n": 2, "name": ""})
        move = lived(2, machine=machine, actions=("add",), data={"n": 1})[1].event
        assert rerun_with(machine, move) is None
        assert rerun_with(machine, move, to_state=Payload.of({"n": 3, "name": ""})) is not None


def test_a_model_that_an_earlier_release_stored_without_a_field_is_the_same():
    """Only where a data type tells what was left out."""
    for data_type, differs in ((Named, False), (None, True)):
        machine = counting(data_type, lambda data, payload: {"n": 2, "name": ""})
        move = lived(2, machine=machine, actions=("add",), data={"n": 1})[1].event
        assert (rerun_with(machine, move, to_state=Payload.of({"n": 2})) is not None) is differs


def test_stored_data_that_does_not_fit_is_told_with_its_version():
    """That from before a move is of the version before it."""
    machine = counting(Named, lambda data, payload: {"n": 2})
    move = lived(2, machine=machine, actions=("add",), data={"n": 1})[1].event
    for changes, version in (({"from_state": Payload.of({})}, 1), ({"to_state": Payload.of({})}, 2)):
        with pytest.raises(StoredDataError) as caught:
            rerun_with(machine, move, **changes)
        assert (caught.value.governor_id, caught.value.state_id, caught.value.version) == ("g", "s", version)


@pytest.mark.parametrize(
    ("schema", "label", "before", "is_judged"),
    [
        (None, 1, 1, True),
        (None, 2, 1, True),
        (Schema(2), 1, 1, True),
        (Schema(2, {1: dict}), 2, 2, True),
        (Schema(2, {1: dict}), 1, 1, False),
        (Schema(2, {1: dict}), 2, 1, False),
        (Schema(2, {1: dict}), 1, 2, False),
        (Schema(2, {1: dict}), 3, 3, False),
    ],
    ids=str,
)
def test_where_data_is_upcast_only_moves_within_the_schema_are_judged(schema, label, before, is_judged):
    """An upcaster may have been mended since: it proves nothing of another version."""
    rerun = rerun_of(TURNSTILE, schema)
    assert (rerun(replace(PAY, to_status="shut", schema_version=label), before) is not None) is is_judged


def added(data, _):
    """Change the data in place, as a reducer may: it has a copy of its own."""
    data["items"].append(len(data["items"]))
    return data


def is_short(data, _):
    """Change the data, too: what a guard does to its copy nobody sees."""
    data["items"].clear()
    return True


GROWING = Machine("growing", "on", [Transition("add", "on", "on", guard=is_short, apply=added)])


def test_functions_that_change_their_data_in_place_get_a_copy_each():
    """Of what the event before left, which is decoded once for both events; one that is other is told all the same."""
    events = [one.event for one in lived(5, machine=GROWING, data={"items": []}, actions=("add",))]
    rerun = rerun_of(GROWING)
    for event, before in zip(events[1:], events[:-1], strict=True):
        # As a run of sealed events has them: one object for what one left and the next one found.
        assert rerun(replace(event, from_state=before.to_state), 1) is None
    assert [event.to_state.value() for event in events] == [{"items": list(range(n))} for n in range(5)]
    forged = replace(events[4], from_state=events[3].to_state, to_state=Payload.of({"items": [0, 1, 2]}))
    assert rerun(events[3], 1) is None
    assert "other data" in str(rerun(forged, 1))
