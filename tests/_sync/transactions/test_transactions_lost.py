# Generated from tests/_async/transactions/test_transactions_lost.py by .ci/generate_sync.py; do not edit.
"""Lost states in transactions and cascades: what is read says that it is rebuilt, and the commit writes it again."""
import pytest

from tai_state import (
    BackendStore,
    StateMachinePersister,
    TransactionManager,
    CorruptLogError,
    RetryPolicy,
    StateExistsError,
    StateNotFoundError,
    VersionConflictError,
)
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests._sync.dependents import JOB, start_all, statuses, persister_of
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, WrappedBackend, contents, plant

PATHS = state_layout("g", "s")
LOSSES: dict[str, dict[str, object] | None] = {"missing": None, "unreadable": {"data": 5}}


def remove(store, *paths):
    store.runtime.access.backend.commit([Delete(path) for path in paths], timeout=TIMEOUT)


def lose(store, paths, changes):
    """Take the document of a state away, or damage it."""
    if changes is None:
        remove(store, paths.state)
    else:
        plant(store, paths.state, **changes)


def last_event(store, state_id):
    return [event for event in store.get_events("g", state_id)][-1]


@pytest.fixture(params=list(LOSSES.values()), ids=list(LOSSES))
def lost(request, place):
    """A fresh store in which the state s, at version 2, has lost its document; and s as it was."""
    store = place.store()
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    persister.transition("g", "s", "add", 4)
    before, _ = store.get_state("g", "s")
    lose(store, PATHS, request.param)
    return place.store(), before


def test_reads_in_a_transaction_tell_what_reads_outside_tell(lost):
    """The state as its log tells it, and that it was rebuilt; nothing is written."""
    store, before = lost
    stored = contents(store)

    def body(tx):
        got, version = tx.get_state("g", "s")
        batch = tx.batch_get_states("g", ["s", "never"])
        found = tx.find_state("g", "s")
        assert batch.missing == ["never"]
        return version, [got, found, batch.found["s"]]

    for read_only in (False, True):
        version, snapshots = TransactionManager(store).run(body, read_only=read_only)
        assert version == 2
        assert [(one, one.recovered) for one in snapshots] == [(before, True)] * 3
    assert contents(store) == stored


