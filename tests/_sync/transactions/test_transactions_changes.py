# Generated from tests/_async/transactions/test_transactions_changes.py by .ci/generate_sync.py; do not edit.
"""What a transaction changes: any states of any governors, all or none."""
import pytest

from tai_state import (
    MemoryStore,
    StateMachinePersister,
    ChangeMetadata,
    ConfigurationError,
    InvalidDataError,
    InvalidIdError,
    StateExistsError,
    StateNotFoundError,
    TransitionNotAllowedError,
    VersionConflictError,
    change_context,
)
from tests._sync.accounts import BANK, amounts, open_accounts, put, transfer, manager_of
from tests._sync.machines import COUNTER, ORDERS, Order
from tests._sync.stores import contents


class Refused(Exception):  # noqa: N818 - what a user's own exception may be called
    pass


def test_states_of_several_governors_change_together(place):
    """One commit writes them all."""
    store, backend = place.counting()

    def body(tx):
        return [tx.save_state(governor, "s", {"of": governor}) for governor in ("g", "h", "état 1")]

    assert manager_of(store).run(body) == [1, 1, 1]
    assert backend.calls.count("commit") == 1
    for governor in ("g", "h", "état 1"):
        assert (store.get_state(governor, "s"))[0].data == {"of": governor}


def test_an_exception_of_the_body_passes_and_writes_nothing(place):
    """The very object that was raised, and not one commit."""
    store, backend = place.counting()
    open_accounts(store, a=10, b=0)
    backend.taken()
    error = Refused("too little")

    def body(tx):
        transfer(tx, "a", "b", 5)
        raise error

    with pytest.raises(Refused) as caught:
        manager_of(store).run(body)
    assert caught.value is error
    assert error.__cause__ is None
    assert error.__context__ is None
    assert "commit" not in backend.taken()
    assert amounts(store, "a", "b") == [10, 0]


def test_nothing_is_seen_before_the_body_has_ended(store):
    """Writes wait for the commit."""
    open_accounts(store, a=1)
    seen = []

    def body(tx):
        put(tx, "a", 2)
        seen.append(amounts(store, "a"))

    manager_of(store).run(body)
    assert seen == [[1]]
    assert amounts(store, "a") == [2]


def test_reads_see_what_the_body_wrote(store):
    """By every way of reading, and the version that it will have."""

    def body(tx):
        assert tx.find_state(BANK, "a") is None
        assert put(tx, "a", 7) == 1
        snapshot, version = tx.get_state(BANK, "a")
        assert (snapshot.data, version) == ({"n": 7}, 1)
        assert tx.find_state(BANK, "a") == snapshot
        batch = tx.batch_get_states(BANK, ["a", "b"])
        assert (batch.found, batch.missing) == ({"a": snapshot}, ["b"])
        return snapshot

    snapshot = manager_of(store).run(body)
    assert (store.get_state(BANK, "a"))[0] == snapshot


def test_a_deletion_is_seen_by_the_body(store):
    """The state is gone for it, and what it makes anew goes on from the tombstone."""
    open_accounts(store, a=1)

    def body(tx):
        assert tx.delete_state(BANK, "a") == 2
        assert tx.find_state(BANK, "a") is None
        assert (tx.batch_get_states(BANK, ["a"])).missing == ["a"]
        with pytest.raises(StateNotFoundError):
            tx.get_state(BANK, "a")
        return put(tx, "a", 3)

    assert manager_of(store).run(body) == 3
    assert [event.action for event in store.get_events(BANK, "a")] == ["save", "delete", "save"]


def test_what_a_body_reads_is_its_own(store):
    """Changing it changes neither the store nor what is read next."""
    open_accounts(store, a=1)

    def body(tx):
        (tx.get_state(BANK, "a"))[0].data["n"] = 99
        return (tx.get_state(BANK, "a"))[0].data

    assert manager_of(store).run(body) == {"n": 1}


def test_two_moves_of_one_machine_are_two_events_of_one_commit(place):
    """A chain that replays soundly, and a result for each move."""
    store, backend = place.counting()
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    backend.taken()

    def body(tx):
        return [tx.transition(persister, "g", "s", "add", amount) for amount in (5, 7)]

    first, second = manager_of(store).run(body)
    assert backend.taken().count("commit") == 1
    assert [(one.version, one.snapshot.data, one.from_status) for one in (first, second)] == [
        (2, {"n": 5}, "open"),
        (3, {"n": 12}, "open"),
    ]
    assert (persister.validate_consistency("g")).problems == []
    assert (persister.replay("g", "s")).data == {"n": 12}
    events = [event for event in store.get_events("g", "s")]
    assert [event.previous_hash for event in events[1:]] == [event.hash for event in events[:-1]]
    assert events[1].transition_id != events[2].transition_id


def test_several_machines_move_together(store):
    """An order and the stock that it takes from, started in the same transaction."""
    orders, stock = (StateMachinePersister(store, machine) for machine in (ORDERS, COUNTER))

    def body(tx):
        tx.start(stock, "shop", "stock", {"n": 10})
        tx.start(orders, "shop", "order", Order(items=["x"]))
        tx.transition(stock, "shop", "stock", "add", -1)
        return tx.transition(orders, "shop", "order", "pay", 30, error="late")

    result = manager_of(store).run(body)
    assert result.snapshot.data == Order(items=["x"], paid=30)
    assert (result.to_status, result.snapshot.last_error) == ("paid", "late")
    assert (stock.load_state("shop", "stock")).snapshot.data == {"n": 9}
    assert (orders.validate_consistency("shop")).problems == []


