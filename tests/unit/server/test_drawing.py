"""A machine's diagram: every status, every arrow, and none over another."""

import itertools

import pytest

from tai_state import Machine, Transition
from tai_state.server.console.drawing import CHARACTER, LABEL_MAX, LINE, drawn
from tests.unit.server.world import BELL, ORDER

WIDE = Machine(
    "wide",
    "s0",
    [
        *(Transition(f"go-{n}", f"s{n}", f"s{n + 1}") for n in range(8)),
        *(Transition(f"skip-{n}", f"s{n}", f"s{n + 3}") for n in range(5)),
        Transition("reset", "*", "s0"),
        Transition("stay", "s4", "s4"),
        Transition("x" * 100, "s1", "s8"),
    ],
)
every_machine = pytest.mark.parametrize("machine", [ORDER, BELL, WIDE], ids=lambda one: one.name)


@every_machine
def test_every_status_has_its_box_and_the_current_one_is_marked(machine):
    """Once; so are those that nothing leaves."""
    for current in machine.statuses:
        boxes = drawn(machine, current).boxes
        assert [one.status for one in boxes] == list(machine.statuses)
        assert [one.status for one in boxes if one.is_current] == [current]
        assert {one.status for one in boxes if one.is_terminal} == set(machine.terminal)


@every_machine
def test_every_move_has_its_arrow(machine):
    """In the words beside it, too; those of the current status are open."""
    drawing = drawn(machine, machine.initial)
    moves = {
        (source, action, target)
        for source in machine.statuses
        for action in machine.allowed(source)
        for target in machine.targets(source, action)
    }
    assert len(drawing.arrows) == len({(source, target) for source, _, target in moves})
    for source, action, target in moves:
        assert any(action in line and line.endswith(f"from {source} to {target}") for line in drawing.told)
    assert sum(one.is_open for one in drawing.arrows) == len(
        {target for one, _, target in moves if one == machine.initial}
    )


@every_machine
def test_all_of_it_is_within_the_picture(machine):
    """Boxes and labels; what bows out reaches no further than its label."""
    drawing = drawn(machine, machine.initial)
    right = drawing.left + drawing.width
    for box in drawing.boxes:
        assert drawing.left <= box.x <= box.x + box.width <= right
        assert 0 <= box.y <= box.y + box.height <= drawing.height
    for arrow in drawing.arrows:
        half = CHARACTER * len(arrow.label) / 2
        assert drawing.left <= arrow.x - half <= arrow.x + half <= right
        assert len(arrow.label) <= LABEL_MAX


@every_machine
def test_no_label_covers_another(machine):
    """Each has the first place on its arrow that is free."""
    for one, other in itertools.combinations(drawn(machine, machine.initial).arrows, 2):
        is_beside = abs(one.x - other.x) >= CHARACTER * (len(one.label) + len(other.label)) / 2
        assert is_beside or abs(one.y - other.y) >= LINE


def test_actions_that_lead_the_same_way_share_an_arrow():
    """By a label with both."""
    twice = Machine("twice", "a", [Transition("x", "a", "b"), Transition("y", "a", "b")])
    (arrow,) = drawn(twice, "a").arrows
    assert arrow.label == "x / y"
