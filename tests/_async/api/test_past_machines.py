"""A machine cannot be walked around: what it would not let stand is refused, forced, or found."""

import pytest
from pydantic import BaseModel

from tai_state import (
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    ChangeMetadata,
    InvalidDataError,
    Machine,
    MachineVersionError,
    StoredDataError,
    Transition,
    TransitionNotAllowedError,
    change_context,
)
from tests._async.stores import async_contents, in_memory


class Order(BaseModel):
    total: int


ORDER: Machine[Order] = Machine(
    "order",
    "new",
    [
        Transition("pay", "new", "paid"),
        Transition("refund", "paid", "new"),
        Transition("ship", "paid", "shipped"),
        Transition("lose", ("new", "paid"), "lost"),
    ],
    terminal=["shipped", "lost"],
    data_type=Order,
)
OTHER = Machine("other", "on", [Transition("stop", "on", "off")])
SIGNED = ChangeMetadata(changed_by="ann", reason="the courier called")


@pytest.fixture
async def orders(store):
    """A persister whose state s is new."""
    persister = AsyncStateMachinePersister(store, ORDER)
    await persister.start("g", "s", Order(total=3))
    return persister


async def async_move(orders, *actions):
    for action in actions:
        await orders.transition("g", "s", action)


async def async_refused(store, call, error=TransitionNotAllowedError, match=None):
    """See that *call* is refused and writes nothing; return the error."""
    before = await async_contents(store)
    with pytest.raises(error, match=match) as caught:
        await call()
    assert await async_contents(store) == before
    return caught.value


@pytest.mark.parametrize("status", ["no_such", "paid"])
async def test_a_store_brings_what_a_machine_moved_nowhere_else(orders, store, status):
    """It knows no machine, so that neither an unknown status nor a known one is its to set."""

    async def in_transaction(tx):
        await tx.save_state("g", "s", {"total": 1}, status=status)

    error = await async_refused(store, lambda: store.save_state("g", "s", {"total": 1}, status=status), match="order@1")
    assert (error.status, error.action, error.allowed) == ("new", "save", [])
    await async_refused(store, lambda: AsyncTransactionManager(store).run(in_transaction))
    await async_refused(store, lambda: store.save_state("g", "s", {"total": 1}, status=status, expected_version=1))


async def test_a_store_may_keep_the_status_of_what_a_machine_moved(orders, store):
    """By saying nothing, or by naming the one that it has; the stamp stays."""
    await store.save_state("g", "s", {"total": 1})
    await store.save_state("g", "s", {"total": 2}, status="new")
    await store.update_state("g", "s", {"total": 3}, 3)
    assert (await orders.transition("g", "s", "pay")).snapshot.data == Order(total=3)


async def test_what_no_machine_moved_has_any_status(store):
    """Of plain states, and of one that was deleted and is made again, a store says the status."""
    persister = AsyncStateMachinePersister(store, ORDER)
    await store.save_state("g", "s", {"total": 1}, status="a")
    await store.save_state("g", "s", {"total": 1}, status="b")
    await persister.start("g", "t", Order(total=1))
    await store.delete_state("g", "t")
    await store.save_state("g", "t", {"total": 1}, status="b")
    assert [one.status async for one in store.list_states("g")] == ["b", "b"]


async def test_a_logged_move_keeps_to_the_machines_statuses(orders, store):
    """One that its machine does not have is refused; a known one is what was decided elsewhere."""

    async def log(status):
        return await orders.log_transition("g", "s", "seen", to_status=status, data={"total": 3})

    await async_refused(store, lambda: log("no_such"), match="no status 'no_such'")
    assert (await log("paid")).to_status == "paid"


async def test_nothing_leaves_a_terminal_status(orders, store):
    """Neither a rollback nor a logged move; both may stay there."""
    await async_move(orders, "pay", "ship")
    await async_refused(store, lambda: orders.rollback("g", "s", 1), match="terminal")
    await async_refused(
        store, lambda: orders.log_transition("g", "s", "back", to_status="paid", data={"total": 3}), match="terminal"
    )
    await orders.log_transition("g", "s", "seen", to_status="shipped", data={"total": 4})
    assert (await orders.rollback("g", "s", 3)).snapshot.data == Order(total=3)


async def test_a_rollback_within_the_machine_is_free(orders):
    """From a status that has a way out, and from a tombstone, terminal or not."""
    await async_move(orders, "pay")
    assert (await orders.rollback("g", "s", 1)).to_status == "new"
    await async_move(orders, "lose")
    await orders.store.delete_state("g", "s")
    assert (await orders.rollback("g", "s", 2)).to_status == "paid"


async def test_a_rollback_does_not_shed_the_machine(store):
    """To a version from before any machine moved it: the stamp stays, and with it the refusal."""
    await store.save_state("g", "s", {"total": 1}, status="new")
    orders = AsyncStateMachinePersister(store, ORDER)
    await async_move(orders, "pay")
    assert (await orders.rollback("g", "s", 1)).snapshot.machine_name == "order"
    await async_refused(store, lambda: store.save_state("g", "s", {"total": 1}, status="paid"))


async def test_a_rollback_to_a_status_that_the_machine_never_had_is_refused(store):
    """What a store said before the machine came is no status of it."""
    await store.save_state("g", "s", {"total": 1}, status="draft")
    await store.save_state("g", "s", {"total": 1}, status="new")
    orders = AsyncStateMachinePersister(store, ORDER)
    await async_move(orders, "pay")
    await async_refused(store, lambda: orders.rollback("g", "s", 1), match="draft")


