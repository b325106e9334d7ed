"""A machine's timeouts: checked, compared, drawn, written and read."""

import copy
import json
import pickle
from datetime import timedelta
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.due import Timeout
from tai_state.errors import InvalidMachineError
from tai_state.machine import Machine, MachineProblem, Transition, sketch
from tai_state.machine.difference import difference

MOVES = [Transition("run", "boot", "on"), Transition("fail", "*", "dead"), Transition("stop", "on", "off")]
HALF_MINUTE = timedelta(seconds=30)


def anything(value: object) -> Any:
    """Return *value* as what no type checker has seen."""
    return value


def device(timeouts=None, transitions=MOVES, **options):
    return Machine("device", "boot", transitions, timeouts=timeouts, **options)


def found(timeouts, transitions=MOVES, **options):
    """Return the problems for which a machine is refused, as (kind, place, sentence)."""
    with pytest.raises(InvalidMachineError) as caught:
        device(timeouts, transitions, **options)
    problems = [one for one in caught.value.problems if isinstance(one, MachineProblem)]
    return [(one.kind, one.place, str(one)) for one in problems]


def refused(form):
    """Return the problems of a file that is the device's but for *form*, as (kind, place, sentence)."""
    with pytest.raises(InvalidMachineError) as caught:
        Machine.from_json(json.dumps(json.loads(device().to_json()) | form))
    problems = [one for one in caught.value.problems if isinstance(one, MachineProblem)]
    return [(one.kind, one.place, str(one)) for one in problems]


def test_timeouts_are_told():
    """As a dict of the caller's own, and one by one."""
    machine = device({"boot": Timeout(HALF_MINUTE, "fail")})
    assert machine.timeouts == {"boot": Timeout(HALF_MINUTE, "fail")}
    machine.timeouts.clear()
    assert (machine.timeout_of("boot"), machine.timeout_of("on")) == (Timeout(HALF_MINUTE, "fail"), None)


def test_a_machine_has_none_by_default():
    """Which is what an empty map says, too."""
    assert device().timeouts == {}
    assert device({}) == device()


def test_enums_serve_as_statuses_and_actions():
    """They are kept as plain text."""

    class Name(StrEnum):
        BOOT = "boot"
        FAIL = "fail"

    ((status, timeout),) = device({Name.BOOT: Timeout(HALF_MINUTE, Name.FAIL)}).timeouts.items()
    assert (type(status), type(timeout.action)) == (str, str)
    assert (status, timeout) == ("boot", Timeout(HALF_MINUTE, "fail"))


def test_a_map_that_is_changed_later_changes_no_machine():
    """A machine never changes."""
    timeouts = {"boot": Timeout(HALF_MINUTE, "fail")}
    machine = device(timeouts)
    timeouts["boot"] = Timeout(HALF_MINUTE, "run")
    assert machine.timeout_of("boot") == Timeout(HALF_MINUTE, "fail")


def test_a_timeout_is_a_value():
    """It is hashed, copied and pickled as one."""
    timeout = Timeout(HALF_MINUTE, "fail")
    assert {timeout, copy.deepcopy(timeout), pickle.loads(pickle.dumps(timeout))} == {timeout}


@pytest.mark.parametrize("action", ["fail", "run"])
def test_what_the_status_allows_may_be_due(action):
    """Whether it is named there, or by "*"."""
    assert device({"boot": Timeout(HALF_MINUTE, action)}).timeout_of("boot") == Timeout(HALF_MINUTE, action)


def test_a_status_that_an_own_move_keeps_may_have_a_timeout():
    """As a heartbeat that is due again and again; nothing is declared terminal here."""
    ticking = Machine("m", "on", [Transition("tick", "on", "on")], timeouts={"on": Timeout(HALF_MINUTE, "tick")})
    assert ticking.timeout_of("on") == Timeout(HALF_MINUTE, "tick")


