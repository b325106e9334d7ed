"""A machine in use: what it allows, where an action leads, and what guards and applies decide."""

import copy
import dataclasses
import hashlib
import pickle
from enum import Enum, StrEnum

import pytest
from pydantic import BaseModel

from tai_state.errors import InvalidDataError, TransitionNotAllowedError
from tai_state.machine import Choice, Machine, Transition


def paid_enough(data, payload):
    return payload["amount"] >= data["price"]


def record(data, payload):
    data["paid"] = payload["amount"]
    return data


def always(data, payload):
    return True


def never(data, payload):
    return False


PAY = Transition("pay", "new", "paid", guard=paid_enough, apply=record)
ORDER = (
    PAY,
    Transition("pay", "new", "short"),
    Transition("ship", "paid", "shipped"),
    Transition("cancel", ["new", "short", "paid"], "cancelled"),
)


@pytest.fixture
def order():
    return Machine("order", "new", ORDER)


def test_statuses_come_in_the_order_of_their_first_mention(order):
    assert order.statuses == ("new", "paid", "short", "shipped", "cancelled")


def test_actions_come_in_the_order_of_their_first_mention(order):
    assert order.actions == ("pay", "ship", "cancel")


def test_terminals_are_derived_when_not_declared(order):
    assert order.terminal == ("shipped", "cancelled")


def test_a_loop_to_itself_is_no_way_out():
    machine = Machine("m", "a", [Transition("go", "a", "b"), Transition("note", "b", "b")])
    assert machine.terminal == ("b",)


def test_a_machine_without_transitions_has_its_initial_status_only():
    machine = Machine("m", "a", [])
    assert (machine.statuses, machine.terminal, machine.allowed("a")) == (("a",), ("a",), [])


def test_allowed_names_each_action_once_in_order_of_definition(order):
    assert order.allowed("new") == ["pay", "cancel"]


def test_allowed_gives_a_list_of_the_callers_own(order):
    order.allowed("new").clear()
    assert order.allowed("new") == ["pay", "cancel"]


def test_allowed_of_an_unknown_status_names_the_known_ones(order):
    with pytest.raises(InvalidDataError, match="'lost' is not a status of machine 'order'; it has 'new', 'paid'"):
        order.allowed("lost")


def test_next_leads_to_the_target(order):
    assert order.next("paid", "ship") == "shipped"


def test_next_of_guarded_candidates_is_the_target_without_guard(order):
    assert order.next("new", "pay") == "short"


@pytest.mark.parametrize(
    ("status", "action", "reason", "allowed"),
    [
        ("lost", "pay", "machine 'order' has no such status", []),
        ("new", "fly", "machine 'order' has no such action", ["pay", "cancel"]),
        ("new", "ship", "no such transition", ["pay", "cancel"]),
    ],
)
def test_next_says_why_a_move_is_not_allowed(order, status, action, reason, allowed):
    with pytest.raises(TransitionNotAllowedError) as caught:
        order.next(status, action)
    error = caught.value
    assert (error.status, error.action, error.reason, error.allowed) == (status, action, reason, allowed)


def test_targets_are_all_that_an_action_may_lead_to(order):
    """One for each guard, in the order they are asked, each once."""
    assert order.targets("new", "pay") == ["paid", "short"]
    assert order.targets("paid", "ship") == ["shipped"]
    twice = Machine("m", "a", [Transition("go", "a", "b", guard=always), Transition("go", "a", "b")])
    assert twice.targets("a", "go") == ["b"]


def test_targets_of_a_move_that_is_not_there_are_refused(order):
    """As next does."""
    with pytest.raises(TransitionNotAllowedError, match="no such transition"):
        order.targets("new", "ship")


def chosen(machine, status, action, data=None, payload=None):
    return machine.choose(status, action, lambda: dict(data or {}), lambda: payload)


def test_choose_applies_the_first_candidate_whose_guard_holds(order):
    choice = chosen(order, "new", "pay", {"price": 5}, {"amount": 7})
    assert choice == Choice("paid", {"price": 5, "paid": 7}, PAY)


def test_choose_falls_to_the_next_candidate_when_a_guard_refuses(order):
    assert chosen(order, "new", "pay", {"price": 5}, {"amount": 1}).target == "short"


