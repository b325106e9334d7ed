"""A machine's life: started, moved, refused."""

import pytest

from tai_state import (
    KEEP,
    AsyncStateMachinePersister,
    ChangeMetadata,
    InvalidDataError,
    InvalidIdError,
    StateExistsError,
    StateNotFoundError,
    TaiStateError,
    TransitionNotAllowedError,
    TransitionRequest,
    TransitionResult,
    VersionConflictError,
    change_context,
)
from tests._async.machines import COUNTER, GUARDED, ORDERS, Action, Order, Status
from tests._async.stores import async_contents, in_memory


@pytest.fixture
async def counter(store):
    return AsyncStateMachinePersister(store, COUNTER)


@pytest.fixture
async def guarded(store):
    persister = AsyncStateMachinePersister(store, GUARDED)
    await persister.start("g", "s")
    return persister


@pytest.fixture
async def orders(store):
    return AsyncStateMachinePersister(store, ORDERS)


async def test_a_start_enters_the_initial_status(counter):
    """Version 1, from nothing, with the data given."""
    result = await counter.start("g", "s", {"n": 7})
    assert (result.version, result.from_status, result.to_status, result.replayed) == (1, None, "open", False)
    assert (result.event.action, result.event.kind, result.event.from_state) == ("start", "start", None)
    assert result.snapshot.data == {"n": 7}
    assert (result.snapshot.machine_name, result.snapshot.machine_version) == ("counter", 1)


async def test_a_second_start_is_refused(counter, store):
    """The state that is there is named, and stays."""
    await counter.start("g", "s", {"n": 7})
    before = await async_contents(store)
    with pytest.raises(StateExistsError) as caught:
        await counter.start("g", "s", {"n": 8})
    assert (caught.value.governor_id, caught.value.state_id, caught.value.version) == ("g", "s", 1)
    assert await async_contents(store) == before


async def test_a_deleted_state_is_started_again(counter, store):
    """With the next version."""
    await counter.start("g", "s", {"n": 7})
    await store.delete_state("g", "s")
    result = await counter.start("g", "s")
    assert (result.version, result.snapshot.data, result.snapshot.created_at) == (3, {}, result.event.timestamp)


async def test_a_move_is_what_is_stored(counter, store):
    """Result, state and event tell the same."""
    await counter.start("g", "s", {"n": 1})
    result = await counter.transition("g", "s", "add", 4)
    assert (result.version, result.from_status, result.to_status) == (2, "open", "open")
    assert (result.event.from_state, result.event.to_state, result.event.payload) == ({"n": 1}, {"n": 5}, 4)
    snapshot, version = await store.get_state("g", "s")
    events = [event async for event in store.get_events("g", "s")]
    assert (snapshot, version) == (result.snapshot, 2)
    assert events[-1] == result.event


async def test_a_move_without_apply_keeps_the_data(counter):
    """Only the status changes."""
    await counter.start("g", "s", {"n": 1})
    result = await counter.transition("g", "s", "shut")
    assert (result.to_status, result.snapshot.data, result.event.to_state) == ("shut", {"n": 1}, {"n": 1})


async def test_a_move_that_the_machine_does_not_have_is_refused(counter, store):
    """The error tells where the state is and what is open from there; nothing is written."""
    await counter.start("g", "s")
    await counter.transition("g", "s", "shut")
    before = await async_contents(store)
    for action in ("add", "never heard of"):
        with pytest.raises(TransitionNotAllowedError) as caught:
            await counter.transition("g", "s", action)
        assert (caught.value.status, caught.value.action) == ("shut", action)
        assert caught.value.allowed == ["reopen"]
    assert await async_contents(store) == before


async def test_a_missing_state_cannot_be_moved(counter, store):
    """Nor can a deleted one."""
    with pytest.raises(StateNotFoundError) as caught:
        await counter.transition("g", "s", "add")
    assert not caught.value.deleted
    await counter.start("g", "s")
    await store.delete_state("g", "s")
    with pytest.raises(StateNotFoundError) as caught:
        await counter.transition("g", "s", "add")
    assert caught.value.deleted


@pytest.mark.parametrize(("payload", "status"), [(11, "high"), (6, "middle"), (5, "low")])
async def test_the_first_guard_that_holds_wins(guarded, payload, status):
    """In the order of definition; the last one has no guard."""
    assert (await guarded.transition("g", "s", "raise", payload)).to_status == status


async def test_a_guard_that_refuses_says_so(guarded, store):
    """A refusal names the guard's reason, and writes nothing."""
    await guarded.transition("g", "s", "raise", 11)
    before = await async_contents(store)
    with pytest.raises(TransitionNotAllowedError) as caught:
        await guarded.transition("g", "s", "drop", "now")
    assert "guard" in caught.value.reason
    assert await async_contents(store) == before
    assert (await guarded.transition("g", "s", "drop", "please")).to_status == "low"


async def test_what_a_guard_raises_passes_through(guarded, store):
    """A guard's own error is the caller's, unchanged, and nothing is written."""
    before = await async_contents(store)
    with pytest.raises(TypeError, match="not supported between"):
        await guarded.transition("g", "s", "raise", "text")
    assert await async_contents(store) == before


async def test_a_wildcard_leads_from_every_status(guarded):
    """The source "*" stands for them all."""
    await guarded.transition("g", "s", "raise", 11)
    result = await guarded.transition("g", "s", "reset")
    assert (result.from_status, result.to_status, result.snapshot.data) == ("high", "low", {})


