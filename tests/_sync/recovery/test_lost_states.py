# Generated from tests/_async/recovery/test_lost_states.py by .ci/generate_sync.py; do not edit.
"""A state whose document is missing or damaged: every read tells the same, and the next change writes it again."""
import pytest

from tai_state import (
    StateMachinePersister,
    TransactionManager,
    ChangeMetadata,
    CorruptLogError,
    Machine,
    PersistenceConfig,
    RetryPolicy,
    StateExistsError,
    StateNotFoundError,
    Transition,
    TransitionNotAllowedError,
    VersionConflictError,
)
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, contents, document_at, plant

PATHS = state_layout("g", "s")
CONFIG = PersistenceConfig(snapshot_interval=3, snapshot_retention=2, segment_events=3)

LOSSES: dict[str, dict[str, object] | None] = {
    "missing": None,
    "unreadable": {"data": 5},
    "of nobody": {"format": "x", "state_id": 7},
}


def remove(store, *paths):
    store.runtime.access.backend.commit([Delete(path) for path in paths], timeout=TIMEOUT)


def lose(store, changes):
    """Take the document of s away, or damage it."""
    if changes is None:
        remove(store, PATHS.state)
    else:
        plant(store, PATHS.state, **changes)


@pytest.fixture(params=list(LOSSES.values()), ids=list(LOSSES))
def lost(request, place):
    """A fresh persister over a state at version 4 that has lost its document, and the state as it was."""
    store = place.store()
    persister = StateMachinePersister(store, COUNTER, CONFIG)
    persister.start("g", "s", {"n": 0})
    for payload in (1, 2, 3):
        persister.transition("g", "s", "add", payload)
    before, _ = store.get_state("g", "s")
    lose(store, request.param)
    return StateMachinePersister(place.store(), COUNTER, CONFIG), before


def test_every_read_tells_the_same(lost):
    """The state as its events tell it, and that it was rebuilt; nothing is written."""
    persister, before = lost
    store = persister.store
    stored = contents(store)
    loaded = persister.load_state("g", "s")
    (got, version), found = store.get_state("g", "s"), store.find_state("g", "s")
    batch = store.batch_get_states("g", ["s"])
    for snapshot in (loaded.snapshot, got, found, batch.found["s"]):
        assert (snapshot, snapshot.recovered) == (before, True)
    assert (version, loaded.recovered, batch.missing) == (4, True, [])
    assert store.exists("g", "s")
    assert contents(store) == stored


def test_a_sound_state_is_not_recovered(store):
    """What is read as it was written says so."""
    store.save_state("g", "s", {})
    assert not (store.get_state("g", "s"))[0].recovered


def changes_of(persister):
    store = persister.store
    return {
        "transition": lambda: persister.transition("g", "s", "add", 1),
        "keyed transition": lambda: persister.transition("g", "s", "add", 1, idempotency_key="k"),
        "update": lambda: store.update_state("g", "s", {"n": 7}, 4),
        "save": lambda: store.save_state("g", "s", {"n": 7}),
        "save over a version": lambda: store.save_state("g", "s", {"n": 7}, expected_version=4),
        "delete": lambda: store.delete_state("g", "s"),
        "log": lambda: persister.log_transition("g", "s", "noted", to_status="open", data={"n": 7}),
        "rollback": lambda: persister.rollback("g", "s", 2),
    }


CHANGES = ["transition", "keyed transition", "update", "save", "save over a version", "delete", "log", "rollback"]


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_writes_the_state_again(lost, name):
    """In its own commit, with the next version; the event says so, and the whole is sound."""
    persister, _ = lost
    changes_of(persister)[name]()
    store = persister.store
    event = [one for one in store.get_events("g", "s")][-1]
    assert event.version == 5
    assert event.metadata.context["tai_rebuilt"]["version"] == 4
    assert (store.get_state("g", "s") if name != "delete" else (None, 5))[1] == 5
    assert (persister.validate_consistency("g")).problems == []
    store.save_state("g", "s", {"n": 8})
    assert "tai_rebuilt" not in [one for one in store.get_events("g", "s")][-1].metadata.context


def test_the_authors_own_context_stays(lost):
    """What is noted stands beside it."""
    persister, _ = lost
    metadata = ChangeMetadata(changed_by="ann", context={"ticket": 7})
    result = persister.transition("g", "s", "add", metadata=metadata)
    assert sorted(result.event.metadata.context) == ["tai_rebuilt", "ticket"]


def test_what_is_refused_is_refused_as_ever(lost):
    """The verdicts are those over the state that was lost, and nothing is written."""
    persister, _ = lost
    stored = contents(persister.store)
    with pytest.raises(StateExistsError) as caught:
        persister.start("g", "s")
    assert caught.value.version == 4
    with pytest.raises(VersionConflictError):
        persister.transition("g", "s", "add", expected_version=3)
    with pytest.raises(VersionConflictError):
        persister.store.save_state("g", "s", {}, expected_version=3)
    with pytest.raises(TransitionNotAllowedError):
        persister.transition("g", "s", "reopen")
    assert contents(persister.store) == stored


