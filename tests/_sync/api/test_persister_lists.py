# Generated from tests/_async/api/test_persister_lists.py by .ci/generate_sync.py; do not edit.
"""A persister lists its machine's states, their data typed; what others moved is passed over."""
import pytest
from pydantic import BaseModel

from tai_state import (
    StateMachinePersister,
    InvalidDataError,
    Machine,
    PersistenceConfig,
    StoreError,
    Transition,
)
from tai_state._sync.access import access
from tai_state.layout import state_layout
from tests._sync.stores import plant, until_damage


class Order(BaseModel):
    total: int = 0


MOVES = [Transition("pay", "new", "paid"), Transition("refund", "paid", "new")]
ORDERS = Machine("order", "new", MOVES, data_type=Order)
TASKS = Machine("task", "new", [Transition("do", "new", "done")])


def ids(items):
    return [snapshot.state_id for snapshot in items]


@pytest.fixture
def orders(store):
    """Orders a, c and e, among a task, a state that no machine moved, and an order that is deleted."""
    persister = StateMachinePersister(store, ORDERS)
    for number, state_id in enumerate("ace"):
        persister.start("g", state_id, Order(total=number))
    persister.transition("g", "c", "pay")
    StateMachinePersister(store, TASKS).start("g", "b", {"n": 1})
    store.save_state("g", "d", {"n": 1}, status="new")
    persister.start("g", "f", Order())
    store.delete_state("g", "f")
    return persister


def test_only_this_machines_states_are_listed_and_typed(orders):
    """In the order of their ids, their data as the machine's data type."""
    listed = [snapshot for snapshot in orders.list_states("g")]
    assert [(one.state_id, one.data) for one in listed] == [
        ("a", Order(total=0)),
        ("c", Order(total=1)),
        ("e", Order(total=2)),
    ]
    assert {type(one.data) for one in listed} == {Order}


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ({"status": "new"}, "ae"),
        ({"status": "paid"}, "c"),
        ({"after": "a"}, "ce"),
        ({"limit": 2}, "ac"),
        ({"after": "a", "limit": 1}, "c"),
        ({"status": "new", "after": "a", "limit": 5}, "e"),
        ({"limit": 0}, ""),
        ({"include_deleted": True}, "acef"),
        ({"include_deleted": True, "limit": 9}, "acef"),
    ],
    ids=str,
)
def test_a_list_is_narrowed_as_the_stores_is(orders, asked, given):
    """By status, by the id before it, by a number, and to those that are not deleted."""
    assert ids(orders.list_states("g", **asked)) == list(given)


def test_a_newer_version_of_the_machine_is_the_same_machine(orders, store):
    """Its states are listed by their machine's name, as they are loaded."""
    newer = StateMachinePersister(store, Machine("order", "new", MOVES, version=2, data_type=Order))
    newer.transition("g", "a", "pay")
    assert ids(orders.list_states("g")) == ["a", "c", "e"]
    assert ids(newer.list_states("g", limit=9)) == ["a", "c", "e"]


def test_a_persister_without_a_machine_lists_all(orders, store):
    """It loads all, too."""
    assert ids(StateMachinePersister(store).list_states("g")) == list("abcde")


def test_states_of_others_cost_nothing_where_few_are_asked_for(orders, monkeypatch):
    """The engine is asked for this machine's states: each page holds them alone."""
    for number in range(20):
        orders.store.save_state("g", f"a{number}", {})
    monkeypatch.setattr(access, "PAGE", 4)
    given = []
    backend = orders.store.runtime.access.backend
    query = backend.query

    def weighed(*arguments, **options):
        for document in query(*arguments, **options):
            given.append(document.path.id)
            yield document

    monkeypatch.setattr(backend, "query", weighed)
    assert ids(orders.list_states("g", limit=2)) == ["a", "c"]
    assert given == ["a", "c"]


def test_a_list_reads_page_by_page(orders, monkeypatch):
    """However many states there are, few are held at a time."""
    monkeypatch.setattr("tai_state._sync.access.access.PAGE", 2)
    for number in range(5):
        orders.start("g", f"p{number}", Order())
    assert ids(orders.list_states("g")) == ["a", "c", "e", "p0", "p1", "p2", "p3", "p4"]


@pytest.mark.parametrize("asked", [{}, {"status": "new"}, {"limit": 5}], ids=str)
def test_damage_is_passed_over_and_named(orders, asked):
    """Behind the last sound state, as by the store's list."""
    plant(orders.store, state_layout("g", "a").state, data=5)
    listed, error = until_damage(orders.list_states("g", **asked))
    assert listed[-1].state_id == "e"
    assert "a" not in {snapshot.state_id for snapshot in listed}
    assert error.state_ids == ["a"]


@pytest.mark.parametrize("asked", [{}, {"limit": 5}], ids=str)
def test_data_that_does_not_fit_is_passed_over_and_named(orders, store, asked):
    """One state that lost its shape takes nobody the others; the error says where it does not fit."""
    store.save_state("g", "a", {"total": "much"})
    listed, error = until_damage(orders.list_states("g", **asked))
    assert [snapshot.state_id for snapshot in listed] == ["c", "e"]
    assert error.state_ids == ["a"]
    assert "does not fit Order: total" in str(error)


@pytest.mark.parametrize("limit", [-1, True, "1"])
def test_a_limit_that_is_none_is_refused(orders, limit):
    """Before anything is read."""
    with pytest.raises(InvalidDataError, match="limit"):
        ids(orders.list_states("g", limit=limit))


def test_a_drained_persister_lists_nothing(store):
    """Its store goes on."""
    persister = StateMachinePersister(store, ORDERS, PersistenceConfig())
    persister.start("g", "a")
    persister.drain()
    with pytest.raises(StoreError, match="the persister is drained"):
        ids(persister.list_states("g"))
    assert ids(store.list_states("g")) == ["a"]