CHANGES = {
    "save": lambda tx, _: tx.save_state("g", "s", {"n": 7}),
    "saves": lambda tx, _: tx.save_states("g", {"s": {"n": 7}, "new": {}}),
    "save over a version": lambda tx, _: tx.save_state("g", "s", {"n": 7}, expected_version=2),
    "update": lambda tx, _: tx.update_state("g", "s", {"n": 7}, 2),
    "delete": lambda tx, _: tx.delete_state("g", "s"),
    "transition": lambda tx, persister: tx.transition(persister, "g", "s", "add", 1),
    "log": lambda tx, persister: tx.log_transition(persister, "g", "s", "noted", to_status="open", data={"n": 7}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("reads_first", [True, False])
def test_a_change_in_a_transaction_writes_the_state_again(lost, change, reads_first):
    """With the commit, whether the body read the state or not; the event says so, and the whole is sound."""
    store, _ = lost
    persister = StateMachinePersister(store, COUNTER)

    def body(tx):
        if reads_first:
            tx.get_state("g", "s")
        change(tx, persister)
        seen = tx.find_state("g", "s")
        assert seen is None or (seen.version, seen.recovered) == (3, False)

    TransactionManager(store).run(body)
    event = last_event(store, "s")
    assert (event.version, event.metadata.context["tai_rebuilt"]["version"]) == (3, 2)
    assert (persister.validate_consistency("g")).problems == []
    assert not (store.batch_get_states("g", ["s"], include_deleted=True)).found["s"].recovered


def test_only_the_first_of_several_changes_says_that_it_rebuilt(lost):
    """The others rest on what it made."""
    store, _ = lost
    persister = StateMachinePersister(store, COUNTER)

    def body(tx):
        for _ in range(2):
            tx.transition(persister, "g", "s", "add", 1)

    TransactionManager(store).run(body)
    events = [event for event in store.get_events("g", "s")]
    assert ["tai_rebuilt" in event.metadata.context for event in events] == [False, False, True, False]
    assert (store.get_state("g", "s"))[0].data == {"n": 6}


def test_a_unit_of_work_writes_the_state_again(lost):
    """It has one attempt, so it looks before it writes."""
    store, _ = lost
    with TransactionManager(store).begin() as tx:
        tx.save_state("g", "s", {"n": 7})
    assert (store.get_state("g", "s"))[1] == 3


def test_what_is_refused_is_refused_as_outside(lost):
    """The verdicts are those over the state that was lost, and nothing is written."""
    store, _ = lost
    persister = StateMachinePersister(store, COUNTER)
    stored = contents(store)
    refused = [
        (lambda tx: tx.start(persister, "g", "s"), StateExistsError),
        (lambda tx: tx.update_state("g", "s", {}, 1), VersionConflictError),
        (lambda tx: tx.save_state("g", "s", {}, expected_version=0), VersionConflictError),
    ]
    for call, error in refused:
        with pytest.raises(error):
            TransactionManager(store).run(call)
    assert contents(store) == stored


@pytest.mark.parametrize("changes", LOSSES.values(), ids=LOSSES)
def test_a_lost_tombstone_stays_deleted(store, changes):
    """A read says so, and a start goes on with the next version."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s")
    store.delete_state("g", "s")
    lose(store, PATHS, changes)
    manager = TransactionManager(store)
    with pytest.raises(StateNotFoundError, match="deleted"):
        manager.run(lambda tx: tx.get_state("g", "s"))
    assert (manager.run(lambda tx: tx.start(persister, "g", "s"))).version == 3


def test_a_store_that_knows_the_state_writes_it_again(store):
    """What its cache holds of the lost document does not keep the transaction from its commit."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    remove(store, PATHS.state)
    TransactionManager(store).run(lambda tx: tx.transition(persister, "g", "s", "add", 1))
    assert (store.get_state("g", "s"))[1] == 2


def test_a_state_whose_log_is_damaged_too_is_refused(store):
    """By every read and change, with the error of its log; a batch names it, and gives the others."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    store.save_state("g", "other", {})
    remove(store, PATHS.state)
    plant(store, PATHS.event(1), to_state=5)
    manager = TransactionManager(store)
    calls = [
        lambda tx: tx.get_state("g", "s"),
        lambda tx: tx.find_state("g", "s"),
        lambda tx: tx.update_state("g", "s", {}, 1),
        lambda tx: tx.transition(persister, "g", "s", "add"),
        lambda tx: tx.start(persister, "g", "s"),
    ]
    for call in calls:
        with pytest.raises(CorruptLogError) as caught:
            manager.run(call)
        assert caught.value.version == 1
    batch = manager.run(lambda tx: tx.batch_get_states("g", ["s", "other", "never"]))
    assert (list(batch.found), batch.missing, batch.damaged) == (["other"], ["never"], ["s"])


def test_an_altered_document_is_read_by_its_log_and_not_written_over(store):
    """Whoever altered it meant something by it."""
    store.save_state("g", "s", {"n": 1})
    plant(store, PATHS.state, status="altered")
    store.runtime.writer.heads.drop(PATHS.state)
    manager = TransactionManager(store)
    snapshot, _ = manager.run(lambda tx: tx.get_state("g", "s"))
    assert (snapshot.status, snapshot.recovered) == ("", True)
    stored = contents(store)
    for call in (lambda tx: tx.save_state("g", "s", {}), lambda tx: tx.delete_state("g", "s")):
        with pytest.raises(CorruptLogError, match="digest"):
            manager.run(call)
    assert contents(store) == stored


def test_a_document_further_than_its_log_is_not_written_over(store):
    """Events may be missing at the end: a read tells what there is, a change is refused."""
    store.save_state("g", "s", {"n": 1})
    store.save_state("g", "s", {"n": 2})
    plant(store, PATHS.state, data=5)
    remove(store, PATHS.event(2))
    manager = TransactionManager(store)
    assert (manager.run(lambda tx: tx.get_state("g", "s")))[1] == 1
    with pytest.raises(CorruptLogError, match="version 2"):
        manager.run(lambda tx: tx.save_state("g", "s", {"n": 3}))


def test_a_state_that_is_written_again_meanwhile_makes_the_attempt_stale(place):
    """What the log tells then is not of the attempt's moment; the next attempt sees the document."""

    class Mending(WrappedBackend):
        """Lets another writer mend the state once its log was asked for."""

        mend = True

        def scan(self, collection, **options):
            if self.mend and collection.endswith("events"):
                self.mend = False
                other.save_state("g", "s", {"n": 9})
            for document in super().scan(collection, **options):
                yield document

    other = place.store()
    other.save_state("g", "s", {"n": 1})
    remove(other, PATHS.state)
    store = BackendStore(Mending(place.store().runtime.access.backend), actor="tester")
    seen = []

    def body(tx):
        seen.append(tx.get_state("g", "s"))
        return seen[-1]

    snapshot, version = TransactionManager(store).run(body, read_only=True)
    assert (version, snapshot.data, snapshot.recovered) == (2, {"n": 9}, False)
    assert len(seen) == 1


def test_what_a_body_raises_over_a_state_that_it_took_for_new_is_not_the_outcome(store):
    """It created the state without a look, so its exception is held against the log before it counts."""
    store.save_state("g", "s", {"n": 1})
    remove(store, PATHS.state)
    seen = []

    def body(tx):
        seen.append(tx.save_state("g", "s", {"n": 2}))
        if seen[-1] == 1:
            message = "it is new"
            raise LookupError(message)

    TransactionManager(store).run(body)
    assert seen == [1, 2]
    assert (store.get_state("g", "s"))[1] == 2


# Cascades


@pytest.mark.parametrize("changes", LOSSES.values(), ids=LOSSES)
def test_a_lost_dependent_reacts(store, changes):
    """In the commit of the move, which writes it again."""
    jobs = persister_of(store)
    start_all(jobs, a=(), b=["a"], c=["b"])
    lose(store, state_layout("g", "b"), changes)
    jobs.transition("g", "a", "fail")
    assert (statuses(store, "a", "b"))[1] == "blocked"
    event = last_event(store, "b")
    assert (event.kind, event.metadata.context["tai_rebuilt"]["version"]) == ("reaction", 1)
    assert not (store.get_state("g", "b"))[0].recovered


@pytest.mark.parametrize("changes", LOSSES.values(), ids=LOSSES)
def test_a_lost_dependency_can_be_depended_on(store, changes):
    """It gets its mark with a document of its own."""
    jobs = persister_of(store)
    start_all(jobs, a=())
    lose(store, state_layout("g", "a"), changes)
    jobs.start("g", "b", depends_on=["a"])
    assert not (store.get_state("g", "a"))[0].recovered
    jobs.transition("g", "a", "fail")
    assert statuses(store, "a", "b") == ["failed", "blocked"]
    assert (jobs.validate_consistency("g")).problems == []


def test_a_lost_state_is_started_with_dependencies_as_any_other(store):
    """It is there, so a start is refused."""
    jobs = persister_of(store)
    start_all(jobs, a=(), b=())
    remove(store, state_layout("g", "b").state)
    with pytest.raises(StateExistsError):
        jobs.start("g", "b", depends_on=["a"])
    assert JOB.initial == (store.get_state("g", "b"))[0].status


# What it costs


def test_states_that_are_there_cost_what_they_did(place):
    """One request for all that is read, and one commit; a blind creation looks for nothing either."""
    store, backend = place.counting(retry=RetryPolicy())
    store.save_state("g", "s", {"n": 1})
    backend.taken()

    def body(tx):
        tx.batch_get_states("g", ["s"])
        tx.save_state("g", "s", {"n": 2})
        tx.save_state("g", "new", {})

    TransactionManager(store).run(body)
    assert backend.taken() == ["get_many", "get_many", "commit"]


def test_many_states_that_never_were_cost_one_read_more(place):
    """Their first events are looked for in one go."""
    store, backend = place.counting()
    store.save_state("g", "s", {"n": 1})
    backend.taken()
    ids = ["s", *(f"n{number}" for number in range(20))]
    batch = TransactionManager(store).run(lambda tx: tx.batch_get_states("g", ids), read_only=True)
    assert len(batch.missing) == 20
    assert backend.taken() == ["get_many", "get_many"]


def test_many_new_states_of_a_unit_of_work_cost_one_read_more(place):
    """It commits once, so it looks first; in one go."""
    store, backend = place.counting()
    store.save_state("g", "s", {"n": 1})
    backend.taken()
    with TransactionManager(store).begin() as tx:
        tx.save_states("g", {f"n{number}": {} for number in range(20)})
    assert backend.taken() == ["get_many", "get_many", "commit"]


def test_many_new_states_of_a_second_attempt_cost_one_read_more(place):
    """It looks for what may have refused the first one; in one go."""
    store, backend = place.counting(retry=RetryPolicy())
    store.save_state("g", "s", {"n": 1})
    attempts = []

    def body(tx):
        attempts.append(backend.taken())
        tx.get_state("g", "s")
        if len(attempts) == 1:
            place.store().save_state("g", "s", {"n": 2})
        tx.save_states("g", {f"n{number}": {} for number in range(20)})

    TransactionManager(store).run(body)
    assert len(attempts) == 2
    assert backend.taken() == ["get_many", "get_many", "commit"]


# Of one attempt


def test_a_run_of_one_attempt_writes_the_state_again(lost):
    """There is no second one that could look."""
    store, _ = lost
    manager = TransactionManager(store, RetryPolicy(attempts=1))
    assert manager.run(lambda tx: tx.save_state("g", "s", {"n": 7})) == 3


def test_a_change_of_one_attempt_writes_the_state_again(place):
    """As one of several does."""
    store = place.store(retry=RetryPolicy(attempts=1))
    store.save_state("g", "s", {"n": 1})
    remove(store, PATHS.state)
    assert place.store(retry=RetryPolicy(attempts=1)).save_state("g", "s", {"n": 2}) == 2


def test_a_body_that_has_read_the_lost_state_may_raise_what_it_likes(lost):
    """Its state was looked at, so nothing is left to hold the exception against."""
    store, _ = lost
    runs = []

    def body(tx):
        runs.append((tx.get_state("g", "s"))[1])
        tx.save_state("g", "s", {"n": 7})
        message = "mine"
        raise LookupError(message)

    with pytest.raises(LookupError, match="mine"):
        TransactionManager(store).run(body)
    assert runs == [2]