def test_a_snapshot_by_hand_writes_the_state_again(lost):
    """It needs the state's mark."""
    persister, before = lost
    assert persister.create_snapshot("g", "s") == before
    assert not (persister.load_state("g", "s")).recovered
    assert (persister.validate_consistency("g")).problems == []


def test_a_rebuilt_state_keeps_its_marks_of_maintenance(lost):
    """The snapshots and segments that there are are not made again, nor forgotten."""
    persister, _ = lost
    persister.transition("g", "s", "add")
    fields = (document_at(persister.store, PATHS.state)).fields
    assert (fields["snapshots"], fields["sealed_through"]) == ([3], 3)


@pytest.mark.parametrize("changes", LOSSES.values(), ids=LOSSES)
def test_a_lost_tombstone_stays_deleted(store, changes):
    """Every read says that it is deleted, and a start goes on with the next version."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s")
    store.delete_state("g", "s")
    lose(store, changes)
    assert store.find_state("g", "s") is None
    for call in (store.get_state, persister.load_state, store.delete_state):
        with pytest.raises(StateNotFoundError, match="deleted"):
            call("g", "s")
    assert (persister.start("g", "s")).version == 3


def test_a_document_further_than_its_log_is_not_written_over(store):
    """Events may be missing at the end: what is told then would be a guess."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    persister.transition("g", "s", "add")
    plant(store, PATHS.state, data=5)
    remove(store, PATHS.event(2))
    stored = contents(store)
    with pytest.raises(CorruptLogError, match="version 2"):
        persister.transition("g", "s", "add")
    assert contents(store) == stored


def test_a_state_whose_log_is_damaged_too_is_refused(store):
    """By every read and change, with the same error."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    persister.transition("g", "s", "add")
    remove(store, PATHS.state)
    plant(store, PATHS.event(1), to_state=5)
    calls = [
        lambda: store.get_state("g", "s"),
        lambda: store.find_state("g", "s"),
        lambda: store.exists("g", "s"),
        lambda: persister.load_state("g", "s"),
        lambda: persister.transition("g", "s", "add"),
        lambda: store.delete_state("g", "s"),
        lambda: persister.start("g", "s"),
    ]
    for call in calls:
        with pytest.raises(CorruptLogError) as caught:
            call()
        assert caught.value.version == 1


def test_a_state_that_never_was_costs_one_look(place):
    """Whether there are events is asked once, and no more."""
    store, backend = place.counting()
    store.save_state("g", "other", {})
    backend.taken()
    assert store.find_state("g", "s") is None
    assert backend.taken() == ["get_many", "scan"]


def test_a_start_looks_no_further(place):
    """A creation costs what it did: its event tells where there ever was a state."""
    store, backend = place.counting()
    store.save_state("g", "other", {})
    backend.taken()
    StateMachinePersister(store, COUNTER).start("g", "s")
    assert backend.taken() == ["get_many", "commit"]


def test_who_tries_but_once_is_told_at_once_that_a_state_was_there(place):
    """His start looks into the log before it is refused by that; who tries again leaves it to the next attempt."""
    place.store().save_state("g", "s", {})
    remove(place.store(), PATHS.state)
    costs = []
    for attempts in (1, 2):
        store, backend = place.counting(retry=RetryPolicy(attempts=attempts, wait_initial=0.0, wait_max=0.0))
        with pytest.raises(StateExistsError):
            StateMachinePersister(store, COUNTER).start("g", "s")
        costs.append(backend.taken().count("commit"))
    assert costs == [0, 1]


def test_a_damaged_document_keeps_its_dependents(store):
    """No event tells of them; what depends on the state reacts as before."""
    machine = Machine("door", "open", [Transition("shut", "open", "shut"), Transition("stop", "open", "stopped")],
                      on_dependency={"shut": "stop"})  # fmt: skip
    persister = StateMachinePersister(store, machine)
    persister.start("g", "s")
    persister.start("g", "t", depends_on=["s"])
    plant(store, PATHS.state, data=5)
    store.runtime.writer.heads.drop(PATHS.state)
    store.save_state("g", "s", {})
    persister.transition("g", "s", "shut")
    assert (store.get_state("g", "t"))[0].status == "stopped"


def test_a_state_without_a_document_is_in_no_list_until_its_next_change(store):
    """Lists and counts are of documents; the check finds what has none, whoever asks for it gets it."""
    persister = StateMachinePersister(store, COUNTER)
    for state_id in ("a", "s"):
        persister.start("g", state_id, {"n": 0})
    remove(store, PATHS.state)
    assert [one.state_id for one in store.list_states("g")] == ["a"]
    assert (store.stats("g")).states == 1
    (problem,) = (persister.validate_consistency("g")).problems
    assert (problem.kind, problem.state_id) == ("state_missing", "s")
    assert list((store.batch_get_states("g", ["a", "s"])).found) == ["a", "s"]
    TransactionManager(store).run(lambda tx: tx.transition(persister, "g", "s", "add", 1))
    assert [one.state_id for one in persister.list_states("g", status="open")] == ["a", "s"]
    assert (store.stats("g")).states == 2
