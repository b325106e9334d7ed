"""What two definitions of a machine differ in, and what that means for stored states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.machine import Machine, Transition
from tai_state.machine.difference import difference


def enough(data, payload):
    return True


def billed(data, payload):
    return data


PAY = Transition("pay", "new", "paid", guard=enough)
SHIP = Transition("ship", "paid", "shipped")
CANCEL = Transition("cancel", "*", "cancelled")


def order(*transitions, **options):
    return Machine("order", "new", transitions or (PAY, SHIP), **options)


def told(old, new):
    return [str(change) for change in difference(old, new).changes]


CHANGES = {
    "a name": (order(), Machine("orders", "new", [PAY, SHIP]), ["~ name: order -> orders"]),
    "a version": (order(), order(version=2), ["~ version: 1 -> 2"]),
    "an initial status": (
        Machine("m", "a", [Transition("go", "a", "b"), Transition("go", "b", "a")]),
        Machine("m", "b", [Transition("go", "b", "a"), Transition("go", "a", "b")]),
        ["~ initial: a -> b"],
    ),
    "a status with its way in": (
        order(),
        order(PAY, SHIP, Transition("return", "shipped", "returned")),
        [
            "+ status 'returned'",
            "+ action 'return'",
            "- terminal 'shipped'",
            "+ terminal 'returned'",
            "+ transition 'return' from 'shipped': returned",
        ],
    ),
    "a status that goes": (
        order(),
        order(PAY),
        [
            "- status 'shipped'",
            "- action 'ship'",
            "- terminal 'shipped'",
            "+ terminal 'paid'",
            "- transition 'ship' from 'paid': shipped",
        ],
    ),
    "another target": (
        order(),
        order(PAY, SHIP, Transition("pay", "paid", "paid")),
        ["+ transition 'pay' from 'paid': paid"],
    ),
    "a guard": (
        order(),
        order(Transition("pay", "new", "paid"), SHIP),
        ["~ transition 'pay' from 'new': paid [guard enough] -> paid"],
    ),
    "an apply and one more branch": (
        order(),
        order(Transition("pay", "new", "paid", enough, billed), Transition("pay", "new", "new"), SHIP),
        ["~ transition 'pay' from 'new': paid [guard enough] -> paid [guard enough, apply billed] or new"],
    ),
    "a transition from every status": (
        order(PAY, CANCEL),
        order(PAY),
        [
            "- status 'cancelled'",
            "- action 'cancel'",
            "- terminal 'cancelled'",
            "+ terminal 'paid'",
            "- transition 'cancel' from 'new': cancelled",
            "- transition 'cancel' from 'paid': cancelled",
            "- transition 'cancel' from 'cancelled': cancelled",
        ],
    ),
    "reactions": (
        order(on_dependency={"gone": "pay", "late": "pay"}),
        order(on_dependency={"gone": "ship", "here": "ship"}),
        ["~ reaction 'gone': pay -> ship", "- reaction 'late': pay", "+ reaction 'here': ship"],
    ),
    "nothing": (order(), order(), []),
    "the order alone": (order(), order(SHIP, PAY), []),
}


@pytest.mark.parametrize(("old", "new", "lines"), CHANGES.values(), ids=CHANGES)
def test_each_difference_is_told_as_what_it_is(old, new, lines):
    """Part by part, with what was and what is."""
    assert told(old, new) == lines


def test_the_order_of_guards_is_a_difference():
    """The first that holds wins."""
    late = Transition("pay", "new", "shipped", guard=billed)
    (line,) = told(order(PAY, late, SHIP), order(late, PAY, SHIP))
    before, after = "paid [guard enough] or shipped [guard billed]", "shipped [guard billed] or paid [guard enough]"
    assert line == f"~ transition 'pay' from 'new': {before} -> {after}"


def test_only_one_fingerprint_is_the_same():
    """What is written otherwise is told apart by the processes that move states."""
    assert difference(order(), order()).is_same
    written = difference(order(), order(SHIP, PAY))
    assert (written.is_same, written.changes, written.is_safe) == (False, [], True)


CONCERNS = {
    "a status that goes": (order(), order(PAY, version=2), ["status_removed"], ["way_out_lost"]),
    "another name": (order(), Machine("orders", "new", [PAY, SHIP], version=1), ["renamed"], []),
    "a lower version": (order(version=2), order(), ["version_lowered"], []),
    "a kept version": (order(), order(PAY, SHIP, CANCEL), [], ["version_kept"]),
    "an extension": (order(), order(PAY, SHIP, CANCEL, version=2), [], []),
    "a way out that goes": (
        order(PAY, SHIP, Transition("ship", "new", "shipped")),
        order(PAY, Transition("ship", "new", "shipped"), version=2),
        [],
        ["way_out_lost"],
    ),
    "nothing": (order(), order(), [], []),
}


@pytest.mark.parametrize(("old", "new", "hazards", "notes"), CONCERNS.values(), ids=CONCERNS)
def test_what_it_means_for_stored_states_is_told(old, new, hazards, notes):
    """Not safe is what would keep the new definition from moving what the old one left."""
    found = difference(old, new)
    assert [one.kind for one in found.hazards] == hazards
    assert [one.kind for one in found.notes] == notes
    assert found.is_safe is (not hazards)


NAMES = st.sampled_from(["a", "b", "c"])
MOVES = st.builds(Transition, NAMES, NAMES, NAMES)


@st.composite
def machines(draw):
    transitions = draw(st.lists(MOVES, max_size=5, unique_by=lambda move: (move.action, move.source)))
    version = draw(st.integers(1, 2))
    problems = Machine.find_problems("m", "a", transitions, version=version)
    return Machine("m", "a", [] if problems else transitions, version=version)


def meaning_of(machine):
    """Return what a machine does, whatever it is written like."""
    moves = {
        (status, action): machine.targets(status, action)
        for status in machine.statuses
        for action in machine.allowed(status)
    }
    return machine.version, set(machine.statuses), moves


@given(machines(), machines())
def test_no_difference_is_missed_and_none_is_invented(old, new):
    """The changes one way are those the other way turned round, and there are none where all moves are the same."""
    there, back = difference(old, new), difference(new, old)
    turned = [change._replace(before=change.after, after=change.before) for change in back.changes]
    assert sorted(map(str, turned)) == sorted(map(str, there.changes))
    assert (there.changes == []) is (meaning_of(old) == meaning_of(new))
