"""A machine's life: started, moved, refused, recorded."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel

from tai_state import (
    KEEP,
    AsyncStateMachinePersister,
    ChangeMetadata,
    ConfigurationError,
    InvalidDataError,
    InvalidIdError,
    Machine,
    MachineVersionError,
    PersistenceConfig,
    SchemaVersionError,
    StateExistsError,
    StateNotFoundError,
    TaiStateError,
    Transition,
    TransitionNotAllowedError,
    TransitionRequest,
    TransitionResult,
    VersionConflictError,
    change_context,
)
from tests._async.machines import COUNTER, GUARDED, ORDERS, Action, Order, Status, added
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
    assert caught.value.path == "data"
    assert not await store.exists("g", "t")


async def test_stored_data_that_no_longer_fits_is_told(orders, store):
    """Data that the data type refuses is named, not handed to guards."""
    await orders.start("g", "s", Order(items=["book"]))
    await store.save_state("g", "s", {"items": 5})
    with pytest.raises(InvalidDataError, match="Order"):
        await orders.transition("g", "s", "pay", 5)
    with pytest.raises(InvalidDataError, match="Order"):
        await orders.load_state("g", "s")


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
async def test_a_payload_of_any_kind(store, payload, stored):
    """Guard, reducer and event get it equal and of the same type."""
    seen = []

    def guard(data, value):
        seen.append(value)
        return True

    machine = Machine("p", "on", [Transition("go", "on", "on", guard=guard, apply=lambda data, value: {"got": value})])
    persister = AsyncStateMachinePersister(store, machine)
    await persister.start("g", "s")
    result = await persister.transition("g", "s", "go", payload)
    (_, event) = [one async for one in store.get_events("g", "s")]
    for value in (*seen, result.event.payload, event.payload, event.to_state["got"]):
        assert (value, type(value)) == (stored, type(stored))


@in_memory
@pytest.mark.parametrize(
    ("payload", "path"),
    [((1,), "payload"), ({"a": {1}}, "payload.a"), ([float("nan")], "payload[0]"), (2**63, "payload")],
    ids=ascii,
)
async def test_a_payload_that_cannot_be_stored_is_refused(place, payload, path):
    """Named, and nothing is sent."""
    store, backend = place.counting()
    with pytest.raises(InvalidDataError) as caught:
        await AsyncStateMachinePersister(store, COUNTER).transition("g", "s", "add", payload)
    assert caught.value.path == path
    assert backend.calls == []


async def test_what_a_reducer_makes_is_checked(store):
    """Data that cannot be stored is refused with its path, and nothing is written."""
    machine = Machine("bad", "on", [Transition("go", "on", "on", apply=lambda data, payload: {"a": [float("nan")]})])
    persister = AsyncStateMachinePersister(store, machine)
    await persister.start("g", "s")
    before = await async_contents(store)
    with pytest.raises(InvalidDataError) as caught:
        await persister.transition("g", "s", "go")
    assert caught.value.path == "data.a[0]"
    assert await async_contents(store) == before


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


async def test_without_a_machine_only_the_machine_is_missing(store):
    """A persister without one records, and refuses to move."""
    persister = AsyncStateMachinePersister(store)
    await persister.log_transition("g", "s", "made", to_status="new", data={})
    for call in (lambda: persister.start("g", "t"), lambda: persister.transition("g", "s", "add")):
        with pytest.raises(ConfigurationError, match="machine"):
            await call()


async def test_a_logged_move_is_recorded_as_it_was(store):
    """Its action, status, data and time; an absent state is created."""
    persister = AsyncStateMachinePersister(store)
    at = datetime(2020, 1, 1, tzinfo=UTC)
    first = await persister.log_transition("g", "s", "made", to_status="new", data={"n": 1}, timestamp=at)
    second = await persister.log_transition(
        "g", "s", "paid", to_status="paid", data={"n": 2}, timestamp=at + timedelta(seconds=1)
    )
    assert (first.version, first.from_status, first.to_status) == (1, None, "new")
    assert (second.version, second.from_status, second.to_status) == (2, "new", "paid")
    assert (second.event.action, second.event.kind) == ("paid", "log")
    assert (second.snapshot.data, second.snapshot.timestamp) == ({"n": 2}, at + timedelta(seconds=1))
    assert first.snapshot.created_at == second.snapshot.created_at == at


async def test_a_logged_time_may_repeat_and_never_falls(store):
    """An earlier time than the last change's is refused, and nothing is written."""
    persister = AsyncStateMachinePersister(store)
    at = datetime(2020, 1, 1, tzinfo=UTC)
    for _ in range(2):
        await persister.log_transition("g", "s", "a", to_status="b", data={}, timestamp=at)
    before = await async_contents(store)
    with pytest.raises(InvalidDataError) as caught:
        await persister.log_transition("g", "s", "a", to_status="b", data={}, timestamp=at - timedelta(microseconds=1))
    assert caught.value.path == "timestamp"
    assert await async_contents(store) == before


