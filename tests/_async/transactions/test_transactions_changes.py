"""What a transaction changes: any states of any governors, all or none."""

import pytest

from tai_state import (
    AsyncMemoryStore,
    AsyncStateMachinePersister,
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
from tests._async.accounts import BANK, async_amounts, async_open_accounts, async_put, async_transfer, manager_of
from tests._async.machines import COUNTER, ORDERS, Order
from tests._async.stores import async_contents


class Refused(Exception):  # noqa: N818 - what a user's own exception may be called
    pass


async def test_states_of_several_governors_change_together(place):
    """One commit writes them all."""
    store, backend = place.counting()

    async def body(tx):
        return [await tx.save_state(governor, "s", {"of": governor}) for governor in ("g", "h", "état 1")]

    assert await manager_of(store).run(body) == [1, 1, 1]
    assert backend.calls.count("commit") == 1
    for governor in ("g", "h", "état 1"):
        assert (await store.get_state(governor, "s"))[0].data == {"of": governor}


async def test_an_exception_of_the_body_passes_and_writes_nothing(place):
    """The very object that was raised, and not one commit."""
    store, backend = place.counting()
    await async_open_accounts(store, a=10, b=0)
    backend.taken()
    error = Refused("too little")

    async def body(tx):
        await async_transfer(tx, "a", "b", 5)
        raise error

    with pytest.raises(Refused) as caught:
        await manager_of(store).run(body)
    assert caught.value is error
    assert error.__cause__ is None
    assert error.__context__ is None
    assert "commit" not in backend.taken()
    assert await async_amounts(store, "a", "b") == [10, 0]


async def test_nothing_is_seen_before_the_body_has_ended(store):
    """Writes wait for the commit."""
    await async_open_accounts(store, a=1)
    seen = []

    async def body(tx):
        await async_put(tx, "a", 2)
        seen.append(await async_amounts(store, "a"))

    await manager_of(store).run(body)
    assert seen == [[1]]
    assert await async_amounts(store, "a") == [2]


async def test_reads_see_what_the_body_wrote(store):
    """By every way of reading, and the version that it will have."""

    async def body(tx):
        assert await tx.find_state(BANK, "a") is None
        assert await async_put(tx, "a", 7) == 1
        snapshot, version = await tx.get_state(BANK, "a")
        assert (snapshot.data, version) == ({"n": 7}, 1)
        assert await tx.find_state(BANK, "a") == snapshot
        batch = await tx.batch_get_states(BANK, ["a", "b"])
        assert (batch.found, batch.missing) == ({"a": snapshot}, ["b"])
        return snapshot

    snapshot = await manager_of(store).run(body)
    assert (await store.get_state(BANK, "a"))[0] == snapshot


async def test_a_deletion_is_seen_by_the_body(store):
    """The state is gone for it, and what it makes anew goes on from the tombstone."""
    await async_open_accounts(store, a=1)

    async def body(tx):
        assert await tx.delete_state(BANK, "a") == 2
        assert await tx.find_state(BANK, "a") is None
        assert (await tx.batch_get_states(BANK, ["a"])).missing == ["a"]
        with pytest.raises(StateNotFoundError):
            await tx.get_state(BANK, "a")
        return await async_put(tx, "a", 3)

    assert await manager_of(store).run(body) == 3
    assert [event.action async for event in store.get_events(BANK, "a")] == ["save", "delete", "save"]


async def test_what_a_body_reads_is_its_own(store):
    """Changing it changes neither the store nor what is read next."""
    await async_open_accounts(store, a=1)

    async def body(tx):
        (await tx.get_state(BANK, "a"))[0].data["n"] = 99
        return (await tx.get_state(BANK, "a"))[0].data

    assert await manager_of(store).run(body) == {"n": 1}


async def test_two_moves_of_one_machine_are_two_events_of_one_commit(place):
    """A chain that replays soundly, and a result for each move."""
    store, backend = place.counting()
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    backend.taken()

    async def body(tx):
        return [await tx.transition(persister, "g", "s", "add", amount) for amount in (5, 7)]

    first, second = await manager_of(store).run(body)
    assert backend.taken().count("commit") == 1
    assert [(one.version, one.snapshot.data, one.from_status) for one in (first, second)] == [
        (2, {"n": 5}, "open"),
        (3, {"n": 12}, "open"),
    ]
    assert (await persister.validate_consistency("g")).problems == []
    assert (await persister.replay("g", "s")).data == {"n": 12}
    events = [event async for event in store.get_events("g", "s")]
    assert [event.previous_hash for event in events[1:]] == [event.hash for event in events[:-1]]
    assert events[1].transition_id != events[2].transition_id


async def test_several_machines_move_together(store):
    """An order and the stock that it takes from, started in the same transaction."""
    orders, stock = (AsyncStateMachinePersister(store, machine) for machine in (ORDERS, COUNTER))

    async def body(tx):
        await tx.start(stock, "shop", "stock", {"n": 10})
        await tx.start(orders, "shop", "order", Order(items=["x"]))
        await tx.transition(stock, "shop", "stock", "add", -1)
        return await tx.transition(orders, "shop", "order", "pay", 30, error="late")

    result = await manager_of(store).run(body)
    assert result.snapshot.data == Order(items=["x"], paid=30)
    assert (result.to_status, result.snapshot.last_error) == ("paid", "late")
    assert (await stock.load_state("shop", "stock")).snapshot.data == {"n": 9}
    assert (await orders.validate_consistency("shop")).problems == []


async def test_one_refused_move_undoes_all_others(store):
    """The machine refuses the second; the first is not written either."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    before = await async_contents(store)

    async def body(tx):
        await tx.transition(persister, "g", "s", "add", 5)
        await tx.transition(persister, "g", "s", "reopen")

    with pytest.raises(TransitionNotAllowedError):
        await manager_of(store).run(body)
    assert await async_contents(store) == before


async def test_a_refusal_that_the_body_catches_is_its_own_affair(store):
    """The transaction goes on, and what was refused left nothing behind."""
    await async_open_accounts(store, a=1)
    persister = AsyncStateMachinePersister(store, COUNTER)

    async def body(tx):
        with pytest.raises(VersionConflictError):
            await tx.update_state(BANK, "a", {}, 9)
        with pytest.raises(StateNotFoundError):
            await tx.transition(persister, BANK, "b", "add")
        await tx.start(persister, BANK, "b", {"n": 5})
        with pytest.raises(StateExistsError):
            await tx.start(persister, BANK, "b")
        with pytest.raises(InvalidDataError):
            await tx.save_state(BANK, "a", {"n": (1,)})
        return await tx.update_state(BANK, "a", {"n": 2}, 1)

    assert await manager_of(store).run(body) == 2
    assert await async_amounts(store, "a", "b") == [2, 5]


@pytest.mark.parametrize("missing", ["update_state", "delete_state"])
async def test_a_missing_state_is_refused(store, missing):
    """As it is outside of a transaction."""

    async def body(tx):
        await getattr(tx, missing)("g", "s", *([{}, 1] if missing == "update_state" else []))

    with pytest.raises(StateNotFoundError):
        await manager_of(store).run(body)


async def test_a_state_that_must_not_exist(store):
    """``expected_version=0`` creates, and refuses what is there."""

    async def body(tx):
        return await tx.save_state("g", "s", {}, expected_version=0, status="new")

    assert await manager_of(store).run(body) == 1
    with pytest.raises(VersionConflictError):
        await manager_of(store).run(body)


async def test_changes_are_signed(store):
    """By the argument, the context around the run, the store's actor."""

    async def body(tx):
        await tx.save_state("g", "a", {}, ChangeMetadata(changed_by="ada", reason="because"))
        await tx.save_state("g", "b", {})

    with change_context(changed_by="bob"):
        await manager_of(store).run(body)
    await manager_of(store).run(lambda tx: tx.save_state("g", "c", {}))
    authors = [one.metadata.changed_by async for one in store.list_states("g")]
    assert authors == ["ada", "bob", "tester"]


async def test_a_persister_of_another_store_is_refused(store):
    """Its states are not the transaction's."""
    stranger = AsyncStateMachinePersister(AsyncMemoryStore(), COUNTER)
    for call in ("start", "transition"):

        async def body(tx, call=call):
            await getattr(tx, call)(stranger, "g", "s", *(["add"] if call == "transition" else []))

        with pytest.raises(ConfigurationError, match="another store"):
            await manager_of(store).run(body)


async def test_a_machine_is_needed_to_move(store):
    """A persister without one says so."""
    persister = AsyncStateMachinePersister(store)
    with pytest.raises(ConfigurationError, match="no machine"):
        await manager_of(store).run(lambda tx: tx.transition(persister, "g", "s", "add"))


async def test_ids_are_checked(store):
    """And one text is not several ids."""
    for call in (
        lambda tx: tx.get_state("", "s"),
        lambda tx: tx.batch_get_states(7, []),
        lambda tx: tx.save_state("g", "", {}),
    ):
        with pytest.raises(InvalidIdError):
            await manager_of(store).run(call)
    with pytest.raises(InvalidDataError, match="several"):
        await manager_of(store).run(lambda tx: tx.batch_get_states("g", "abc"))


async def test_the_store_goes_on_from_what_a_transaction_made(place):
    """Its cache holds the new heads: the next move is one commit."""
    store, backend = place.counting()
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    await manager_of(store).run(lambda tx: tx.transition(persister, "g", "s", "add", 5))
    backend.taken()
    assert (await persister.transition("g", "s", "add", 1)).snapshot.data == {"n": 6}
    assert backend.taken() == ["commit"]


async def test_the_store_knows_its_id_from_a_transaction(place):
    """The first commit of all was one: the next move reads nothing."""
    store, backend = place.counting()
    persister = AsyncStateMachinePersister(store, COUNTER)
    await manager_of(store).run(lambda tx: tx.start(persister, "g", "s", {"n": 0}))
    backend.taken()
    await persister.transition("g", "s", "add")
    assert backend.taken() == ["commit"]


async def test_the_first_commit_of_all_makes_the_store_itself(place):
    """Two changes in it, and its id is the origin of both."""
    store = place.store()

    async def body(tx):
        await tx.save_state("g", "a", {})
        await tx.save_state("g", "b", {})

    await manager_of(store).run(body)
    origins = {event.origin for name in "ab" for event in [one async for one in store.get_events("g", name)]}
    await place.store().save_state("g", "c", {})
    origins |= {event.origin for event in [one async for one in store.get_events("g", "c")]}
    assert len(origins) == 1
