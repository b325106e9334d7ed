"""A machine's data has one type, from its definition to what is read: mypy --strict and basedpyright infer it alike."""

import pytest

from tests.unit.house.checkers import basedpyright_says, mypy_says

HEAD = """
from typing import Any

from pydantic import BaseModel
from typing_extensions import TypedDict, assert_type

from tai_state import (
    AsyncStateMachinePersister, Machine, StateMachinePersister, StateSnapshot, Transaction, Transition,
    async_connect, connect,
)


class A(BaseModel):
    n: int = 0


class B(BaseModel):
    text: str = ""


class Fields(TypedDict):
    n: int


def big(data: A, payload: Any) -> bool:
    return data.n > 1


def add(data: A, payload: Any) -> A:
    return data.model_copy(update={"n": data.n + 1})


def other(data: B, payload: Any) -> B:
    return data


def full(data: dict[str, Any], payload: Any) -> bool:
    return "n" in data


def few(data: Fields, payload: Any) -> bool:
    return data["n"] < 5


MOVES = [Transition("x", "a", "b"), Transition("y", "b", "a")]
"""

MACHINES = {
    "no moves": ('Machine("m", "a", [], data_type=A)', "Machine[A]"),
    "no functions": ('Machine("m", "a", [Transition("x", "a", "b")], data_type=A)', "Machine[A]"),
    "moves of their own": ('Machine("m", "a", MOVES, data_type=A, terminal=["b"], version=2)', "Machine[A]"),
    "an iterator": ('Machine("m", "a", (Transition(x, "a", "b") for x in "xy"), data_type=A)', "Machine[A]"),
    "a guard": ('Machine("m", "a", [Transition("x", "a", "b", guard=big)], data_type=A)', "Machine[A]"),
    "a reducer": ('Machine("m", "a", [Transition("x", "a", "b", apply=add)], data_type=A)', "Machine[A]"),
    "both, and a move without": (
        'Machine("m", "a", [Transition("x", "a", "b", big, add), Transition("y", "b", "a")], data_type=A)',
        "Machine[A]",
    ),
    "added to others": ('Machine("m", "a", [*MOVES, Transition("z", "a", "b", apply=add)], data_type=A)', "Machine[A]"),
    "a tuple": (
        'Machine("m", "a", (Transition("x", "a", "b"), Transition("y", "b", "a", big)), data_type=A)',
        "Machine[A]",
    ),
    "lambdas of a machine that says its type": (
        'Machine[A]("m", "a", [Transition("x", "a", "b", guard=lambda data, _: data.n > 1)], data_type=A)',
        "Machine[A]",
    ),
    "read from a file": ('Machine.from_json("{}", data_type=A)', "Machine[A]"),
    "dicts": ('Machine("m", "a", [Transition("x", "a", "b")])', "Machine[dict[str, Any]]"),
    "dicts and no moves": ('Machine("m", "a", [])', "Machine[dict[str, Any]]"),
    "dicts and moves of their own": ('Machine("m", "a", MOVES)', "Machine[dict[str, Any]]"),
    "dicts and a guard": (
        'Machine("m", "a", [Transition("x", "a", "b", guard=full), Transition("y", "b", "a")])',
        "Machine[dict[str, Any]]",
    ),
    "dicts and lambdas": (
        'Machine("m", "a", [Transition("x", "a", "b", lambda d, p: d["n"] > 1, lambda d, p: {**d, "n": 1})])',
        "Machine[dict[str, Any]]",
    ),
    "dicts of a file": ('Machine.from_json("{}")', "Machine[dict[str, Any]]"),
    "dicts with a type": (
        'Machine[Fields]("m", "a", [Transition("x", "a", "b", guard=few), Transition("y", "b", "a")], data_type=None)',
        "Machine[Fields]",
    ),
}
"""Machines, and the type that is inferred."""

READS = """
store = connect("memory://")
typed = StateMachinePersister(store, Machine("m", "a", [Transition("x", "a", "b")], data_type=A))
assert_type(typed, StateMachinePersister[A])
assert_type(typed.load_state("g", "s").snapshot.data, A)
assert_type(typed.start("g", "s", A()).snapshot.data, A)
assert_type(typed.transition("g", "s", "x").snapshot.data, A)
for state in typed.list_states("g", status="a", after="s", limit=5):
    assert_type(state, StateSnapshot[A])
for event in typed.history("g", "s"):
    assert_type(event.to_state, A)
assert_type(typed.replay("g", "s").data, A)
assert_type(typed.get_snapshot("g", "s", 1).data, A)
assert_type(typed.rollback("g", "s", 1).snapshot.data, A)


def body(tx: Transaction) -> None:
    assert_type(tx.start(typed, "g", "s", A()).snapshot.data, A)
    assert_type(tx.transition(typed, "g", "s", "x").snapshot.data, A)
    assert_type(tx.get_state("g", "s")[0].data, dict[str, Any])


plain = StateMachinePersister(store, Machine("m", "a", MOVES))
assert_type(plain, StateMachinePersister[dict[str, Any]])
assert_type(plain.load_state("g", "s").snapshot.data, dict[str, Any])
assert_type(plain.transition("g", "s", "x").snapshot.data, dict[str, Any])
assert_type(StateMachinePersister(store), StateMachinePersister[dict[str, Any]])
assert_type(store.get_state("g", "s")[0].data, dict[str, Any])


async def work() -> None:
    store = async_connect("memory://")
    typed = AsyncStateMachinePersister(store, Machine("m", "a", MOVES, data_type=A), machines=[Machine("o", "a", [])])
    assert_type(typed, AsyncStateMachinePersister[A])
    assert_type((await typed.load_state("g", "s")).snapshot.data, A)
    assert_type((await typed.transition("g", "s", "x")).snapshot.data, A)
    async for state in typed.list_states("g"):
        assert_type(state, StateSnapshot[A])
"""

WRONG = {
    "a guard of other data": 'Machine("m", "a", [Transition("x", "a", "b", guard=full)], data_type=A)',
    "a reducer of another model": 'Machine("m", "a", [Transition("x", "a", "b", apply=other)], data_type=A)',
    "a model without its data type": 'Machine("m", "a", [Transition("x", "a", "b", guard=big)])',
    "a lambda that looks for what is not there": (
        'Machine[A]("m", "a", [Transition("x", "a", "b", guard=lambda data, _: data.colour > 1)], data_type=A)'
    ),
}


@pytest.mark.parametrize("says", [mypy_says, basedpyright_says])
def test_the_type_of_the_data_is_inferred(says, tmp_path):
    """With reducers and guards and without, from the machine to what a persister reads; mistakes are found."""
    right = [f"assert_type({made}, {inferred})" for made, inferred in MACHINES.values()]
    inferred, *mistaken = says(
        tmp_path, [HEAD + "\n".join(right) + READS, *(f"{HEAD}\n{one}" for one in WRONG.values())]
    )
    assert inferred == []
    for name, said in zip(WRONG, mistaken, strict=True):
        assert said, name
