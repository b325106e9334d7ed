"""What a request needs, and what a machine makes of a state, pure: each at its bound."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from pydantic import BaseModel

from tai_state import KEEP, Machine, Transition
from tai_state.authors import Author
from tai_state.codec import EMPTY
from tai_state.errors import (
    DependencyCycleError,
    InvalidDataError,
    MachineVersionError,
    TransitionNotAllowedError,
)
from tai_state.rules.commits.change import Head, Needs
from tai_state.rules.commits.kinds import (
    Call,
    check_machine,
    check_name,
    checked_error,
    data_payload,
    is_redefined,
    stamp,
    status_change,
    transition_change,
)
from tai_state.rules.commits.starting import check_dependencies, start_change
from tai_state.rules.history.upcasting import Schema
from tai_state.rules.records.record import MachineStamp, StateRecord
from tests.unit.commits.made import PATHS, TURNSTILE, at, call, lived, plan, state_at
from tests.unit.copies import copied


class Amount(BaseModel):
    n: int = 7
    m: int = 0


class Narrow(Amount):
    more: int = 1


@pytest.mark.parametrize("force", [0, 1, None, "", "yes"])
def test_force_is_true_or_false(force):
    """What only looks so is refused, with a reason or without."""
    with pytest.raises(InvalidDataError, match="must be a bool") as caught:
        call(force=force)
    assert caught.value.path == "force"


def test_force_needs_a_reason():
    """Of more than blanks; without force none is needed."""
    for reason, passes in (("", False), (" \n", False), ("why", True)):
        author = Author("ann", reason, EMPTY)
        assert Call(PATHS, author).force is False
        if passes:
            assert Call(PATHS, author, force=True).force is True
        else:
            with pytest.raises(InvalidDataError, match="force=True needs one") as caught:
                Call(PATHS, author, force=True)
            assert caught.value.path == "metadata.reason"


@pytest.mark.parametrize(("size", "passes"), [(0, False), (1, True), (480, True), (481, False)])
def test_a_name_has_1_to_480_bytes(size, passes):
    """A status that is expected may be empty, as that of a state that was never given one."""
    if passes:
        assert check_name("x" * size, "status") == "x" * size
    else:
        with pytest.raises(InvalidDataError, match=f"1 to 480 bytes of UTF-8, it has {size}"):
            check_name("x" * size, "status")
    assert call(expected_status="").expected_status == ""
    with pytest.raises(InvalidDataError, match="1 to 480 bytes"):
        call(expected_status="x" * 481)


@pytest.mark.parametrize("name", [None, 1, b"open", "\ud800"])
def test_a_name_is_text(name):
    """That can be stored."""
    with pytest.raises(InvalidDataError):
        check_name(name, "status")


def test_a_state_depends_on_each_other_state_once():
    """In order, those of a set sorted; never on itself."""
    assert check_dependencies(["b", "a", "b"], "s") == ("b", "a")
    assert check_dependencies({"c", "a", "b"}, "s") == ("a", "b", "c")
    assert check_dependencies((), "s") == ()
    for one in ("abc", b"abc", 7, None):
        with pytest.raises(InvalidDataError, match="must be several ids"):
            check_dependencies(one, "s")
    with pytest.raises(DependencyCycleError):
        check_dependencies(["a", copied("state")], "state")


@pytest.mark.parametrize(("name", "version", "passes"), [("turnstile", 1, True), ("turnstile", 2, True)])
def test_a_machine_takes_over_what_an_older_version_of_it_left(name, version, passes):
    """Not what a newer version, or another machine, drives; what none drives is anybody's."""
    ours = stamp(TURNSTILE)
    check_machine(replace(state_at(1), machine=replace(ours, name=copied(name), version=version)), ours)
    check_machine(replace(state_at(1), machine=None), ours)
    for other in (replace(ours, version=3), replace(ours, name="turn"), replace(ours, name="turnstiles")):
        with pytest.raises(MachineVersionError):
            check_machine(replace(state_at(1), machine=other), ours)


def test_a_machine_is_redefined_where_its_name_and_version_have_another_fingerprint():
    """Under another version it was extended, and under another name it is another."""
    ours = stamp(TURNSTILE)
    assert not is_redefined(None, ours)
    assert not is_redefined(replace(ours, fingerprint=copied(ours.fingerprint)), ours)
    for fingerprint in ("0" * 64, "g" * 64):
        other = replace(ours, fingerprint=fingerprint)
        assert is_redefined(other, ours)
        for version in (1, 3):
            assert not is_redefined(replace(other, version=version), ours)
        for name in ("another", "zebra"):
            assert not is_redefined(replace(other, name=name), ours)


