"""The forms of a transaction: run, decorator, one governor bound; the colours; and the log that they leave."""

import functools

import pytest

import tai_state
from tai_state import (
    AsyncLockManager,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    ConfigurationError,
    IdempotencyMismatchError,
    InvalidDataError,
    InvalidIdError,
    LockLostError,
    StoreClosedError,
    StoreError,
    UnsupportedOperationError,
    VersionConflictError,
    change_context,
)
from tai_state._platform.tasks import async_together
from tai_state.documents import DocumentPath
from tai_state.layout import TRANSACTIONS
from tests._async.accounts import BANK, async_amounts, async_open_accounts, async_put, async_transfer, manager_of
from tests._async.machines import COUNTER
from tests._async.stores import async_plant


@pytest.fixture
async def bank(store):
    """A store where two accounts are open."""
    await async_open_accounts(store, a=100, b=0)
    return store


# The decorator


async def test_a_decorated_function_runs_a_transaction(bank):
    """Its first argument is given to it, the others are the caller's."""
    manager = manager_of(bank)

    @manager.transactional
    async def move(tx, source, target, *, amount=1):
        """Move an amount."""
        await async_transfer(tx, source, target, amount)
        return amount

    assert await move("a", "b") == 1
    assert await move("a", target="b", amount=10) == 10
    assert await async_amounts(bank, "a", "b") == [89, 11]
    assert (move.__name__, move.__doc__) == ("move", "Move an amount.")


async def test_a_decorator_with_options(bank):
    """They are those of every call."""

    @manager_of(bank).transactional(read_only=True, timeout=5)
    async def peek(tx, name):
        await async_put(tx, name, 1)

    with pytest.raises(UnsupportedOperationError):
        await peek("a")


async def test_a_decorated_method_keeps_its_object(bank):
    """The transaction is the argument behind it, called by an object or by the class."""
    manager = manager_of(bank)

    class Teller:
        def __init__(self, amount):
            self.amount = amount

        @manager.transactional
        async def move(self, tx, source, *, target):
            """Move the amount."""
            await async_transfer(tx, source, target, self.amount)
            return self.amount

    teller = Teller(5)
    assert await teller.move("a", target="b") == 5
    assert await Teller.move(teller, "a", target="b") == 5
    assert await async_amounts(bank, "a", "b") == [90, 10]
    assert Teller.move.__doc__ == "Move the amount."


async def test_a_decorator_takes_a_key_of_each_call(bank):
    """A function of the call's arguments; the key stands for the decorated function."""
    manager = manager_of(bank)

    @manager.transactional(idempotency_key=lambda name, **_: f"open-{name}")
    async def fill(tx, name, *, amount):
        return await async_put(tx, name, amount)

    @manager.transactional(idempotency_key="open-a")
    async def other(tx):
        return await async_put(tx, "a", 7)

    assert await fill("a", amount=1) == 2
    assert await fill("a", amount=2) == 2
    assert await fill("b", amount=3) == 2
    assert await async_amounts(bank, "a", "b") == [1, 3]
    with pytest.raises(IdempotencyMismatchError):
        await other()


async def test_a_decorator_takes_a_lock(bank):
    """Or a function that gives it: the commit is guarded."""
    manager = manager_of(bank)
    lock = await AsyncLockManager(bank).acquire("r")

    @manager.transactional(lock=lock)
    async def fill(tx, name):
        return await async_put(tx, name, 1)

    @manager.transactional(lock=lambda name: {"a": lock}[name])
    async def fill_by_name(tx, name):
        return await async_put(tx, name, 2)

    assert [await fill("a"), await fill_by_name("a")] == [2, 3]
    await lock.release()
    for call in (fill, fill_by_name):
        with pytest.raises(LockLostError):
            await call("a")
    assert await async_amounts(bank, "a") == [2]


# Several states


async def test_several_states_are_saved_at_once(place, bank):
    """One read, one commit, an event each; the versions come back by id."""
    store, backend = place.counting()
    versions = await manager_of(store).run(
        lambda tx: tx.save_states(BANK, {"a": {"n": 1}, "c": {"n": 3}}, status="open")
    )
    assert versions == {"a": 2, "c": 1}
    assert backend.taken() == ["get_many", "commit"]
    assert await manager_of(bank).execute_transaction(BANK, lambda tx: tx.save_states({"a": {"n": 2}})) == {"a": 3}
    assert await async_amounts(bank, "a", "c") == [2, 3]
    assert (await bank.get_state(BANK, "a"))[0].status == "open"


