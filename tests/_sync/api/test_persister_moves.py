# Generated from tests/_async/api/test_persister_moves.py by .ci/generate_sync.py; do not edit.
"""A machine's life: started, moved, refused."""
import pytest

from tai_state import (
    KEEP,
    StateMachinePersister,
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
from tests._sync.machines import COUNTER, GUARDED, ORDERS, Action, Order, Status
from tests._sync.stores import contents, in_memory


@pytest.fixture
def counter(store):
    return StateMachinePersister(store, COUNTER)


@pytest.fixture
def guarded(store):
    persister = StateMachinePersister(store, GUARDED)
    persister.start("g", "s")
    return persister


@pytest.fixture
def orders(store):
    return StateMachinePersister(store, ORDERS)


def test_a_start_enters_the_initial_status(counter):
    """Version 1, from nothing, with the data given."""
    result = counter.start("g", "s", {"n": 7})
    assert (result.version, result.from_status, result.to_status, result.replayed) == (1, None, "open", False)
    assert (result.event.action, result.event.kind, result.event.from_state) == ("start", "start", None)
    assert result.snapshot.data == {"n": 7}
    assert (result.snapshot.machine_name, result.snapshot.machine_version) == ("counter", 1)


def test_a_second_start_is_refused(counter, store):
    """The state that is there is named, and stays."""
    counter.start("g", "s", {"n": 7})
    before = contents(store)
    with pytest.raises(StateExistsError) as caught:
        counter.start("g", "s", {"n": 8})
    assert (caught.value.governor_id, caught.value.state_id, caught.value.version) == ("g", "s", 1)
    assert contents(store) == before


def test_a_deleted_state_is_started_again(counter, store):
    """With the next version."""
    counter.start("g", "s", {"n": 7})
    store.delete_state("g", "s")
    result = counter.start("g", "s")
    assert (result.version, result.snapshot.data, result.snapshot.created_at) == (3, {}, result.event.timestamp)


def test_a_move_is_what_is_stored(counter, store):
    """Result, state and event tell the same."""
    counter.start("g", "s", {"n": 1})
    result = counter.transition("g", "s", "add", 4)
    assert (result.version, result.from_status, result.to_status) == (2, "open", "open")
    assert (result.event.from_state, result.event.to_state, result.event.payload) == ({"n": 1}, {"n": 5}, 4)
    snapshot, version = store.get_state("g", "s")
    events = [event for event in store.get_events("g", "s")]
    assert (snapshot, version) == (result.snapshot, 2)
    assert events[-1] == result.event


def test_a_move_without_apply_keeps_the_data(counter):
    """Only the status changes."""
    counter.start("g", "s", {"n": 1})
    result = counter.transition("g", "s", "shut")
    assert (result.to_status, result.snapshot.data, result.event.to_state) == ("shut", {"n": 1}, {"n": 1})


def test_a_move_that_the_machine_does_not_have_is_refused(counter, store):
    """The error tells where the state is and what is open from there; nothing is written."""
    counter.start("g", "s")
    counter.transition("g", "s", "shut")
    before = contents(store)
    for action in ("add", "never heard of"):
        with pytest.raises(TransitionNotAllowedError) as caught:
            counter.transition("g", "s", action)
        assert (caught.value.status, caught.value.action) == ("shut", action)
        assert caught.value.allowed == ["reopen"]
    assert contents(store) == before


def test_a_missing_state_cannot_be_moved(counter, store):
    """Nor can a deleted one."""
    with pytest.raises(StateNotFoundError) as caught:
        counter.transition("g", "s", "add")
    assert not caught.value.deleted
    counter.start("g", "s")
    store.delete_state("g", "s")
    with pytest.raises(StateNotFoundError) as caught:
        counter.transition("g", "s", "add")
    assert caught.value.deleted


@pytest.mark.parametrize(("payload", "status"), [(11, "high"), (6, "middle"), (5, "low")])
def test_the_first_guard_that_holds_wins(guarded, payload, status):
    """In the order of definition; the last one has no guard."""
    assert (guarded.transition("g", "s", "raise", payload)).to_status == status


def test_a_guard_that_refuses_says_so(guarded, store):
    """A refusal names the guard's reason, and writes nothing."""
    guarded.transition("g", "s", "raise", 11)
    before = contents(store)
    with pytest.raises(TransitionNotAllowedError) as caught:
        guarded.transition("g", "s", "drop", "now")
    assert "guard" in caught.value.reason
    assert contents(store) == before
    assert (guarded.transition("g", "s", "drop", "please")).to_status == "low"


def test_what_a_guard_raises_passes_through(guarded, store):
    """A guard's own error is the caller's, unchanged, and nothing is written."""
    before = contents(store)
    with pytest.raises(TypeError, match="not supported between"):
        guarded.transition("g", "s", "raise", "text")
    assert contents(store) == before


def test_a_wildcard_leads_from_every_status(guarded):
    """The source "*" stands for them all."""
    guarded.transition("g", "s", "raise", 11)
    result = guarded.transition("g", "s", "reset")
    assert (result.from_status, result.to_status, result.snapshot.data) == ("high", "low", {})


def test_models_and_enums(orders):
    """With a data type, results, guards and reducers have models; statuses are plain text."""
    started = orders.start("g", "s", Order(items=["book"]))
    assert started.snapshot.data == Order(items=["book"], paid=0)
    result = orders.transition("g", "s", Action.PAY, 5)
    assert result.snapshot.data == Order(items=["book"], paid=5)
    assert (result.event.from_state, result.event.to_state.paid) == (Order(items=["book"]), 5)
    assert (result.to_status, type(result.to_status), type(result.event.action)) == ("paid", str, str)
    assert result.to_status == Status.PAID
    loaded = orders.load_state("g", "s")
    assert loaded.snapshot.data == Order(items=["book"], paid=5)
    assert [event.to_state.paid for event in orders.history("g", "s")] == [0, 5]


def test_a_start_with_a_dict_is_checked_and_completed(orders, store):
    """What the data type refuses is refused, and its defaults are stored."""
    orders.start("g", "s", {"items": []})
    assert (store.get_state("g", "s"))[0].data == {"items": [], "paid": 0, "note": ""}
    with pytest.raises(InvalidDataError) as caught:
        orders.start("g", "t", {"items": "none"})
    assert caught.value.path == "data.items"
    assert not store.exists("g", "t")


def test_a_deleted_state_of_models_has_a_history(orders, store):
    """The empty data of a tombstone need not fit the model."""
    orders.start("g", "s", Order(items=["book"]))
    store.delete_state("g", "s")
    assert [event.deleted for event in orders.history("g", "s")] == [False, True]
    assert (orders.replay("g", "s")).deleted


def test_the_error_is_set_kept_and_cleared(counter, store):
    """In the same commit as the status."""
    counter.start("g", "s")
    seen = []
    for error in ("it broke", KEEP, None, KEEP):
        result = counter.transition("g", "s", "add", error=error)
        seen.append((result.snapshot.last_error, result.event.last_error))
    assert seen == [("it broke", "it broke"), ("it broke", "it broke"), (None, None), (None, None)]
    counter.transition("g", "s", "add", error="again")
    store.save_state("g", "s", {})
    assert (store.get_state("g", "s"))[0].last_error == "again"


@in_memory
@pytest.mark.parametrize("wrong", [1, b"x", "\ud800", ["x"]], ids=ascii)
def test_what_is_no_error_text_is_refused(place, wrong):
    """Nothing is sent."""
    store, backend = place.counting()
    with pytest.raises(InvalidDataError) as caught:
        StateMachinePersister(store, COUNTER).transition("g", "s", "add", error=wrong)
    assert caught.value.path == "error"
    assert backend.calls == []


def test_a_move_may_name_the_version_that_it_changes(counter, store):
    """The right one is accepted, a wrong one refused with both."""
    counter.start("g", "s")
    assert (counter.transition("g", "s", "add", expected_version=1)).version == 2
    before = contents(store)
    for expected in (0, 1, 3):
        with pytest.raises(VersionConflictError) as caught:
            counter.transition("g", "s", "add", expected_version=expected)
        assert (caught.value.key, caught.value.expected, caught.value.actual) == ("g/s", expected, 2)
    assert contents(store) == before


def test_the_version_is_judged_before_the_machine(counter):
    """A caller with a stale view learns that, not that his action is not allowed."""
    counter.start("g", "s")
    counter.transition("g", "s", "shut")
    with pytest.raises(VersionConflictError):
        counter.transition("g", "s", "add", expected_version=1)


def test_a_move_is_signed(counter):
    """By its metadata, or by the context around it."""
    counter.start("g", "s", metadata=ChangeMetadata(changed_by="ann"))
    with change_context(changed_by="bob", reason="why", context={"k": 1}):
        result = counter.transition("g", "s", "add")
    authors = [event.metadata.changed_by for event in counter.history("g", "s")]
    assert authors == ["ann", "bob"]
    assert (result.snapshot.metadata.reason, result.snapshot.metadata.context) == ("why", {"k": 1})
    assert result.event.metadata.parent_version == 1


def test_several_moves_stand_or_fall_alone(counter):
    """In order, each with its own outcome."""
    counter.start("g", "s")
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
    outcomes = counter.transition_many(requests)
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
def test_what_is_no_action_is_refused(place, wrong):
    """Named, and nothing is sent."""
    store, backend = place.counting()
    persister = StateMachinePersister(store, COUNTER)
    for call in (
        lambda: persister.transition("g", "s", wrong),
        lambda: persister.log_transition("g", "s", wrong, to_status="b", data={}),
    ):
        with pytest.raises(InvalidDataError) as caught:
            call()
        assert caught.value.path == "action"
    assert backend.calls == []