@pytest.mark.parametrize("machine", [None, OTHER], ids=["none", "another"])
async def test_a_persister_that_does_not_know_the_machine_brings_the_state_nowhere(orders, store, machine):
    """It records and rolls back within the status; there is nothing to check another one by."""
    await async_move(orders, "pay")
    stranger = AsyncStateMachinePersister(store, machine)
    for call in (
        lambda: stranger.log_transition("g", "s", "seen", to_status="new", data={"total": 3}),
        lambda: stranger.rollback("g", "s", 1),
    ):
        await async_refused(store, call, match="not known here")
    await stranger.log_transition("g", "s", "seen", to_status="paid", data={"total": 4})
    knowing = AsyncStateMachinePersister(store, OTHER, machines=[ORDER])
    assert (await knowing.rollback("g", "s", 1)).to_status == "new"


async def test_an_older_machine_does_not_judge_what_a_newer_one_moved(store):
    """As it may not move it either."""
    newer = Machine("order", "new", ORDER.transitions, version=2, data_type=Order)
    persister = AsyncStateMachinePersister(store, newer)
    await persister.start("g", "s", {"total": 3})
    older = AsyncStateMachinePersister(store, ORDER)
    await async_refused(
        store,
        lambda: older.log_transition("g", "s", "seen", to_status="paid", data={"total": 3}),
        MachineVersionError,
    )


async def test_data_that_does_not_fit_is_refused_by_a_persister(orders, store):
    """Logged or rolled back to, as what a reducer makes; a store cannot tell, and the next reader does."""
    bad = {"total": "many"}
    await async_refused(
        store, lambda: orders.log_transition("g", "s", "seen", to_status="paid", data=bad), InvalidDataError, "Order"
    )
    await store.save_state("g", "s", bad)
    with pytest.raises(StoredDataError, match="Order"):
        await orders.load_state("g", "s")
    await store.save_state("g", "s", {"total": 3})
    await async_refused(store, lambda: orders.rollback("g", "s", 2), InvalidDataError, "Order")


async def test_force_passes_with_a_reason(orders, store):
    """Status and data get in, the event says who and why, and the result shows what stands there now."""
    await async_move(orders, "pay", "ship")
    result = await orders.log_transition(
        "g", "s", "found", to_status="no_such", data={"total": "many"}, force=True, metadata=SIGNED
    )
    assert (result.to_status, result.snapshot.data) == ("no_such", {"total": "many"})
    assert result.event.metadata.reason == "the courier called"
    assert await store.save_state("g", "s", {"total": 5}, SIGNED, status="shipped", force=True) == 5
    with change_context(reason="by hand"):
        assert (await orders.rollback("g", "s", 1, force=True)).to_status == "new"
        assert await store.update_state("g", "s", {"total": 6}, 6, force=True) == 7


async def test_force_passes_in_a_transaction(orders, store):
    """As outside."""

    async def body(tx):
        return await tx.save_state("g", "s", {"total": 1}, SIGNED, status="no_such", force=True)

    assert await AsyncTransactionManager(store).run(body) == 2


@in_memory
@pytest.mark.parametrize("reason", ["", "  "])
async def test_force_needs_a_reason(orders, store, reason):
    """Wherever it is given; nothing is written without one."""
    signed = ChangeMetadata(changed_by="ann", reason=reason)

    async def body(tx):
        await tx.save_state("g", "s", {}, signed, status="a", force=True)

    for call in (
        lambda: store.save_state("g", "s", {}, signed, status="a", force=True),
        lambda: store.update_state("g", "s", {}, 1, signed, force=True),
        lambda: orders.log_transition("g", "s", "a", to_status="a", data={}, metadata=signed, force=True),
        lambda: orders.rollback("g", "s", 1, signed, force=True),
        lambda: AsyncTransactionManager(store).run(body),
    ):
        error = await async_refused(store, call, InvalidDataError)
        assert error.path == "metadata.reason"


@in_memory
@pytest.mark.parametrize("wrong", [1, "yes", None])
async def test_force_is_a_bool(orders, store, wrong):
    """Nothing that merely counts as true walks around a machine."""
    error = await async_refused(
        store, lambda: store.save_state("g", "s", {}, SIGNED, status="a", force=wrong), InvalidDataError
    )
    assert error.path == "force"


async def test_what_got_in_is_found(orders, store):
    """Each in its own kind, both of one state; what the machine made is sound, and a tombstone is nobody's."""
    for name in ("t", "u"):
        await orders.start("g", name, Order(total=1))
    await store.save_state("g", "s", {"total": "many"}, SIGNED, status="no_such", force=True)
    await store.save_state("g", "t", {"total": "many"})
    await store.save_state("g", "u", {"total": "many"})
    await store.delete_state("g", "u")
    report = await orders.validate_consistency("g")
    assert [(one.kind, one.state_id, one.version) for one in report.problems] == [
        ("foreign_status", "s", 2),
        ("invalid_data", "s", 2),
        ("invalid_data", "t", 2),
    ]
    assert (await AsyncStateMachinePersister(store).validate_consistency("g")).is_consistent
    assert not (
        await AsyncStateMachinePersister(store, OTHER, machines=[ORDER]).validate_consistency("g")
    ).is_consistent


async def test_what_got_in_can_be_put_right(orders, store):
    """A foreign status is no terminal one: a rollback leads back, and the report is clean."""
    await store.save_state("g", "s", {"total": "many"}, SIGNED, status="no_such", force=True)
    await orders.rollback("g", "s", 1)
    assert (await orders.validate_consistency("g")).is_consistent
    await async_move(orders, "pay")