@pytest.mark.parametrize("states", [{"c": {"n": 1}, "d": {"n": object()}}, [("c", {})]], ids=["data", "shape"])
async def test_several_states_of_which_one_cannot_be_stored_are_none(bank, states):
    """Though the body goes on."""

    async def body(tx):
        with pytest.raises(InvalidDataError):
            await tx.save_states(BANK, states)
        await async_put(tx, "a", 1)

    await manager_of(bank).run(body)
    assert await bank.find_state(BANK, "c") is None


async def test_several_events_of_one_state_are_recorded_at_its_version(bank):
    """A move that was decided elsewhere, and the next on top of it; another writer's makes it a conflict."""
    persister = AsyncStateMachinePersister(bank, COUNTER)

    async def body(tx):
        for version, status in enumerate(("seen", "paid")):
            result = await tx.log_transition(
                persister, BANK, "order", status, to_status=status, data={"n": 0}, payload=7, expected_version=version
            )
            assert result.version == version + 1

    await manager_of(bank).run(body)
    events = [event async for event in bank.get_events(BANK, "order")]
    assert [(event.to_status, event.payload) for event in events] == [("seen", 7), ("paid", 7)]
    with pytest.raises(VersionConflictError):
        await manager_of(bank).execute_transaction(
            BANK,
            lambda tx: tx.log_transition(
                persister, "order", "again", to_status="seen", data={"n": 0}, expected_version=0
            ),
        )


# One governor bound


async def test_one_governor_bound(bank):
    """Every method, without the governor."""
    persister = AsyncStateMachinePersister(bank, COUNTER)

    async def body(tx):
        assert tx.governor_id == BANK
        assert (await tx.get_state("a"))[0].data == {"n": 100}
        assert await tx.find_state("x") is None
        assert await tx.update_state("a", {"n": 1}, 1) == 2
        assert await tx.save_state("c", {}, status="new", expected_version=0) == 1
        assert await tx.delete_state("b") == 2
        assert (await tx.start(persister, "m", {"n": 0})).version == 1
        assert (await tx.transition(persister, "m", "add", 5)).snapshot.data == {"n": 5}
        return (await tx.batch_get_states(["a", "b", "c"])).missing, tx.transaction_id

    missing, transaction_id = await manager_of(bank).execute_transaction(BANK, body)
    assert missing == ["b"]
    assert await manager_of(bank).get_transaction(transaction_id) is not None
    assert [one.state_id async for one in bank.list_states(BANK)] == ["a", "c", "m"]


async def test_a_bound_transaction_takes_the_options_of_run(bank):
    """Read-only, a key."""
    manager = manager_of(bank)
    with pytest.raises(UnsupportedOperationError):
        await manager.execute_transaction(BANK, lambda tx: tx.save_state("a", {}), read_only=True)
    for _ in range(2):
        version = await manager.execute_transaction(BANK, lambda tx: tx.save_state("a", {}), idempotency_key="k")
        assert version == 2


async def test_a_governor_that_is_none_is_refused(bank):
    """Before the body runs."""
    with pytest.raises(InvalidIdError):
        await manager_of(bank).execute_transaction("", lambda tx: tx.find_state("a"))


# Colours


async def test_callables_of_the_right_colour_are_taken(store):
    """Methods, partial functions, objects, lambdas, and functions around functions."""

    class Right:
        async def __call__(self, tx):
            return await tx.find_state("g", "s")

        async def method(self, tx):
            return await tx.find_state("g", "s")

    def wrapped(fn):
        @functools.wraps(fn)
        def run(tx):
            return fn(tx)

        return run

    right = Right()
    for body in (
        right,
        right.method,
        functools.partial(Right.method, right),
        lambda tx: tx.find_state("g", "s"),
        wrapped(right.method),
    ):
        assert await manager_of(store).run(body) is None


@pytest.mark.parametrize("wrong", [None, 7, "body"])
async def test_what_cannot_be_called_is_no_body(store, wrong):
    """It is refused at once."""
    with pytest.raises(ConfigurationError, match="function"):
        await manager_of(store).run(wrong)