@pytest.mark.parametrize(
    ("timeouts", "problem"),
    [
        (
            [("boot", "fail")],
            ("invalid_timeout", "timeouts", "timeouts must map statuses to Timeout, it is a list"),
        ),
        (
            {"*": Timeout(HALF_MINUTE, "fail")},
            (
                "invalid_timeout",
                "timeouts",
                'timeouts names a status that "*" stands for every source and is no status',
            ),
        ),
        (
            {7: Timeout(HALF_MINUTE, "fail")},
            ("invalid_timeout", "timeouts", "timeouts names a status that must be text, not int"),
        ),
        (
            {"boot": (HALF_MINUTE, "fail")},
            ("invalid_timeout", "timeouts.boot", "timeouts.boot must be a Timeout, not tuple"),
        ),
        (
            {"boot": Timeout(anything(30), "fail")},
            ("invalid_timeout", "timeouts.boot.after", "timeouts.boot.after must be a timedelta, not int"),
        ),
        (
            {"boot": Timeout(timedelta(0), "fail")},
            ("invalid_timeout", "timeouts.boot.after", "timeouts.boot.after must be more than nothing"),
        ),
        (
            {"boot": Timeout(timedelta(days=36_525, microseconds=1), "fail")},
            ("invalid_timeout", "timeouts.boot.after", "timeouts.boot.after must be at most 36525 days"),
        ),
        (
            {"boot": Timeout(HALF_MINUTE, anything(None))},
            ("invalid_timeout", "timeouts.boot.action", "timeouts.boot.action must be text, not NoneType"),
        ),
        (
            {"in the dark": Timeout(HALF_MINUTE, "fail")},
            (
                "unknown_timeout",
                "timeouts['in the dark']",
                "timeouts['in the dark'] is of 'in the dark', which is not a status of the machine",
            ),
        ),
        (
            {"boot": Timeout(HALF_MINUTE, "explode")},
            (
                "unknown_timeout",
                "timeouts.boot.action",
                "timeouts.boot.action is 'explode', which is not an action of the machine",
            ),
        ),
        (
            {"boot": Timeout(HALF_MINUTE, "stop")},
            ("dead_timeout", "timeouts.boot.action", "timeouts.boot.action is 'stop', which 'boot' does not allow"),
        ),
    ],
    ids=str,
)
def test_a_wrong_timeout_is_refused(timeouts, problem):
    """By kind, place and sentence; and a good one beside it changes nothing."""
    assert found(timeouts) == [problem]


def test_a_terminal_status_has_no_timeout():
    """Where it is declared as the end, "*" leaves it by nothing, and nothing is ever due."""
    problem = ("dead_timeout", "timeouts.dead", "timeouts.dead can never come due: 'dead' is declared terminal")
    assert found({"dead": Timeout(HALF_MINUTE, "fail")}, terminal=["dead", "off"]) == [problem]


def test_all_problems_are_found_at_once():
    """Those of the timeouts beside those of the rest."""
    wrong = {"boot": Timeout(timedelta(0), "explode"), "far": Timeout(HALF_MINUTE, "x")}
    kinds = [kind for kind, _, _ in found(wrong, [*MOVES, Transition("x", "far", "on")])]
    assert kinds == ["unreachable", "invalid_timeout", "unknown_timeout"]


@pytest.mark.parametrize(
    "transitions",
    [
        None,
        [*MOVES, "none"],
        [*MOVES, Transition("", "boot", "on")],
        [*MOVES, Transition("x", anything(5), "on")],
        [*MOVES, Transition("x", "boot", "")],
    ],
    ids=str,
)
def test_what_cannot_be_read_is_no_second_problem(transitions):
    """The action or the status may be among what cannot be read."""
    timeouts = {"boot": Timeout(HALF_MINUTE, "explode"), "dark": Timeout(HALF_MINUTE, "x")}
    kinds = [problem.kind for problem in Machine.find_problems("m", "boot", transitions, timeouts=timeouts)]
    assert "unknown_timeout" not in kinds
    assert len(kinds) == 1


def test_timeouts_are_part_of_what_a_machine_is():
    """Of its equality and of its fingerprint; the order is not."""
    boot, on = Timeout(HALF_MINUTE, "fail"), Timeout(timedelta(hours=1), "stop")
    one, other = device({"boot": boot, "on": on}), device({"on": on, "boot": boot})
    assert one == other
    assert one.fingerprint == other.fingerprint
    assert one.to_json() == other.to_json()
    for different in (device(), device({"boot": boot}), device({"boot": Timeout(HALF_MINUTE * 2, "fail"), "on": on})):
        assert different != one
        assert different.fingerprint != one.fingerprint


def test_a_machine_without_timeouts_is_written_as_ever():
    """So its fingerprint is the one that it had before there were any."""
    assert "timeouts" not in json.loads(device().to_json())
    fingerprint = "5ed56581ddf9e5592e72e8fcdc99d87d6ad6f9169b26b41ad25fc25186a87884"  # pragma: allowlist secret
    assert device().fingerprint == fingerprint


def test_timeouts_are_written_in_seconds_and_read():
    """The file holds them, whole where they can be, and the machine that is read is the same."""
    machine = device({"on": Timeout(timedelta(seconds=1.5), "stop"), "boot": Timeout(HALF_MINUTE, "fail")})
    text = machine.to_json()
    assert json.loads(text)["timeouts"] == {
        "boot": {"after": 30, "action": "fail"},
        "on": {"after": 1.5, "action": "stop"},
    }
    assert Machine.from_json(text) == machine


