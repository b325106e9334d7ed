"""The machines of these tests."""

from enum import StrEnum

from pydantic import BaseModel

from tai_state import Machine, Transition


def added(data, payload):
    return {**data, "n": data.get("n", 0) + (1 if payload is None else payload)}


COUNTER = Machine(
    "counter",
    "open",
    [
        Transition("add", "open", "open", apply=added),
        Transition("shut", "open", "shut"),
        Transition("reopen", "shut", "open"),
    ],
)
"""Counts what is added, while it is open."""

GUARDED = Machine(
    "guarded",
    "low",
    [
        Transition("raise", "low", "high", guard=lambda data, payload: payload > 10),
        Transition("raise", "low", "middle", guard=lambda data, payload: payload > 5),
        Transition("raise", "low", "low", apply=added),
        Transition("drop", ("middle", "high"), "low", guard=lambda data, payload: payload == "please"),
        Transition("reset", "*", "low", apply=lambda data, payload: {}),
    ],
)
"""Guards choose among three targets; "drop" has one that may refuse."""


class Status(StrEnum):
    NEW = "new"
    PAID = "paid"
    SHIPPED = "shipped"


class Action(StrEnum):
    PAY = "pay"
    SHIP = "ship"


class Order(BaseModel):
    items: list[str]
    paid: int = 0
    note: str = ""


def pay(order: Order, payload: int) -> Order:
    return order.model_copy(update={"paid": order.paid + payload})


ORDERS = Machine(
    "orders",
    Status.NEW,
    [
        Transition(Action.PAY, Status.NEW, Status.PAID, apply=pay, guard=lambda order, payload: payload > 0),
        Transition(Action.SHIP, Status.PAID, Status.SHIPPED, guard=lambda order, payload: order.items != []),
    ],
    data_type=Order,
)
"""Statuses and actions are enums, the data a model."""