def test_choose_without_apply_keeps_the_data(order):
    assert chosen(order, "paid", "ship", {"price": 5}).data == {"price": 5}


def test_choose_of_an_unknown_move_is_refused(order):
    with pytest.raises(TransitionNotAllowedError, match="no such transition"):
        chosen(order, "new", "ship")


def test_choose_names_the_guard_that_refused():
    machine = Machine("m", "a", [Transition("go", "a", "b", never)])
    with pytest.raises(TransitionNotAllowedError, match="guard 'never' refused"):
        chosen(machine, "a", "go")


def test_choose_names_every_guard_when_all_refused():
    machine = Machine("m", "a", [Transition("go", "a", "b", never), Transition("go", "a", "c", never, guard_name="no")])
    with pytest.raises(TransitionNotAllowedError, match="every guard refused: 'never', 'no'"):
        chosen(machine, "a", "go")


def test_the_first_guard_that_holds_decides():
    machine = Machine("m", "a", [Transition("go", "a", "b", never), Transition("go", "a", "c", always)])
    assert chosen(machine, "a", "go").target == "c"


def test_what_a_guard_raises_passes_through():
    failure = KeyError("price")

    def broken(data, payload):
        raise failure

    machine = Machine("m", "a", [Transition("go", "a", "b", broken)])
    with pytest.raises(KeyError) as caught:
        chosen(machine, "a", "go")
    assert caught.value is failure


def test_an_apply_that_forgets_to_return_the_data_is_refused():
    def forgetful(data, payload):
        data["x"] = 1

    machine = Machine("m", "a", [Transition("go", "a", "b", apply=forgetful)])
    with pytest.raises(InvalidDataError, match="apply 'forgetful' of action 'go' returned None"):
        chosen(machine, "a", "go")


def test_each_guard_and_apply_gets_copies_of_its_own():
    def vandal(data, payload):
        data.clear()
        payload.clear()
        return False

    seen = []

    def witness(data, payload):
        seen.append((data, payload))
        return data

    machine = Machine("m", "a", [Transition("go", "a", "b", vandal), Transition("go", "a", "c", apply=witness)])
    machine.choose("a", "go", lambda: {"x": 1}, lambda: {"y": 2})
    assert seen == [({"x": 1}, {"y": 2})]


def test_a_status_that_is_named_wins_over_any_status():
    machine = Machine("m", "a", [Transition("go", "*", "c"), Transition("go", "a", "b"), Transition("on", "b", "a")])
    assert (machine.next("a", "go"), machine.next("b", "go")) == ("b", "c")


def test_any_status_is_tried_when_every_guard_of_the_named_one_refuses():
    machine = Machine("m", "a", [Transition("go", "*", "c"), Transition("go", "a", "b", never)])
    assert chosen(machine, "a", "go").target == "c"


def test_any_status_does_not_stand_for_a_declared_terminal_one():
    transitions = [Transition("finish", "a", "done"), Transition("cancel", "*", "cancelled")]
    machine = Machine("m", "a", transitions, terminal=["done", "cancelled"])
    assert [machine.allowed(status) for status in ("a", "done", "cancelled")] == [["finish", "cancel"], [], []]


def test_any_status_stands_for_every_status_without_declared_terminals():
    machine = Machine("m", "a", [Transition("cancel", "*", "cancelled")])
    assert (machine.allowed("cancelled"), machine.terminal) == (["cancel"], ("cancelled",))


class Status(StrEnum):
    NEW = "new"
    PAID = "paid"


class OldStatus(str, Enum):  # noqa: UP042 - enums of before StrEnum are met in the wild
    NEW = "new"
    PAID = "paid"


@pytest.mark.parametrize("enum", [Status, OldStatus])
def test_enum_members_become_plain_text(enum):
    machine = Machine("m", enum.NEW, [Transition(enum.PAID, [enum.NEW, "x"], enum.PAID), Transition("y", "*", "x")])
    plain = Machine("m", "new", [Transition("paid", ["new", "x"], "paid"), Transition("y", "*", "x")])
    texts = [machine.initial, *machine.statuses, *machine.actions, machine.next(enum.NEW, enum.PAID)]
    assert {type(text) for text in texts} == {str}
    assert (machine, machine.to_json()) == (plain, plain.to_json())


