"""What a user's type checker says: the usual code passes mypy --strict, in both colours, and a mistake does not."""

from tests.unit.house.checkers import mypy_says

SYNC = """
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from typing_extensions import assert_type

from tai_state import (
    ChangeMetadata, Event, Machine, OutcomeUnknownError, PersistenceConfig, StateMachinePersister, StateSnapshot,
    TaiStateError, Transition, TransitionRequest, TransitionResult, change_context, connect,
)


class Status(StrEnum):
    NEW = "new"
    PAID = "paid"


class Order(BaseModel):
    total: int = 0


def enough(order: Order, payload: Any) -> bool:
    return order.total >= 0


def pay(order: Order, payload: Any) -> Order:
    return order.model_copy(update={"total": payload})


ORDERS = Machine(
    "orders", Status.NEW, [Transition("pay", Status.NEW, Status.PAID, guard=enough, apply=pay)], data_type=Order
)
assert_type(ORDERS, Machine[Order])

PLAIN = Machine("plain", "a", [Transition("go", "a", "b", apply=lambda data, payload: {**data, "n": 1})])


def work(url: str | None) -> None:
    with connect(url, actor="ann") as store, change_context(changed_by="ann", reason="why", context={"k": 1}):
        version: int = store.save_state("g", "s", {"n": 1}, ChangeMetadata(changed_by="ann"), status="new")
        snapshot, read = store.get_state("g", "s", timeout=5)
        assert_type(read, int)
        assert_type(snapshot, StateSnapshot[dict[str, Any]])
        store.update_state("g", "s", Order(total=1), version)
        for state in store.list_states("g", status="new", limit=10):
            print(state.data["n"], state.status)
        for governor in store.list_governors():
            print(governor.upper())
        persister = StateMachinePersister(store, ORDERS, PersistenceConfig(snapshot_interval=10))
        assert_type(persister, StateMachinePersister[Order])
        persister.start("g", "o", Order())
        result = persister.transition("g", "o", "pay", 5, expected_version=1, idempotency_key="k", error=None)
        assert_type(result, TransitionResult[Order])
        total: int = result.snapshot.data.total
        print(total)
        for event in persister.history("g", "o"):
            assert_type(event, Event[Order])
        outcomes = persister.transition_many([TransitionRequest("g", "o", "pay")])
        for outcome in outcomes:
            if isinstance(outcome, TaiStateError):
                print(outcome.code, outcome.retryable, outcome.retry_after)
            else:
                print(outcome.version)
        try:
            persister.rollback("g", "o", 1)
        except OutcomeUnknownError as error:
            print(persister.outcome(error))
        print(persister.validate_consistency("g").is_consistent, persister.load_state("g", "o").snapshot.data.total)
        plain = StateMachinePersister(store, PLAIN)
        print(plain.transition("g", "p", "go").snapshot.data["n"])
        print(StateMachinePersister(store).log_transition("g", "l", "a", to_status="b", data={}).version)
"""

ASYNC = """
from typing import Any

from pydantic import BaseModel
from typing_extensions import assert_type

from tai_state import (
    AsyncStateMachinePersister, Event, Machine, StateSnapshot, Transition, TransitionResult, async_connect,
    change_context,
)


class Order(BaseModel):
    total: int = 0


def pay(order: Order, payload: Any) -> Order:
    return order.model_copy(update={"total": payload})


ORDERS = Machine("orders", "new", [Transition("pay", "new", "paid", apply=pay)], data_type=Order)


async def work(url: str | None) -> None:
    async with async_connect(url, actor="ann") as store:
        with change_context(changed_by="ann"):
            version: int = await store.save_state("g", "s", {"n": 1})
        snapshot, read = await store.get_state("g", "s")
        assert_type(snapshot, StateSnapshot[dict[str, Any]])
        assert_type(read, int)
        async for state in store.list_states("g"):
            print(state.version, version)
        async for event in store.get_events("g", "s", after=1):
            print(event.action)
        persister = AsyncStateMachinePersister(store, ORDERS)
        await persister.start("g", "o", {"total": 1})
        result = await persister.transition("g", "o", "pay", 5)
        assert_type(result, TransitionResult[Order])
        print(result.snapshot.data.total)
        async for moved in persister.history("g", "o"):
            assert_type(moved, Event[Order])
        loaded = await persister.load_state("g", "o")
        assert_type(loaded.snapshot.data, Order)
"""

WRONG = {
    "the data has no such field": (
        "persister.transition('g', 's', 'pay').snapshot.data.colour",
        "attr-defined",
    ),
    "a version is an int": ("store.update_state('g', 's', {}, '1')", "arg-type"),
    "an option is misspelt": ("store.save_state('g', 's', {}, expected=1)", "call-arg"),
    "a missing state is None": ("store.find_state('g', 's').version", "union-attr"),
    "a reducer returns data": (
        "Machine('m', 'a', [Transition('x', 'a', 'b', apply=lambda order, payload: 5)], data_type=Order)",
        "arg-type|misc|return-value|list-item",
    ),
    "an event is frozen": ("next(iter(store.get_events('g', 's'))).version = 2", "misc"),
}
HEAD = """
from pydantic import BaseModel

from tai_state import Machine, StateMachinePersister, Transition, connect


class Order(BaseModel):
    total: int = 0


ORDERS = Machine("orders", "new", [Transition("pay", "new", "paid")], data_type=Order)
store = connect("memory://")
persister: StateMachinePersister[Order] = StateMachinePersister(store, ORDERS)
"""


def test_users_code_is_checked(tmp_path):
    """What the contract shows passes, and each mistake is found with its own code."""
    mistakes = [f"{HEAD}\n{line}\n" for line, _ in WRONG.values()]
    sync_says, async_says, *wrong_say = mypy_says(tmp_path, [SYNC, ASYNC, *mistakes])
    assert sync_says == []
    assert async_says == []
    for (name, (_, codes)), said in zip(WRONG.items(), wrong_say, strict=True):
        # The mistake alone: what stands before it is in order.
        assert len(said) == 1, (name, said)
        assert any(f"[{code}]" in said[0] for code in codes.split("|")), (name, said)
