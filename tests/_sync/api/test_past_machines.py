# Generated from tests/_async/api/test_past_machines.py by .ci/generate_sync.py; do not edit.
"""A machine cannot be walked around: what it would not let stand is refused, forced, or found."""
import pytest
from pydantic import BaseModel

from tai_state import (
    StateMachinePersister,
    TransactionManager,
    ChangeMetadata,
    InvalidDataError,
    Machine,
    MachineVersionError,
    StoredDataError,
    Transition,
    TransitionNotAllowedError,
    change_context,
)
from tests._sync.stores import contents, in_memory


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
def orders(store):
    """A persister whose state s is new."""
    persister = StateMachinePersister(store, ORDER)
    persister.start("g", "s", Order(total=3))
    return persister


def move(orders, *actions):
    for action in actions:
        orders.transition("g", "s", action)


def refused(store, call, error=TransitionNotAllowedError, match=None):
    """See that *call* is refused and writes nothing; return the error."""
    before = contents(store)
    with pytest.raises(error, match=match) as caught:
        call()
    assert contents(store) == before
    return caught.value


@pytest.mark.parametrize("status", ["no_such", "paid"])
def test_a_store_brings_what_a_machine_moved_nowhere_else(orders, store, status):
    """It knows no machine, so that neither an unknown status nor a known one is its to set."""

    def in_transaction(tx):
        tx.save_state("g", "s", {"total": 1}, status=status)

    error = refused(store, lambda: store.save_state("g", "s", {"total": 1}, status=status), match="order@1")
    assert (error.status, error.action, error.allowed) == ("new", "save", [])
    refused(store, lambda: TransactionManager(store).run(in_transaction))
    refused(store, lambda: store.save_state("g", "s", {"total": 1}, status=status, expected_version=1))


def test_a_store_may_keep_the_status_of_what_a_machine_moved(orders, store):
    """By saying nothing, or by naming the one that it has; the stamp stays."""
    store.save_state("g", "s", {"total": 1})
    store.save_state("g", "s", {"total": 2}, status="new")
    store.update_state("g", "s", {"total": 3}, 3)
    assert (orders.transition("g", "s", "pay")).snapshot.data == Order(total=3)


def test_what_no_machine_moved_has_any_status(store):
    """Of plain states, and of one that was deleted and is made again, a store says the status."""
    persister = StateMachinePersister(store, ORDER)
    store.save_state("g", "s", {"total": 1}, status="a")
    store.save_state("g", "s", {"total": 1}, status="b")
    persister.start("g", "t", Order(total=1))
    store.delete_state("g", "t")
    store.save_state("g", "t", {"total": 1}, status="b")
    assert [one.status for one in store.list_states("g")] == ["b", "b"]


def test_a_logged_move_keeps_to_the_machines_statuses(orders, store):
    """One that its machine does not have is refused; a known one is what was decided elsewhere."""

    def log(status):
        return orders.log_transition("g", "s", "seen", to_status=status, data={"total": 3})

    refused(store, lambda: log("no_such"), match="no status 'no_such'")
    assert (log("paid")).to_status == "paid"


def test_nothing_leaves_a_terminal_status(orders, store):
    """Neither a rollback nor a logged move; both may stay there."""
    move(orders, "pay", "ship")
    refused(store, lambda: orders.rollback("g", "s", 1), match="terminal")
    refused(
        store, lambda: orders.log_transition("g", "s", "back", to_status="paid", data={"total": 3}), match="terminal"
    )
    orders.log_transition("g", "s", "seen", to_status="shipped", data={"total": 4})
    assert (orders.rollback("g", "s", 3)).snapshot.data == Order(total=3)


def test_a_rollback_within_the_machine_is_free(orders):
    """From a status that has a way out, and from a tombstone, terminal or not."""
    move(orders, "pay")
    assert (orders.rollback("g", "s", 1)).to_status == "new"
    move(orders, "lose")
    orders.store.delete_state("g", "s")
    assert (orders.rollback("g", "s", 2)).to_status == "paid"


def test_a_rollback_does_not_shed_the_machine(store):
    """To a version from before any machine moved it: the stamp stays, and with it the refusal."""
    store.save_state("g", "s", {"total": 1}, status="new")
    orders = StateMachinePersister(store, ORDER)
    move(orders, "pay")
    assert (orders.rollback("g", "s", 1)).snapshot.machine_name == "order"
    refused(store, lambda: store.save_state("g", "s", {"total": 1}, status="paid"))


def test_a_rollback_to_a_status_that_the_machine_never_had_is_refused(store):
    """What a store said before the machine came is no status of it."""
    store.save_state("g", "s", {"total": 1}, status="draft")
    store.save_state("g", "s", {"total": 1}, status="new")
    orders = StateMachinePersister(store, ORDER)
    move(orders, "pay")
    refused(store, lambda: orders.rollback("g", "s", 1), match="draft")