@in_memory
@pytest.mark.parametrize("wrong", [datetime(2020, 1, 1), "2020-01-01", 5], ids=str)  # noqa: DTZ001 - refused
async def test_a_logged_time_needs_a_zone(place, wrong):
    """A naive one is refused, and nothing is sent."""
    store, backend = place.counting()
    with pytest.raises(InvalidDataError) as caught:
        await AsyncStateMachinePersister(store).log_transition("g", "s", "a", to_status="b", data={}, timestamp=wrong)
    assert caught.value.path == "timestamp"
    assert backend.calls == []


async def test_a_logged_move_may_name_a_version_and_a_key(store):
    """As every change may."""
    persister = AsyncStateMachinePersister(store)

    async def log(**options):
        return await persister.log_transition("g", "s", "a", to_status="b", data={}, **options)

    assert (await log(expected_version=0)).version == 1
    with pytest.raises(VersionConflictError):
        await log(expected_version=0)
    assert not (await log(idempotency_key="k")).replayed
    repeated = await log(idempotency_key="k")
    assert (repeated.version, repeated.replayed) == (2, True)


async def test_another_machine_may_not_move_a_state(counter, store):
    """Both are named, and nothing is written."""
    await counter.start("g", "s")
    other = AsyncStateMachinePersister(
        store, Machine("other", "open", [Transition("add", "open", "open", apply=added)])
    )
    before = await async_contents(store)
    with pytest.raises(MachineVersionError) as caught:
        await other.transition("g", "s", "add")
    assert (caught.value.stored, caught.value.ours) == ("counter@1", "other@1")
    assert await async_contents(store) == before


async def test_an_older_machine_may_not_move_what_a_newer_one_moved(counter, store):
    """The newer one takes over what the older one made, and not the other way round."""
    newer = AsyncStateMachinePersister(store, Machine("counter", "open", COUNTER.transitions, version=2))
    await counter.start("g", "s")
    assert (await newer.transition("g", "s", "add")).snapshot.machine_version == 2
    with pytest.raises(MachineVersionError) as caught:
        await counter.transition("g", "s", "add")
    assert (caught.value.stored, caught.value.ours) == ("counter@2", "counter@1")


async def test_a_saved_state_may_be_taken_over_by_a_machine(counter, store):
    """A state without a machine is moved where the machine knows its status."""
    await store.save_state("g", "s", {"n": 1}, status="open")
    assert (await counter.transition("g", "s", "add")).snapshot.data == {"n": 2}
    await store.save_state("g", "t", {}, status="unheard of")
    with pytest.raises(TransitionNotAllowedError):
        await counter.transition("g", "t", "add")


async def test_data_of_a_newer_schema_is_refused(store):
    """A persister of an older schema changes nothing that a newer one wrote."""
    newer = AsyncStateMachinePersister(store, COUNTER, PersistenceConfig(schema_version=2))
    older = AsyncStateMachinePersister(store, COUNTER)
    assert (await newer.start("g", "s")).snapshot.schema_version == 2
    before = await async_contents(store)
    with pytest.raises(SchemaVersionError) as caught:
        await older.transition("g", "s", "add")
    assert (caught.value.stored, caught.value.ours) == (2, 1)
    assert await async_contents(store) == before
    assert (await newer.transition("g", "s", "add")).version == 2


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
