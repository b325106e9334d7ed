# Generated from tests/_async/api/test_store_mutation.py by .ci/generate_sync.py; do not edit.
"""Nobody's dict is anybody else's: what a caller, a reader, a guard or a reducer does to its own stays there."""
import pytest

from tai_state import StateMachinePersister, ChangeMetadata, Machine, Transition, change_context


def spoil(value):
    """Change everything that can be changed in place."""
    if isinstance(value, dict):
        for item in value.values():
            spoil(item)
        value["spoilt"] = True
    elif isinstance(value, list):
        for item in value:
            spoil(item)
        value.append("spoilt")


def fresh():
    return {"list": [1, {"deep": [2]}], "map": {"a": {"b": 1}}}


def everything(store):
    """Return the data in the state and in its last event, as read anew."""
    snapshot, _ = store.get_state("g", "s")
    events = [event for event in store.get_events("g", "s")]
    return snapshot.data, events[-1].to_state


def test_the_callers_dict_is_his_own(store):
    """Changing what was saved changes nothing that is stored."""
    data = fresh()
    store.save_state("g", "s", data)
    spoil(data)
    assert everything(store) == (fresh(), fresh())
    data = fresh()
    store.update_state("g", "s", data, 1)
    spoil(data)
    assert everything(store) == (fresh(), fresh())


def test_the_callers_context_is_his_own(store):
    """Neither the metadata of a change nor a surrounding context is kept by reference."""
    context, around = fresh(), fresh()
    with change_context(context=around):
        spoil(around)
        store.save_state("g", "s", {}, ChangeMetadata(changed_by="ann", context={"own": context}))
    spoil(context)
    stored = (store.get_state("g", "s"))[0].metadata.context
    assert stored == {"own": fresh(), **fresh()}


@pytest.mark.parametrize("kind", ["get", "find", "list", "batch"])
def test_a_readers_snapshot_is_his_own(store, kind):
    """Changing what was read changes neither what is stored nor what others read."""

    def read():
        if kind == "get":
            return (store.get_state("g", "s"))[0]
        if kind == "find":
            return store.find_state("g", "s")
        if kind == "list":
            return [one for one in store.list_states("g")][0]  # noqa: RUF015 - async in one colour
        return (store.batch_get_states("g", ["s"])).found["s"]

    metadata = ChangeMetadata(changed_by="ann", context=fresh())
    store.save_state("g", "s", fresh(), metadata)
    snapshot = read()
    spoil(snapshot.data)
    spoil(snapshot.metadata.context)
    snapshot.causality.root["spoilt"] = 9
    again = read()
    assert (again.data, again.metadata.context) == (fresh(), fresh())
    assert list(again.causality.root.values()) == [1]


def test_a_readers_event_is_his_own(store):
    """Changing an event that was read changes no other reader's."""
    store.save_state("g", "s", fresh(), ChangeMetadata(changed_by="ann", context=fresh()))
    store.save_state("g", "s", fresh())
    for event in [one for one in store.get_events("g", "s")]:
        for part in (event.to_state, event.from_state, event.metadata.context, event.causality.root):
            spoil(part)
    first, second = [one for one in store.get_events("g", "s")]
    assert (first.to_state, second.from_state, first.metadata.context) == (fresh(), fresh(), fresh())
    assert "spoilt" not in first.causality.root


def test_what_a_reader_does_never_reaches_the_next_change(store):
    """A cached head shares nothing with the results that were handed out."""
    store.save_state("g", "s", fresh(), status="a")
    for _ in range(2):
        snapshot, _ = store.get_state("g", "s")
        spoil(snapshot.data)
        snapshot.causality.root["spoilt"] = 9
        store.save_state("g", "s", fresh())
    events = [one for one in store.get_events("g", "s")]
    assert [one.from_state for one in events] == [None, fresh(), fresh()]
    assert all("spoilt" not in one.causality.root for one in events)


def spoiling_guard(data, payload):
    spoil(data)
    spoil(payload)
    return "spoilt" in data


def spoiling_apply(data, payload):
    kept = {"seen": dict(data), "payload": payload}
    spoil(data)
    return kept


SPOILING = Machine(
    "spoiling",
    "on",
    [
        Transition("refuse", "on", "on", guard=lambda data, payload: bool(spoil(data) or spoil(payload))),
        Transition("refuse", "on", "on"),
        Transition("guarded", "on", "on", guard=spoiling_guard),
        Transition("applied", "on", "on", guard=spoiling_guard, apply=spoiling_apply),
    ],
)


def test_a_guards_copies_are_its_own(store):
    """A guard that changes its arguments changes neither the state nor the event's payload."""
    persister = StateMachinePersister(store, SPOILING)
    persister.start("g", "s", fresh())
    payload = fresh()
    for action in ("refuse", "guarded"):
        result = persister.transition("g", "s", action, payload)
        assert (result.snapshot.data, result.event.payload) == (fresh(), fresh())
        assert everything(store) == (fresh(), fresh())
    assert payload == fresh()


def test_a_reducer_sees_what_is_stored_not_what_a_guard_made_of_it(store):
    """Guard and reducer get copies of their own."""
    persister = StateMachinePersister(store, SPOILING)
    persister.start("g", "s", fresh())
    result = persister.transition("g", "s", "applied", fresh())
    assert result.event.from_state == fresh()
    assert "spoilt" not in result.snapshot.data["seen"]
    assert result.event.payload == fresh()
    assert (persister.validate_consistency("g")).is_consistent


def test_what_a_reducer_kept_is_not_stored_by_reference(store):
    """A dict that a reducer holds on to, and changes later, changes nothing."""
    held = []

    def keep(data, payload):
        held.append(data)
        return data

    persister = StateMachinePersister(
        store, Machine("keeping", "on", [Transition("keep", "on", "on", apply=keep)])
    )
    persister.start("g", "s", fresh())
    persister.transition("g", "s", "keep")
    for data in held:
        spoil(data)
    assert everything(store) == (fresh(), fresh())
    result = persister.transition("g", "s", "keep")
    assert (result.event.from_state, result.snapshot.data) == (fresh(), fresh())


def test_a_result_is_the_callers_own(store):
    """Changing a result, its event or its snapshot, changes neither of the others nor what is stored."""
    persister = StateMachinePersister(store, SPOILING)
    result = persister.start("g", "s", fresh(), idempotency_key="k")
    spoil(result.snapshot.data)
    assert result.event.to_state == fresh()
    spoil(result.event.to_state)
    again = persister.start("g", "s", fresh(), idempotency_key="k")
    assert again.snapshot.data == fresh()
    assert everything(store) == (fresh(), fresh())