async def test_a_generator_is_no_body(store):
    """It would never run."""

    async def body(tx):
        yield 1

    with pytest.raises(ConfigurationError, match="async"):
        await manager_of(store).run(body)


# The log


async def test_a_committed_transaction_leaves_its_record(bank):
    """Who, why, when, and what it wrote."""
    ids = []

    async def body(tx):
        ids.append(tx.transaction_id)
        await async_transfer(tx, "a", "b", 1)

    with change_context(changed_by="ada", reason="rent"):
        await manager_of(bank).run(body)
    record = await manager_of(bank).get_transaction(ids[0])
    assert (record.changed_by, record.reason, record.result) == ("ada", "rent", None)
    assert [path.rpartition("/")[2] for path in record.documents] == ["a", f"a@{2:019d}", "b", f"b@{2:019d}"]
    (event,) = [one async for one in bank.get_events(BANK, "a", after=1)]
    assert record.committed_at == event.committed_at


async def test_all_attempts_of_a_run_have_one_id(bank):
    """So that it can be told to others before it is known how many it takes."""
    ids = []

    async def body(tx):
        ids.append(tx.transaction_id)
        await async_put(tx, "a", 1)
        if len(ids) < 3:
            await bank.save_state(BANK, "a", {"n": len(ids)})

    await manager_of(bank).run(body)
    await manager_of(bank).run(body)
    assert len(ids) == 4
    assert len(set(ids)) == 2
    assert {one.transaction_id async for one in manager_of(bank).list_transactions()} == set(ids)


async def test_records_are_listed_by_id(bank):
    """In pages, from any id on."""
    manager = manager_of(bank)
    for number in range(7):
        await manager.run(lambda tx, number=number: tx.save_state("g", "s", {"n": number}))
    ids = [one.transaction_id async for one in manager.list_transactions()]
    assert len(ids) == 7
    assert ids == sorted(ids)
    assert [one.transaction_id async for one in manager.list_transactions(limit=3)] == ids[:3]
    assert [one.transaction_id async for one in manager.list_transactions(after=ids[2])] == ids[3:]
    assert [one async for one in manager.list_transactions(limit=0)] == []


async def test_a_transaction_that_was_not_committed_has_no_record(store):
    """None for an id that nobody used, an error for what is none."""
    assert await manager_of(store).get_transaction("nobody") is None
    with pytest.raises(InvalidIdError):
        await manager_of(store).get_transaction("")
    with pytest.raises(InvalidDataError, match="limit"):
        _ = [one async for one in manager_of(store).list_transactions(limit=-1)]


@pytest.mark.parametrize(
    "damage",
    [{"transaction_id": "other"}, {"documents": 7}, {"result": 7}, {"timestamp": "noon"}, {"format": None}],
    ids=str,
)
async def test_a_damaged_record_says_so(store, damage):
    """It is not taken for another's."""
    ids = []

    async def body(tx):
        ids.append(tx.transaction_id)
        await tx.save_state("g", "s", {})

    await manager_of(store).run(body)
    await async_plant(store, DocumentPath(TRANSACTIONS, ids[0]), **damage)
    with pytest.raises(StoreError, match="no transaction record"):
        await manager_of(store).get_transaction(ids[0])


# Life


async def test_a_closed_store_runs_nothing():
    """Neither a transaction nor a look at the log."""
    store = AsyncMemoryStore()
    await store.close()
    with pytest.raises(StoreClosedError, match="closed"):
        await manager_of(store).run(lambda tx: tx.find_state("g", "s"))
    with pytest.raises(StoreClosedError, match="closed"):
        await manager_of(store).get_transaction("x")


async def test_a_store_that_is_drained_waits_for_its_transactions(place):
    """The one under way ends as if nothing had happened."""
    store = place.store()
    drained = []

    async def drain():
        drained.append(await store.drain(timeout=0.01))

    async def body(tx):
        await async_together([drain])  # by another task or thread: nobody waits for his own call
        return await tx.save_state("g", "s", {})

    assert await manager_of(store).run(body) == 1
    assert drained == [False]
    assert await store.drain()


def test_the_names_are_public():
    """In both colours."""
    for name in ("TransactionManager", "Transaction", "GovernorTransaction"):
        assert name in tai_state.__all__
        assert f"Async{name}" in tai_state.__all__
    assert "TransactionRecord" in tai_state.__all__