@given(st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=36_525)))
def test_a_file_tells_every_microsecond(after):
    """Seconds are a double, which does, for a hundred years."""
    machine = device({"boot": Timeout(after, "fail")})
    assert Machine.from_json(machine.to_json()).timeout_of("boot") == Timeout(after, "fail")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (["boot"], ("shape", "timeouts", "timeouts must be a JSON object")),
        ({"boot": 30}, ("shape", "timeouts.boot", "timeouts.boot must be a JSON object")),
        ({"boot": {"after": 30}}, ("shape", "timeouts.boot.action", "timeouts.boot.action is missing")),
        (
            {"boot": {"after": "30 s", "action": "fail"}},
            ("shape", "timeouts.boot.after", "timeouts.boot.after must be a number"),
        ),
        (
            {"boot": {"after": True, "action": "fail"}},
            ("shape", "timeouts.boot.after", "timeouts.boot.after must be a number"),
        ),
        (
            {"boot": {"after": 30, "action": "fail", "unit": "h"}},
            ("shape", "timeouts.boot.unit", "timeouts.boot.unit is not a known key"),
        ),
        (
            {"boot": {"after": 10**300, "action": "fail"}},
            ("invalid_timeout", "timeouts.boot.after", "timeouts.boot.after must be at most 36525 days"),
        ),
        (
            {"boot": {"after": float("nan"), "action": "fail"}},
            ("invalid_timeout", "timeouts.boot.after", "timeouts.boot.after must be more than nothing"),
        ),
        (
            {"boot": {"after": 1e-7, "action": "fail"}},
            ("invalid_timeout", "timeouts.boot.after", "timeouts.boot.after must be more than nothing"),
        ),
        (
            {"boot": {"after": 30, "action": "stop"}},
            ("dead_timeout", "timeouts.boot.action", "timeouts.boot.action is 'stop', which 'boot' does not allow"),
        ),
    ],
    ids=str,
)
def test_a_file_with_wrong_timeouts_is_refused(value, problem):
    """Once each, by place."""
    assert refused({"timeouts": value}) == [problem]


def test_the_diagram_shows_what_is_due():
    """On each arrow that the action may take from the status, and on no other."""
    lines = device({"boot": Timeout(timedelta(seconds=90.5), "fail")}).to_mermaid().splitlines()
    assert "    boot --> dead : fail after 1 min 30#46;5 s" in lines
    assert "    on --> dead : fail" in lines
    assert "    boot --> on : run" in lines


def test_a_drawing_of_an_unsound_machine_shows_timeouts_too():
    """Those that can be read; a status whose timeout has a problem is marked."""
    form = json.loads(device().to_json())
    form["timeouts"] = {
        "boot": {"after": 30, "action": "run"},
        "on": {"after": 60, "action": "explode"},
        "off": {"after": "x", "action": "fail"},
    }
    drawn = sketch(json.dumps(form))
    assert "    boot --> on : run after 30 s" in drawn.mermaid.splitlines()
    assert [line for line in drawn.mermaid.splitlines() if line.endswith(" problem")] == [
        "    class on problem",
        "    class off problem",
    ]
    assert [problem.place for problem in drawn.problems] == ["timeouts.off.after", "timeouts.on.action"]


def test_a_difference_tells_timeouts():
    """What is gone, what is new, and what is another."""
    old = device({"boot": Timeout(HALF_MINUTE, "fail"), "on": Timeout(timedelta(hours=25), "stop")})
    new = device({"boot": Timeout(HALF_MINUTE * 2, "fail"), "off": Timeout(HALF_MINUTE, "fail")}, version=2)
    assert [str(change) for change in difference(old, new).changes] == [
        "~ version: 1 -> 2",
        "~ timeout 'boot': fail after 30 s -> fail after 1 min",
        "- timeout 'on': stop after 1 d 1 h",
        "+ timeout 'off': fail after 30 s",
    ]


@pytest.mark.parametrize(
    ("after", "text"),
    [
        (timedelta(microseconds=1), "0.000001 s"),
        (timedelta(seconds=59.25), "59.25 s"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(days=1, hours=2, minutes=3, seconds=4), "1 d 2 h 3 min 4 s"),
        (timedelta(days=2, milliseconds=500), "2 d 0.5 s"),
    ],
    ids=str,
)
def test_a_timeout_reads_as_a_sentence(after, text):
    """Every microsecond is told, and nothing that is nought."""
    assert str(Timeout(after, "fail")) == f"fail after {text}"