@pytest.mark.parametrize("machine", [None, OTHER], ids=["none", "another"])
def test_a_persister_that_does_not_know_the_machine_brings_the_state_nowhere(orders, store, machine):
    """It records and rolls back within the status; there is nothing to check another one by."""
    move(orders, "pay")
    stranger = StateMachinePersister(store, machine)
    for call in (
        lambda: stranger.log_transition("g", "s", "seen", to_status="new", data={"total": 3}),
        lambda: stranger.rollback("g", "s", 1),
    ):
        refused(store, call, match="not known here")
    stranger.log_transition("g", "s", "seen", to_status="paid", data={"total": 4})
    knowing = StateMachinePersister(store, OTHER, machines=[ORDER])
    assert (knowing.rollback("g", "s", 1)).to_status == "new"


def test_an_older_machine_does_not_judge_what_a_newer_one_moved(store):
    """As it may not move it either."""
    newer = Machine("order", "new", ORDER.transitions, version=2, data_type=Order)
    persister = StateMachinePersister(store, newer)
    persister.start("g", "s", {"total": 3})
    older = StateMachinePersister(store, ORDER)
    refused(
        store,
        lambda: older.log_transition("g", "s", "seen", to_status="paid", data={"total": 3}),
        MachineVersionError,
    )


def test_data_that_does_not_fit_is_refused_by_a_persister(orders, store):
    """Logged or rolled back to, as what a reducer makes; a store cannot tell, and the next reader does."""
    bad = {"total": "many"}
    refused(
        store, lambda: orders.log_transition("g", "s", "seen", to_status="paid", data=bad), InvalidDataError, "Order"
    )
    store.save_state("g", "s", bad)
    with pytest.raises(StoredDataError, match="Order"):
        orders.load_state("g", "s")
    store.save_state("g", "s", {"total": 3})
    refused(store, lambda: orders.rollback("g", "s", 2), InvalidDataError, "Order")


def test_force_passes_with_a_reason(orders, store):
    """Status and data get in, the event says who and why, and the result shows what stands there now."""
    move(orders, "pay", "ship")
    result = orders.log_transition(
        "g", "s", "found", to_status="no_such", data={"total": "many"}, force=True, metadata=SIGNED
    )
    assert (result.to_status, result.snapshot.data) == ("no_such", {"total": "many"})
    assert result.event.metadata.reason == "the courier called"
    assert store.save_state("g", "s", {"total": 5}, SIGNED, status="shipped", force=True) == 5
    with change_context(reason="by hand"):
        assert (orders.rollback("g", "s", 1, force=True)).to_status == "new"
        assert store.update_state("g", "s", {"total": 6}, 6, force=True) == 7


def test_force_passes_in_a_transaction(orders, store):
    """As outside."""

    def body(tx):
        return tx.save_state("g", "s", {"total": 1}, SIGNED, status="no_such", force=True)

    assert TransactionManager(store).run(body) == 2


@in_memory
@pytest.mark.parametrize("reason", ["", "  "])
def test_force_needs_a_reason(orders, store, reason):
    """Wherever it is given; nothing is written without one."""
    signed = ChangeMetadata(changed_by="ann", reason=reason)

    def body(tx):
        tx.save_state("g", "s", {}, signed, status="a", force=True)

    for call in (
        lambda: store.save_state("g", "s", {}, signed, status="a", force=True),
        lambda: store.update_state("g", "s", {}, 1, signed, force=True),
        lambda: orders.log_transition("g", "s", "a", to_status="a", data={}, metadata=signed, force=True),
        lambda: orders.rollback("g", "s", 1, signed, force=True),
        lambda: TransactionManager(store).run(body),
    ):
        error = refused(store, call, InvalidDataError)
        assert error.path == "metadata.reason"


@in_memory
@pytest.mark.parametrize("wrong", [1, "yes", None])
def test_force_is_a_bool(orders, store, wrong):
    """Nothing that merely counts as true walks around a machine."""
    error = refused(
        store, lambda: store.save_state("g", "s", {}, SIGNED, status="a", force=wrong), InvalidDataError
    )
    assert error.path == "force"


def test_what_got_in_is_found(orders, store):
    """Each in its own kind, both of one state; what the machine made is sound, and a tombstone is nobody's."""
    for name in ("t", "u"):
        orders.start("g", name, Order(total=1))
    store.save_state("g", "s", {"total": "many"}, SIGNED, status="no_such", force=True)
    store.save_state("g", "t", {"total": "many"})
    store.save_state("g", "u", {"total": "many"})
    store.delete_state("g", "u")
    report = orders.validate_consistency("g")
    assert [(one.kind, one.state_id, one.version) for one in report.problems] == [
        ("foreign_status", "s", 2),
        ("invalid_data", "s", 2),
        ("invalid_data", "t", 2),
    ]
    assert (StateMachinePersister(store).validate_consistency("g")).is_consistent
    assert not (
        StateMachinePersister(store, OTHER, machines=[ORDER]).validate_consistency("g")
    ).is_consistent


def test_what_got_in_can_be_put_right(orders, store):
    """A foreign status is no terminal one: a rollback leads back, and the report is clean."""
    store.save_state("g", "s", {"total": "many"}, SIGNED, status="no_such", force=True)
    orders.rollback("g", "s", 1)
    assert (orders.validate_consistency("g")).is_consistent
    move(orders, "pay")
