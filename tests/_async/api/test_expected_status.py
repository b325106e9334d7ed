"""Changes that go from one status only, and moves by the status that they lead to."""

import pytest

from tai_state import (
    KEEP,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    IdempotencyMismatchError,
    InvalidDataError,
    Machine,
    MachineVersionError,
    StatusConflictError,
    Transition,
    TransitionNotAllowedError,
    TransitionRequest,
    VersionConflictError,
)
from tests._async.machines import COUNTER, GUARDED, ORDERS, Order, Status
from tests._async.stores import async_contents, in_memory


@pytest.fixture
async def counter(store):
    """A persister whose state s is open."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 1})
    return persister


def in_transaction(store, call):
    """Return what makes *call* of a transaction in one of its own."""

    async def run():
        return await AsyncTransactionManager(store).run(call)

    return run


def changes(counter, expected):
    """Return every change of s that may name a status."""
    store = counter.store
    options = {"expected_status": expected}
    return {
        "save": lambda: store.save_state("g", "s", {"n": 2}, **options),
        "update": lambda: store.update_state("g", "s", {"n": 2}, 1, **options),
        "delete": lambda: store.delete_state("g", "s", **options),
        "transition": lambda: counter.transition("g", "s", "add", **options),
        "update_status": lambda: counter.update_status("g", "s", "shut", **options),
        "log": lambda: counter.log_transition("g", "s", "a", to_status="shut", data={}, **options),
        "rollback": lambda: counter.rollback("g", "s", 1, **options),
        "tx.save": in_transaction(store, lambda tx: tx.save_state("g", "s", {}, **options)),
        "tx.update": in_transaction(store, lambda tx: tx.update_state("g", "s", {}, 1, **options)),
        "tx.delete": in_transaction(store, lambda tx: tx.delete_state("g", "s", **options)),
        "tx.transition": in_transaction(store, lambda tx: tx.transition(counter, "g", "s", "add", **options)),
        "tx.update_status": in_transaction(store, lambda tx: tx.update_status(counter, "g", "s", "shut", **options)),
    }


KINDS = [
    "save",
    "update",
    "delete",
    "transition",
    "update_status",
    "log",
    "rollback",
    "tx.save",
    "tx.update",
    "tx.delete",
    "tx.transition",
    "tx.update_status",
]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_change_from_another_status_is_refused(counter, store, kind):
    """The error names both, and nothing is written; from the status that was named, the change is made."""
    before = await async_contents(store)
    with pytest.raises(StatusConflictError) as caught:
        await changes(counter, "shut")[kind]()
    error = caught.value
    assert (error.key, error.expected, error.actual, error.retryable) == ("g/s", "shut", "open", False)
    assert await async_contents(store) == before
    await changes(counter, "open")[kind]()
    assert len([event async for event in store.get_events("g", "s")]) == 2


async def test_one_of_many_moves_may_name_a_status(counter):
    """A request of transition_many, too."""
    request = TransitionRequest("g", "s", "add", expected_status="shut")
    refused, made = await counter.transition_many([request, request._replace(expected_status="open")])
    assert isinstance(refused, StatusConflictError)
    assert made.version == 2


async def test_what_is_not_there_is_in_no_status(store):
    """Neither what never was nor a tombstone, whose last status stays readable."""
    await store.save_state("g", "s", {}, status="open")
    await store.delete_state("g", "s")
    for state_id in ("s", "t"):
        with pytest.raises(StatusConflictError) as caught:
            await store.save_state("g", state_id, {}, expected_status="open")
        assert caught.value.actual is None


async def test_the_empty_status_may_be_expected(store):
    """It is that of states that were never given one."""
    await store.save_state("g", "s", {})
    assert await store.save_state("g", "s", {}, status="open", expected_status="") == 2
    with pytest.raises(StatusConflictError):
        await store.save_state("g", "s", {}, expected_status="")


async def test_a_stale_head_refuses_nothing(place):
    """What another store did meanwhile counts, not what this one remembers."""
    one, other = (AsyncStateMachinePersister(place.store(), COUNTER) for _ in range(2))
    await one.start("g", "s")
    await other.transition("g", "s", "shut")
    assert (await one.transition("g", "s", "reopen", expected_status="shut")).version == 3


async def test_an_enum_is_the_status_that_it_says(store):
    """As everywhere."""
    orders = AsyncStateMachinePersister(store, ORDERS)
    await orders.start("g", "s", Order(items=["a"]))
    assert (await orders.transition("g", "s", "pay", 1, expected_status=Status.NEW)).version == 2
    assert (await orders.update_status("g", "s", Status.SHIPPED)).event.action == "ship"


@in_memory
@pytest.mark.parametrize("wrong", [1, "x" * 481, "\ud800"], ids=lambda wrong: ascii(wrong)[:12])
async def test_what_is_no_status_is_refused(place, wrong):
    """Named, and nothing is sent."""
    store, backend = place.counting()
    persister = AsyncStateMachinePersister(store, COUNTER)
    for call, path in (
        (lambda: store.save_state("g", "s", {}, expected_status=wrong), "expected_status"),
        (lambda: persister.update_status("g", "s", wrong), "status"),
    ):
        with pytest.raises(InvalidDataError) as caught:
            await call()
        assert caught.value.path == path
    assert backend.calls == []


async def test_a_status_is_reached_by_the_one_action_that_leads_there(counter):
    """The event is that action's, so that the log comes out the same when the machine runs again."""
    result = await counter.update_status("g", "s", "shut", error="broke", payload={"why": 1})
    assert (result.event.action, result.event.kind, result.event.payload) == ("shut", "transition", {"why": 1})
    assert (result.from_status, result.to_status, result.snapshot.last_error) == ("open", "shut", "broke")
    assert (await counter.update_status("g", "s", "open", error=KEEP)).snapshot.last_error == "broke"
    assert (await counter.replay("g", "s")).version == 3
    assert (await counter.validate_consistency("g")).is_consistent


