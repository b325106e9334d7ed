"""The lines of a log in their order: what follows from what, and which moves a machine allows."""

import json
import random

import pytest

from tai_state import Machine, Transition
from tai_state.cli.commands.ingest.lines import BadLineError, parse_line
from tai_state.cli.commands.ingest.moves import AllowedMoves
from tai_state.cli.commands.ingest.sequence import Sequence
from tests.data_log import chained


def taken(lines, moves=None):
    sequence = Sequence(moves)
    for number, line in enumerate(lines, 1):
        sequence.take(parse_line(number, json.dumps(line).encode()))
    return sequence


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"from": "z"}, "led to 'a'"),
        ({"from": None}, "from is null"),
        ({"at": "2026-03-31T14:59:59+00:00"}, "before"),
    ],
)
def test_a_line_follows_from_the_one_before(changes, said):
    """Status and time go on from where the machine stands."""
    lines = chained("ab")
    with pytest.raises(BadLineError, match=said):
        taken([lines[0], {**lines[1], **changes}])


def test_a_first_line_comes_from_nowhere():
    """A machine that was never seen cannot have been in a status."""
    with pytest.raises(BadLineError, match="must be null"):
        taken(chained("ab")[1:])


def test_times_may_run_back_where_that_is_allowed():
    """Then they order nothing."""
    lines = chained("ab")
    earlier = [lines[0], {**lines[1], "at": "2020-01-01T00:00:00Z"}]
    sequence = Sequence(is_ordered=False)
    for number, line in enumerate(earlier, 1):
        sequence.take(parse_line(number, json.dumps(line).encode()))
    with pytest.raises(BadLineError, match="--allow-unordered"):
        taken(earlier)


def test_equal_times_are_in_order():
    """Two changes in one second stay as the log has them."""
    lines = chained("ab")
    assert taken([lines[0], {**lines[1], "at": lines[0]["at"]}]).machines == 1


def test_what_no_document_holds_is_refused():
    """An event has the data before and after: both together must fit, compressed."""
    large = {"n": random.Random(1).randbytes(450_000).hex()}
    assert taken([{**chained("a")[0], "data": large}]).machines == 1
    with pytest.raises(BadLineError, match="compressed"):
        taken([{**line, "data": large} for line in chained("ab")])


def test_what_compresses_well_is_let_through():
    """Size is what is stored, not what is written."""
    assert taken([{**line, "data": {"n": "a" * 3_000_000}} for line in chained("ab")]).machines == 1


ORDER = Machine(
    "order",
    "new",
    [
        Transition("pay", "new", "paid"),
        Transition("touch", "paid", "paid"),
        Transition("cancel", "*", "cancelled"),
    ],
    terminal=["cancelled"],
)


def test_allowed_moves_are_let_through():
    """By status alone, by the line's action, and by a transition from any status."""
    lines = chained(["new", "paid", "paid", "cancelled"])
    lines[1]["action"] = "pay"
    assert taken(lines, AllowedMoves(ORDER)).machines == 1


@pytest.mark.parametrize(
    ("statuses", "action", "said"),
    [
        (["paid"], None, "begins in 'new'"),
        (["new", "new"], None, "no move from 'new' to 'new'"),
        (["new", "lost"], None, "no status 'lost'"),
        (["new", "paid"], "cancel", "'cancel' of machine 'order' does not lead"),
        (["new", "cancelled", "cancelled"], None, "no move from 'cancelled'"),
    ],
)
def test_what_the_machine_does_not_allow_is_refused(statuses, action, said):
    """The move is named."""
    lines = chained(statuses)
    if action:
        lines[-1]["action"] = action
    with pytest.raises(BadLineError, match=said):
        taken(lines, AllowedMoves(ORDER))
