"""What the service tells of orders, without a framework: the same from both servers."""

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from orders.machine import ORDERS, Order
from tai_state import Event, StateNotFoundError, StateSnapshot, TransitionResult
from tai_state.adapters.headers import etag_of

CALL_SECONDS = float(os.environ.get("ORDERS_CALL_SECONDS", "8"))
"""What a call of the store may take, retries included: less than what is left to a process that ends."""

HEALTH_SECONDS = 2.0
PAGE_MAX = 100
BODY_BYTES_MAX = 65_536
METRICS = "text/plain; version=0.0.4; charset=utf-8"


class Answer(NamedTuple):
    """A response as both frameworks can give it."""

    content: dict[str, Any]
    status: int = 200
    headers: Mapping[str, str] = MappingProxyType({})


def shown(snapshot: StateSnapshot[Order]) -> dict[str, Any]:
    """Return an order as its readers see it."""
    return {
        "shop": snapshot.governor_id,
        "order": snapshot.state_id,
        "status": snapshot.status,
        "version": snapshot.version,
        "data": snapshot.data.model_dump(mode="json"),
        "actions": list(ORDERS.allowed(snapshot.status)),
        "changed_by": snapshot.metadata.changed_by,
        "changed_at": snapshot.timestamp.isoformat(),
    }


def read(snapshot: StateSnapshot[Order]) -> Answer:
    """Tell of an order; its entity tag is its version."""
    return Answer(shown(snapshot), headers={"ETag": etag_of(snapshot.version)})


def changed(result: TransitionResult[Order], status: int = 200) -> Answer:
    """Tell of a change; a repetition under its key is told the same, and that it is one."""
    headers = {"ETag": etag_of(result.version), "Idempotency-Replayed": str(result.replayed).lower()}
    return Answer(shown(result.snapshot), status, headers)


def page(shop: str, order: str, events: Sequence[Event], after: int, limit: int) -> Answer:
    """Tell of the first *limit* of the *events* of an order, and after which version there are more.

    Raises:
        StateNotFoundError: There never was one.
    """
    if not events and not after:
        raise StateNotFoundError(shop, order)
    lines = [
        {
            "version": event.version,
            "action": event.action,
            "from": event.from_status,
            "to": event.to_status,
            "payload": event.payload,
            "key": event.idempotency_key,
            "by": event.metadata.changed_by,
            "at": event.timestamp.isoformat(),
        }
        for event in events
    ]
    return Answer({"events": lines[:limit], "after": lines[limit - 1]["version"] if len(lines) > limit else None})