async def test_a_reducer_runs_on_the_way(counter):
    """Also where the move leads back to where the state is."""
    result = await counter.update_status("g", "s", "open", payload=4)
    assert (result.event.action, result.snapshot.data) == ("add", {"n": 5})


FORKED = Machine(
    "forked",
    "a",
    [
        Transition("go", "a", "b"),
        Transition("jump", "a", "b"),
        Transition("stay", "b", "b"),
        Transition("end", "b", "c"),
    ],
)


@pytest.mark.parametrize(
    ("status", "reason"), [("b", "'go', 'jump'"), ("c", "no action leads to 'c'"), ("nowhere", "no status 'nowhere'")]
)
async def test_no_action_or_several_are_refused(store, status, reason):
    """Several are named, so that one can be chosen; nothing is written."""
    persister = AsyncStateMachinePersister(store, FORKED)
    await persister.start("g", "s")
    before = await async_contents(store)
    with pytest.raises(TransitionNotAllowedError, match=reason) as caught:
        await persister.update_status("g", "s", status)
    assert (caught.value.status, caught.value.allowed) == ("a", ["go", "jump"])
    assert await async_contents(store) == before


@pytest.mark.parametrize(("payload", "reached"), [(20, "high"), (7, "middle")])
async def test_guards_decide_whether_the_action_leads_there(store, payload, reached):
    """It may lead elsewhere, with other data: then the state stays."""
    persister = AsyncStateMachinePersister(store, GUARDED)
    await persister.start("g", "s")
    other = {"high": "middle", "middle": "high"}[reached]
    with pytest.raises(TransitionNotAllowedError, match=f"lead to '{reached}'"):
        await persister.update_status("g", "s", other, payload=payload)
    assert (await persister.update_status("g", "s", reached, payload=payload)).to_status == reached


async def test_a_key_makes_a_status_once(counter):
    """It belongs to the status and the payload that were asked for."""
    first = await counter.update_status("g", "s", "shut", idempotency_key="k")
    again = await counter.update_status("g", "s", "shut", idempotency_key="k")
    assert (again.replayed, again.event) == (True, first.event)
    for status, payload in (("open", None), ("shut", 1)):
        with pytest.raises(IdempotencyMismatchError):
            await counter.update_status("g", "s", status, payload=payload, idempotency_key="k")


async def test_a_status_may_be_asked_of_a_version(counter):
    """As every change may."""
    with pytest.raises(VersionConflictError):
        await counter.update_status("g", "s", "shut", expected_version=2)
    assert (await counter.update_status("g", "s", "shut", expected_version=1)).version == 2


async def test_another_machines_state_is_asked_for_no_status(counter, store):
    """As its own actions are not."""
    with pytest.raises(MachineVersionError):
        await AsyncStateMachinePersister(store, FORKED).update_status("g", "s", "shut")


@pytest.mark.parametrize("by_status", [True, False])
async def test_a_move_that_is_tried_again_has_the_payload_of_the_call(place, by_status):
    """Whatever the caller makes of it meanwhile: event, guard and reducer see one value."""
    payload = {"n": 1}

    def guard(data, given):
        payload["n"] = 9
        return given["n"] > data["least"]

    moves = [Transition("go", "a", "b", guard=guard, apply=lambda _, given: {"got": given["n"]})]
    persister = AsyncStateMachinePersister(place.store(), Machine("m", "a", moves))
    await persister.start("g", "s", {"least": 0})
    await place.store().save_state("g", "s", {"least": -1})
    if by_status:
        result = await persister.update_status("g", "s", "b", payload=payload)
    else:
        result = await persister.transition("g", "s", "go", payload)
    assert (result.event.payload, result.snapshot.data, result.version) == ({"n": 1}, {"got": 1}, 3)
    assert payload == {"n": 9}
