# Generated from tests/_async/api/test_persister_payloads.py by .ci/generate_sync.py; do not edit.
"""What a move is given: payloads of any kind, versions, names, and errors of a reducer."""
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel

from tai_state import (
    StateMachinePersister,
    InvalidDataError,
    Machine,
    Transition,
)
from tests._sync.machines import COUNTER
from tests._sync.stores import contents, in_memory


class Card(BaseModel):
    number: int


@pytest.mark.parametrize(
    ("payload", "stored"),
    [
        (None, None),
        (True, True),
        (1, 1),
        (1.5, 1.5),
        ("text", "text"),
        (b"bytes", b"bytes"),
        ([1, [2]], [1, [2]]),
        ({"a": {"": 1}}, {"a": {"": 1}}),
        (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)),
        (Card(number=5), {"number": 5}),
        ("x" * 50_000, "x" * 50_000),
        ({"$map": 1}, {"$map": 1}),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_a_payload_of_any_kind(store, payload, stored):
    """Guard, reducer and event get it equal and of the same type."""
    seen = []

    def guard(data, value):
        seen.append(value)
        return True

    machine = Machine("p", "on", [Transition("go", "on", "on", guard=guard, apply=lambda data, value: {"got": value})])
    persister = StateMachinePersister(store, machine)
    persister.start("g", "s")
    result = persister.transition("g", "s", "go", payload)
    (_, event) = [one for one in store.get_events("g", "s")]
    for value in (*seen, result.event.payload, event.payload, event.to_state["got"]):
        assert (value, type(value)) == (stored, type(stored))


@in_memory
@pytest.mark.parametrize(
    ("payload", "path"),
    [((1,), "payload"), ({"a": {1}}, "payload.a"), ([float("nan")], "payload[0]"), (2**63, "payload")],
    ids=ascii,
)
def test_a_payload_that_cannot_be_stored_is_refused(place, payload, path):
    """Named, and nothing is sent."""
    store, backend = place.counting()
    with pytest.raises(InvalidDataError) as caught:
        StateMachinePersister(store, COUNTER).transition("g", "s", "add", payload)
    assert caught.value.path == path
    assert backend.calls == []


def test_what_a_reducer_makes_is_checked(store):
    """Data that cannot be stored is refused with its path, and nothing is written."""
    machine = Machine("bad", "on", [Transition("go", "on", "on", apply=lambda data, payload: {"a": [float("nan")]})])
    persister = StateMachinePersister(store, machine)
    persister.start("g", "s")
    before = contents(store)
    with pytest.raises(InvalidDataError) as caught:
        persister.transition("g", "s", "go")
    assert caught.value.path == "data.a[0]"
    assert contents(store) == before