async def test_models_and_enums(orders):
    """With a data type, results, guards and reducers have models; statuses are plain text."""
    started = await orders.start("g", "s", Order(items=["book"]))
    assert started.snapshot.data == Order(items=["book"], paid=0)
    result = await orders.transition("g", "s", Action.PAY, 5)
    assert result.snapshot.data == Order(items=["book"], paid=5)
    assert (result.event.from_state, result.event.to_state.paid) == (Order(items=["book"]), 5)
    assert (result.to_status, type(result.to_status), type(result.event.action)) == ("paid", str, str)
    assert result.to_status == Status.PAID
    loaded = await orders.load_state("g", "s")
    assert loaded.snapshot.data == Order(items=["book"], paid=5)
    assert [event.to_state.paid async for event in orders.history("g", "s")] == [0, 5]


async def test_a_start_with_a_dict_is_checked_and_completed(orders, store):
    """What the data type refuses is refused, and its defaults are stored."""
    await orders.start("g", "s", {"items": []})
    assert (await store.get_state("g", "s"))[0].data == {"items": [], "paid": 0, "note": ""}
    with pytest.raises(InvalidDataError) as caught:
        await orders.start("g", "t", {"items": "none"})
    assert caught.value.path == "data.items"
    assert not await store.exists("g", "t")


async def test_a_deleted_state_of_models_has_a_history(orders, store):
    """The empty data of a tombstone need not fit the model."""
    await orders.start("g", "s", Order(items=["book"]))
    await store.delete_state("g", "s")
    assert [event.deleted async for event in orders.history("g", "s")] == [False, True]
    assert (await orders.replay("g", "s")).deleted


async def test_the_error_is_set_kept_and_cleared(counter, store):
    """In the same commit as the status."""
    await counter.start("g", "s")
    seen = []
    for error in ("it broke", KEEP, None, KEEP):
        result = await counter.transition("g", "s", "add", error=error)
        seen.append((result.snapshot.last_error, result.event.last_error))
    assert seen == [("it broke", "it broke"), ("it broke", "it broke"), (None, None), (None, None)]
    await counter.transition("g", "s", "add", error="again")
    await store.save_state("g", "s", {})
    assert (await store.get_state("g", "s"))[0].last_error == "again"


@in_memory
@pytest.mark.parametrize("wrong", [1, b"x", "\ud800", ["x"]], ids=ascii)
async def test_what_is_no_error_text_is_refused(place, wrong):
    """Nothing is sent."""
    store, backend = place.counting()
    with pytest.raises(InvalidDataError) as caught:
        await AsyncStateMachinePersister(store, COUNTER).transition("g", "s", "add", error=wrong)
    assert caught.value.path == "error"
    assert backend.calls == []


async def test_a_move_may_name_the_version_that_it_changes(counter, store):
    """The right one is accepted, a wrong one refused with both."""
    await counter.start("g", "s")
    assert (await counter.transition("g", "s", "add", expected_version=1)).version == 2
    before = await async_contents(store)
    for expected in (0, 1, 3):
        with pytest.raises(VersionConflictError) as caught:
            await counter.transition("g", "s", "add", expected_version=expected)
        assert (caught.value.key, caught.value.expected, caught.value.actual) == ("g/s", expected, 2)
    assert await async_contents(store) == before


async def test_the_version_is_judged_before_the_machine(counter):
    """A caller with a stale view learns that, not that his action is not allowed."""
    await counter.start("g", "s")
    await counter.transition("g", "s", "shut")
    with pytest.raises(VersionConflictError):
        await counter.transition("g", "s", "add", expected_version=1)


async def test_a_move_is_signed(counter):
    """By its metadata, or by the context around it."""
    await counter.start("g", "s", metadata=ChangeMetadata(changed_by="ann"))
    with change_context(changed_by="bob", reason="why", context={"k": 1}):
        result = await counter.transition("g", "s", "add")
    authors = [event.metadata.changed_by async for event in counter.history("g", "s")]
    assert authors == ["ann", "bob"]
    assert (result.snapshot.metadata.reason, result.snapshot.metadata.context) == ("why", {"k": 1})
    assert result.event.metadata.parent_version == 1


async def test_several_moves_stand_or_fall_alone(counter):
    """In order, each with its own outcome."""
    await counter.start("g", "s")
    requests = [
        TransitionRequest("g", "s", "add", 2),
        TransitionRequest("g", "s", "reopen"),
        TransitionRequest("g", "missing", "add"),
        TransitionRequest("g", "s", "add", 3, expected_version=1),
        TransitionRequest("g", "s", "add", (1,)),
        TransitionRequest("", "s", "add"),
        TransitionRequest("g", "s", "add", 4, idempotency_key="k", error="broke"),
        TransitionRequest("g", "s", "add", 4, idempotency_key="k", error="broke"),
    ]
    outcomes = await counter.transition_many(requests)
    assert [type(one) for one in outcomes] == [
        TransitionResult,
        TransitionNotAllowedError,
        StateNotFoundError,
        VersionConflictError,
        InvalidDataError,
        InvalidIdError,
        TransitionResult,
        TransitionResult,
    ]
    assert all(isinstance(one, TransitionResult | TaiStateError) for one in outcomes)
    assert [outcomes[6].replayed, outcomes[7].replayed, outcomes[7].version] == [False, True, 3]
    assert outcomes[7].snapshot.data == {"n": 6}


@in_memory
@pytest.mark.parametrize("wrong", ["", "x" * 481, "\ud800", 1], ids=lambda wrong: ascii(wrong)[:12])
async def test_what_is_no_action_is_refused(place, wrong):
    """Named, and nothing is sent."""
    store, backend = place.counting()
    persister = AsyncStateMachinePersister(store, COUNTER)
    for call in (
        lambda: persister.transition("g", "s", wrong),
        lambda: persister.log_transition("g", "s", wrong, to_status="b", data={}),
    ):
        with pytest.raises(InvalidDataError) as caught:
            await call()
        assert caught.value.path == "action"
    assert backend.calls == []
