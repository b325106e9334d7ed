"""What an order goes through, and what may be said to it."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from tai_state import InvalidDataError, Machine, Transition

ModelT = TypeVar("ModelT", bound=BaseModel)
Sku = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,40}$")]


class Order(BaseModel):
    """The data of an order; amounts are in cents."""

    customer: Annotated[str, Field(min_length=1, max_length=200)]
    items: dict[Sku, int] = {}
    paid: int = 0


class Add(BaseModel, extra="forbid"):
    """What comes with ``add``: so many more of one thing."""

    sku: Sku
    quantity: Annotated[int, Field(ge=1, le=1_000)] = 1


class Pay(BaseModel, extra="forbid"):
    """What comes with ``pay``."""

    amount: Annotated[int, Field(gt=0)]


class Nothing(BaseModel, extra="forbid"):
    """What comes with an action that says everything."""


def with_item(order: Order, payload: Mapping[str, Any]) -> Order:
    """Return the order with more of one thing."""
    sku = payload["sku"]
    return order.model_copy(update={"items": order.items | {sku: order.items.get(sku, 0) + payload["quantity"]}})


def with_payment(order: Order, payload: Mapping[str, Any]) -> Order:
    """Return the order with what was paid."""
    return order.model_copy(update={"paid": order.paid + payload["amount"]})


def has_items(order: Order, _: object) -> bool:
    """Whether there is anything to pay for."""
    return bool(order.items)


# Raise the version with every change of the definition.
ORDERS: Machine[Order] = Machine(
    "order",
    "new",
    [
        Transition("add", "new", "new", apply=with_item),
        Transition("pay", "new", "paid", guard=has_items, apply=with_payment),
        Transition("ship", "paid", "shipped"),
        Transition("deliver", "shipped", "delivered"),
        Transition("cancel", ("new", "paid"), "cancelled"),
    ],
    version=1,
    data_type=Order,
)

PAYLOADS: Mapping[str, type[BaseModel]] = {"add": Add, "pay": Pay}


def order_of(body: object) -> Order:
    """Return the new order that *body* describes.

    Raises:
        InvalidDataError: It describes none.
    """
    return _checked(Order, body)


def payload_of(action: str, body: object) -> dict[str, Any] | None:
    """Return what comes with *action*, checked; whether there is such an action, the machine says.

    Raises:
        InvalidDataError: It is not what the action needs.
    """
    return _checked(PAYLOADS.get(action, Nothing), {} if body is None else body).model_dump() or None


def _checked(kind: type[ModelT], body: object) -> ModelT:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        path = ".".join(["body", *map(str, first["loc"])])
        raise InvalidDataError(first["msg"], path=path) from None