def test_who_moves_what_a_redefined_machine_left_is_told():
    """Each time, with the state and our own definition; nobody is where it is the same."""
    told: list[int] = []

    def notice(state: StateRecord, ours: MachineStamp) -> None:
        assert ours == stamp(TURNSTILE)
        told.append(state.version)

    noting = call(notice=notice)
    for fingerprint, is_told in ((stamp(TURNSTILE).fingerprint, False), ("0" * 64, True)):
        state = replace(state_at(1), machine=replace(stamp(TURNSTILE), fingerprint=fingerprint))
        for calls in (noting, call()):
            plan(transition_change(calls, TURNSTILE, "pay", None, KEEP), Head(state, at(1)))
        assert told == ([1] if is_told else [])


def test_a_start_stores_what_the_data_type_makes_of_the_data():
    """Its defaults; of a model, the model."""
    machine = Machine("amounts", "open", [], data_type=Amount)
    for data, stored in (({"m": 1}, {"n": 7, "m": 1}), (Amount(n=2), {"n": 2, "m": 0})):
        assert plan(start_change(call(), machine, data)).record.data.value() == stored
    with pytest.raises(InvalidDataError):
        start_change(call(), machine, {"n": "many"})
    with pytest.raises(InvalidDataError, match="must be a Amount or a dict, not a Narrow"):
        start_change(call(), machine, Narrow())


def test_a_model_of_another_type_is_refused_where_there_is_a_type():
    """Only there: a machine without one takes any."""
    machine = Machine("amounts", "open", [], data_type=Amount)
    assert data_payload(Narrow()).value() == {"n": 7, "m": 0, "more": 1}
    assert data_payload(Amount(), machine).value() == {"n": 7, "m": 0}
    with pytest.raises(InvalidDataError):
        data_payload(Narrow(), machine)


@pytest.mark.parametrize(("given", "label"), [(None, 1), (1, 1), (7, 7)])
def test_data_is_labelled_with_the_caller_s_schema(given, label):
    """With 1 where it says none; what is not made anew keeps its label."""
    schema = None if given is None else Schema(given)
    added = Machine("counter", "open", [Transition("add", "open", "open", apply=lambda data, payload: {"n": 1})])
    assert plan(start_change(call(schema=schema), added, {})).record.schema_version == label
    head = Head(replace(lived(1, machine=added)[0].record, schema_version=1), at(1))
    move = transition_change(call(schema=schema), added, "add", None, KEEP)
    assert plan(move, head).record.schema_version == label
    stays = Head(replace(state_at(1), schema_version=5), at(1))
    assert plan(transition_change(call(), TURNSTILE, "pay", None, KEEP), stays).record.schema_version == 5


def test_the_error_of_a_state_stays_is_set_or_cleared():
    """As it is asked."""
    head = Head(replace(state_at(1), last_error="broke"), at(1))
    for given, left in ((KEEP, "broke"), (None, None), ("again", "again")):
        move = transition_change(call(), TURNSTILE, "pay", None, given)
        assert plan(move, head).record.last_error == left
    with pytest.raises(InvalidDataError, match="must be a str, None or KEEP"):
        checked_error(1)


def test_a_status_is_reached_by_the_one_action_that_leads_there():
    """One whose guards lead elsewhere is refused, and nothing is made of it."""
    guarded = Machine(
        "guarded",
        "low",
        [
            Transition("raise", "low", "high", guard=lambda data, payload: payload == 2),
            Transition("raise", "low", "middle"),
            Transition("drop", "high", "low"),
        ],
    )
    head = Head(lived(1, machine=guarded)[0].record, at(1))
    for payload, reached in ((2, True), (1, False)):
        change = status_change(call(), guarded, copied("high"), payload, KEEP)
        if reached:
            made = plan(change, head)
            assert (made.record.status, made.event.action, made.event.payload.value()) == ("high", "raise", 2)
        else:
            with pytest.raises(TransitionNotAllowedError, match="its guards lead to 'middle', and not to 'high'"):
                plan(change, head)


def test_a_move_needs_a_live_state_and_a_start_none():
    """And each says what it is."""
    start, move = start_change(call(), TURNSTILE, {}), transition_change(call(), TURNSTILE, "pay", None, KEEP)
    assert (start.kind, start.action, start.needs) == ("start", "start", Needs.ABSENT)
    assert (move.kind, move.action, move.needs) == ("transition", "pay", Needs.LIVE)


def test_what_a_reducer_returns_as_a_model_is_known_to_fit():
    """A map is read once more; without a data type nothing is known."""
    cases: list[tuple[Any, Any, bool]] = [
        (Amount, Amount(n=1), True),
        (Amount, {"n": 1}, False),
        (None, Amount(n=1), False),
    ]
    for data_type, made, fits in cases:
        add = Transition("add", "open", "open", apply=partial(_made, made))
        machine = Machine("adding", "open", [add], data_type=data_type)
        state = lived(1, machine=machine, data={"n": 0})[0].record
        assert transition_change(call(), machine, "add", None, KEEP).target_of(state).fits is fits


def _made(made: Any, data: Any, payload: Any) -> Any:
    """Return what was made before."""
    return made