def test_one_refused_move_undoes_all_others(store):
    """The machine refuses the second; the first is not written either."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    before = contents(store)

    def body(tx):
        tx.transition(persister, "g", "s", "add", 5)
        tx.transition(persister, "g", "s", "reopen")

    with pytest.raises(TransitionNotAllowedError):
        manager_of(store).run(body)
    assert contents(store) == before


def test_a_refusal_that_the_body_catches_is_its_own_affair(store):
    """The transaction goes on, and what was refused left nothing behind."""
    open_accounts(store, a=1)
    persister = StateMachinePersister(store, COUNTER)

    def body(tx):
        with pytest.raises(VersionConflictError):
            tx.update_state(BANK, "a", {}, 9)
        with pytest.raises(StateNotFoundError):
            tx.transition(persister, BANK, "b", "add")
        tx.start(persister, BANK, "b", {"n": 5})
        with pytest.raises(StateExistsError):
            tx.start(persister, BANK, "b")
        with pytest.raises(InvalidDataError):
            tx.save_state(BANK, "a", {"n": (1,)})
        return tx.update_state(BANK, "a", {"n": 2}, 1)

    assert manager_of(store).run(body) == 2
    assert amounts(store, "a", "b") == [2, 5]


@pytest.mark.parametrize("missing", ["update_state", "delete_state"])
def test_a_missing_state_is_refused(store, missing):
    """As it is outside of a transaction."""

    def body(tx):
        getattr(tx, missing)("g", "s", *([{}, 1] if missing == "update_state" else []))

    with pytest.raises(StateNotFoundError):
        manager_of(store).run(body)


def test_a_state_that_must_not_exist(store):
    """``expected_version=0`` creates, and refuses what is there."""

    def body(tx):
        return tx.save_state("g", "s", {}, expected_version=0, status="new")

    assert manager_of(store).run(body) == 1
    with pytest.raises(VersionConflictError):
        manager_of(store).run(body)


def test_changes_are_signed(store):
    """By the argument, the context around the run, the store's actor."""

    def body(tx):
        tx.save_state("g", "a", {}, ChangeMetadata(changed_by="ada", reason="because"))
        tx.save_state("g", "b", {})

    with change_context(changed_by="bob"):
        manager_of(store).run(body)
    manager_of(store).run(lambda tx: tx.save_state("g", "c", {}))
    authors = [one.metadata.changed_by for one in store.list_states("g")]
    assert authors == ["ada", "bob", "tester"]


def test_a_persister_of_another_store_is_refused(store):
    """Its states are not the transaction's."""
    stranger = StateMachinePersister(MemoryStore(), COUNTER)
    for call in ("start", "transition"):

        def body(tx, call=call):
            getattr(tx, call)(stranger, "g", "s", *(["add"] if call == "transition" else []))

        with pytest.raises(ConfigurationError, match="another store"):
            manager_of(store).run(body)


def test_a_machine_is_needed_to_move(store):
    """A persister without one says so."""
    persister = StateMachinePersister(store)
    with pytest.raises(ConfigurationError, match="no machine"):
        manager_of(store).run(lambda tx: tx.transition(persister, "g", "s", "add"))


def test_ids_are_checked(store):
    """And one text is not several ids."""
    for call in (
        lambda tx: tx.get_state("", "s"),
        lambda tx: tx.batch_get_states(7, []),
        lambda tx: tx.save_state("g", "", {}),
    ):
        with pytest.raises(InvalidIdError):
            manager_of(store).run(call)
    with pytest.raises(InvalidDataError, match="several"):
        manager_of(store).run(lambda tx: tx.batch_get_states("g", "abc"))


def test_the_store_goes_on_from_what_a_transaction_made(place):
    """Its cache holds the new heads: the next move is one commit."""
    store, backend = place.counting()
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    manager_of(store).run(lambda tx: tx.transition(persister, "g", "s", "add", 5))
    backend.taken()
    assert (persister.transition("g", "s", "add", 1)).snapshot.data == {"n": 6}
    assert backend.taken() == ["commit"]


def test_the_store_knows_its_id_from_a_transaction(place):
    """The first commit of all was one: the next move reads nothing."""
    store, backend = place.counting()
    persister = StateMachinePersister(store, COUNTER)
    manager_of(store).run(lambda tx: tx.start(persister, "g", "s", {"n": 0}))
    backend.taken()
    persister.transition("g", "s", "add")
    assert backend.taken() == ["commit"]


def test_the_first_commit_of_all_makes_the_store_itself(place):
    """Two changes in it, and its id is the origin of both."""
    store = place.store()

    def body(tx):
        tx.save_state("g", "a", {})
        tx.save_state("g", "b", {})

    manager_of(store).run(body)
    origins = {event.origin for name in "ab" for event in [one for one in store.get_events("g", name)]}
    place.store().save_state("g", "c", {})
    origins |= {event.origin for event in [one for one in store.get_events("g", "c")]}
    assert len(origins) == 1
