# Generated from tests/_async/api/test_stored_data.py by .ci/generate_sync.py; do not edit.
"""Stored data that no longer fits the machine's data type: an error of its own, which names the state."""
import pytest
from pydantic import BaseModel

from tai_state import (
    StateMachinePersister,
    TransactionManager,
    InvalidDataError,
    Machine,
    OutcomeUnknownError,
    StoredDataError,
    Transition,
    TransitionRequest,
    change_context,
)
from tests._sync.stores import contents


class Loose(BaseModel):
    items: list[str] = []
    total: int | None = None


class Order(BaseModel):
    items: list[str]
    total: int


def machine_of(data_type, **options):
    """A machine over *data_type*: the file form knows no types, so all of them have one stamp."""
    return Machine(
        "order",
        "new",
        [
            Transition("note", "new", "new", apply=lambda order, _: order),
            Transition("check", "new", "checked", guard=lambda order, _: True),
            Transition("close", ("new", "checked"), "closed"),
        ],
        data_type=data_type,
        **options,
    )


BAD = {"items": [], "total": "many"}


@pytest.fixture
def orders(store):
    """A persister whose state "s" has data that does not fit, at version 2, since a store knows no types."""
    persister = StateMachinePersister(store, machine_of(Order))
    persister.start("g", "s", Order(items=["book"], total=3))
    store.save_state("g", "s", BAD)
    return persister


def listed(items):
    return [item for item in items]


READERS = {
    "load_state": lambda orders: orders.load_state("g", "s"),
    "replay": lambda orders: orders.replay("g", "s"),
    "create_snapshot": lambda orders: orders.create_snapshot("g", "s"),
    "list_snapshots": lambda orders: listed(orders.list_snapshots("g", "s")),
    "get_snapshot": lambda orders: orders.get_snapshot("g", "s", 2),
}
MOVES = {
    "by a reducer": lambda orders: orders.transition("g", "s", "note"),
    "by a guard": lambda orders: orders.transition("g", "s", "check"),
    "by neither": lambda orders: orders.transition("g", "s", "close"),
    "to a status": lambda orders: orders.update_status("g", "s", "closed"),
    "in a transaction": lambda orders: TransactionManager(orders.store).run(
        lambda tx: tx.transition(orders, "g", "s", "close")
    ),
}


def check(error, version=2):
    assert (error.code, error.governor_id, error.state_id, error.version) == ("stored_data", "g", "s", version)
    assert not error.retryable
    assert not isinstance(error, ValueError), "it is no caller's fault"
    assert "state 's' of governor 'g'" in str(error)
    assert "does not fit Order" in str(error)


@pytest.mark.parametrize("name", READERS)
def test_a_read_names_the_state_whose_data_does_not_fit(orders, store, name):
    """And shows nothing of the data."""
    if name in {"list_snapshots", "get_snapshot"}:
        StateMachinePersister(store).create_snapshot("g", "s")
    with pytest.raises(StoredDataError) as caught:
        READERS[name](orders)
    check(caught.value)
    assert "many" not in str(caught.value)


@pytest.mark.parametrize("name", MOVES)
def test_a_move_names_the_state_whose_data_does_not_fit(orders, store, name):
    """However it is made; nothing is written."""
    before = contents(store)
    with pytest.raises(StoredDataError) as caught:
        MOVES[name](orders)
    check(caught.value)
    assert contents(store) == before


def test_one_of_many_moves_fails_alone(orders):
    """Those of other states stand."""
    orders.start("g", "t", Order(items=[], total=1))
    requests = [TransitionRequest("g", "s", "close"), TransitionRequest("g", "t", "close")]
    first, second = orders.transition_many(requests)
    check(first)
    assert second.to_status == "closed"


def test_a_dependent_is_named_whose_data_does_not_fit(store):
    """Not the state whose move it reacts to; neither is moved."""
    machine = machine_of(Order, on_dependency={"closed": "close"})
    persister = StateMachinePersister(store, machine)
    persister.start("g", "cause", Order(items=[], total=1))
    persister.start("g", "s", Order(items=[], total=1), depends_on=["cause"])
    store.save_state("g", "s", BAD)
    with pytest.raises(StoredDataError) as caught:
        persister.transition("g", "cause", "close")
    check(caught.value)
    assert (store.get_state("g", "cause"))[1] == 1


def test_a_replay_names_the_version_that_does_not_fit_any_more(store):
    """Where the type has changed since, and the machine is run again over what older moves found."""
    StateMachinePersister(store, machine_of(Loose)).start("g", "s", {})
    StateMachinePersister(store, machine_of(Loose)).transition("g", "s", "close")
    orders = StateMachinePersister(store, machine_of(Order))
    with pytest.raises(StoredDataError) as caught:
        orders.replay("g", "s")
    check(caught.value, version=1)
    (problem,) = (orders.validate_consistency("g")).problems
    assert (problem.kind, problem.state_id) == ("replay", "s")


def test_what_a_caller_gives_is_still_his(orders, store):
    """Data that is given, or gone back to, is judged as a caller's."""
    with pytest.raises(InvalidDataError):
        orders.start("g", "t", {"items": "none"})
    store.save_state("g", "s", {"items": [], "total": 3})
    with pytest.raises(InvalidDataError):
        orders.rollback("g", "s", 2)


def test_a_state_is_brought_back_by_what_does_not_look_at_it(orders, store):
    """By a rollback to what fits, or by other data."""
    assert (orders.rollback("g", "s", 1)).version == 3
    store.save_state("g", "s", BAD)
    logged = orders.log_transition("g", "s", "mended", to_status="new", data={"items": [], "total": 1})
    assert (orders.load_state("g", "s")).snapshot.data == logged.snapshot.data


def test_the_outcome_of_a_forced_change_is_told_as_the_change_was(store):
    """What does not fit is the dict that it is: the one call that a caller in doubt has must not fail by it."""
    persister = StateMachinePersister(store, machine_of(Order))
    persister.start("g", "s", Order(items=[], total=1))
    with change_context(changed_by="ann", reason="repair"):
        forced = persister.log_transition("g", "s", "mend", to_status="new", data={"x": "no"}, force=True)
    error = OutcomeUnknownError(forced.event.transition_id, "g", "s", forced.version)
    told = persister.outcome(error)
    assert told is not None
    assert (told.snapshot.data, told.version) == (forced.snapshot.data, forced.version) == ({"x": "no"}, 2)