def test_enum_members_are_found_by_choose():
    machine = Machine("m", "new", [Transition("pay", "new", "paid")])
    assert chosen(machine, Status.NEW, "pay").target is machine.transitions[0].target


def test_several_sources_are_kept_sorted():
    assert Transition("go", {"c", "a", "b"}, "d").sources == ("a", "b", "c")


def test_one_source_in_a_list_is_the_same_as_one_source():
    assert Transition("go", ["a"], "b") == Transition("go", "a", "b")


def test_a_transition_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PAY.target = "elsewhere"  # type: ignore[misc]


def test_equal_definitions_make_equal_machines(order):
    again = Machine("order", "new", list(ORDER))
    assert (again, hash(again), again.fingerprint) == (order, hash(order), order.fingerprint)


@pytest.mark.parametrize(
    "other",
    [
        Machine("orders", "new", ORDER),
        Machine("order", "new", ORDER, version=2),
        Machine("order", "new", ORDER, terminal=["shipped", "cancelled"]),
        Machine("order", "new", [*ORDER[:2], *ORDER[:1:-1]]),
        Machine("order", "new", [*ORDER, Transition("pay", "short", "paid")]),
        Machine("order", "new", [Transition("pay", "new", "paid", always, record), *ORDER[1:]]),
    ],
)
def test_another_definition_makes_another_machine(order, other):
    assert other != order
    assert other.fingerprint != order.fingerprint


def test_a_machine_equals_nothing_else(order):
    assert order != "order"


def test_the_fingerprint_is_the_same_in_every_release():
    machine = Machine(
        "order", "new", [Transition("pay", ["short", "new"], "paid", always), Transition("x", "*", "short")]
    )
    canonical = (
        '{"initial":"new","name":"order","transitions":['
        '{"action":"pay","guard":"always","source":["new","short"],"target":"paid"},'
        '{"action":"x","source":"*","target":"short"}],"version":1}'
    )
    assert machine.fingerprint == hashlib.sha256(canonical.encode()).hexdigest()


def test_the_fingerprint_is_the_same_in_every_python():
    """By its digest, whatever order a set has, and with every part that a definition may have."""
    machine = Machine(
        "Auftrag ✓",
        next(iter(StrEnum("Step", {"NEW": "new"}))),
        [
            Transition("pay", {"short", "new", "late"}, "paid", always, lambda data, _: data),
            Transition("pay", "new", "short", apply=record, apply_name="billed"),
            Transition("wait", "*", "late"),
        ],
        version=7,
        terminal={"paid"},
        on_dependency={"shipped": "pay", "broken": "wait"},
    )
    digest = "4ae1dd1664a4fd3300859d496b5c894e748859eb0dbf27c0719ff54334b20323"  # pragma: allowlist secret
    assert machine.fingerprint == digest


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda machine: pickle.loads(pickle.dumps(machine))])
def test_a_machine_survives_copying_and_pickling(order, copied):
    again = copied(order)
    assert again == order
    assert again.next("paid", "ship") == "shipped"


class Order(BaseModel):
    price: int
    paid: int = 0


def test_a_machine_of_a_model_gives_its_guards_and_applies_the_model():
    def settle(data: Order, payload):
        return data.model_copy(update={"paid": payload})

    machine = Machine[Order](
        "order",
        "new",
        [Transition("pay", "new", "paid", lambda data, payload: payload >= data.price, settle)],
        data_type=Order,
    )
    assert machine.choose("new", "pay", lambda: Order(price=5), lambda: 5).data == Order(price=5, paid=5)


def test_a_machine_shows_its_name_version_and_size(order):
    assert repr(order) == "Machine('order', version=1, 5 statuses, 4 transitions)"


def test_an_action_that_its_guard_refused_is_not_among_the_allowed():
    """The machine has it, and it is not open: only others are named."""
    machine = Machine(
        "m", "a", [Transition("go", "a", "b", guard=lambda data, payload: False), Transition("stay", "a", "a")]
    )
    with pytest.raises(TransitionNotAllowedError) as caught:
        machine.choose("a", "go", dict, dict)
    assert caught.value.allowed == ["stay"]
    assert machine.allowed("a") == ["go", "stay"]
