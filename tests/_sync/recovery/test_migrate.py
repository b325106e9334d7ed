# Generated from tests/_async/recovery/test_migrate.py by .ci/generate_sync.py; do not edit.
"""Migration: stored data brought to the schema of today, once for each state, however often it is stopped."""
import pytest
from pydantic import BaseModel

from tai_state import (
    BackendStore,
    StateMachinePersister,
    ChangeMetadata,
    ConfigurationError,
    Machine,
    PersistenceConfig,
    RetriesExhaustedError,
    RetryPolicy,
    StateNotFoundError,
    StoreUnavailableError,
    Transition,
    verify,
)
from tai_state._sync.recovery import migration
from tai_state.layout import state_layout
from tests._sync.stores import WrappedBackend, contents, plant, in_memory


class Person(BaseModel):
    first: str
    last: str


def named(data):
    first, last = data["name"].split()
    return {"first": first, "last": last}


def machine_of(version, data_type=None):
    moves = [Transition("check", "here", "here"), Transition("leave", "here", "gone")]
    return Machine("person", "here", moves, version=version, data_type=data_type)


OLD, NEW = machine_of(1), machine_of(2, Person)
CONFIG = PersistenceConfig(schema_version=2, upcasters={1: named})
ADA, SEEN = {"name": "Ada Lovelace"}, {"first": "Ada", "last": "Lovelace"}


def persister_of(store, machine=NEW, config=CONFIG):
    return StateMachinePersister(store, machine, config)


def people(store, *ids):
    older = StateMachinePersister(store, OLD)
    for one in ids:
        older.start("g", one, ADA)
    return older


def labels(store):
    return {one.state_id: one.schema_version for one in store.list_states("g", include_deleted=True)}


def test_a_migration_makes_one_event_for_each_state(store):
    """With data and label alone changed; the log verifies, and a second run writes nothing."""
    older = people(store, "a", "b")
    older.transition("g", "b", "leave", error="tired")
    report = persister_of(store).migrate("g", metadata=ChangeMetadata(changed_by="ann", reason="names"))
    assert (report.checked, report.migrated, report.problems, report.is_complete) == (2, 2, [], True)
    assert (report.governor_id, report.schema_version, report.is_dry_run) == ("g", 2, False)
    stored, version = store.get_state("g", "b")
    assert (stored.data, stored.schema_version, stored.status, version) == (SEEN, 2, "gone", 3)
    assert (stored.last_error, stored.machine_version) == ("tired", 1)
    (event,) = [one for one in store.get_events("g", "b", after=2)]
    assert (event.kind, event.action, event.from_state, event.to_state) == ("migrate", "migrate", ADA, SEEN)
    assert (event.metadata.changed_by, event.metadata.reason) == ("ann", "names")
    assert [one.problems for one in verify(store, "g")] == [[]]
    assert (persister_of(store).validate_consistency("g")).is_consistent
    before = contents(store)
    again = persister_of(store).migrate("g")
    assert (again.checked, again.migrated, again.is_complete) == (2, 0, True)
    assert contents(store) == before


def test_a_dry_run_tells_what_would_be_done(store):
    """And writes nothing."""
    people(store, "a")
    before = contents(store)
    report = persister_of(store).migrate("g", dry_run=True)
    assert (report.migrated, report.is_dry_run, report.is_complete) == (1, True, False)
    assert contents(store) == before


@in_memory
def test_one_state_is_migrated_alone(store):
    """By its id; the others stay."""
    people(store, "a", "b")
    report = persister_of(store).migrate("g", "b")
    assert (report.checked, report.migrated) == (1, 1)
    assert labels(store) == {"a": 1, "b": 2}
    store.delete_state("g", "a")
    for missing in ("a", "c"):
        with pytest.raises(StateNotFoundError):
            persister_of(store).migrate("g", missing)


@in_memory
def test_only_the_states_of_the_machine_are_migrated(store):
    """Without a machine, all that are there; what is deleted has no data."""
    people(store, "a", "dead")
    store.delete_state("g", "dead")
    store.save_state("g", "plain", ADA)
    StateMachinePersister(store, Machine("other", "on", [Transition("go", "on", "off")])).start(
        "g", "other", ADA
    )
    assert (persister_of(store).migrate("g")).checked == 1
    assert labels(store) == {"a": 2, "dead": 1, "other": 1, "plain": 1}
    report = persister_of(store, None).migrate("g")
    assert (report.checked, report.migrated) == (3, 2)
    assert labels(store) == {"a": 2, "dead": 1, "other": 2, "plain": 2}


def test_what_cannot_be_migrated_is_told_and_stops_nothing(store):
    """It stays as it is: data that an upcaster refuses, or that does not fit, a newer schema, a newer machine."""
    older = people(store, "fine", "refused", "unfit", "newer", "moved")
    store.save_state("g", "refused", {"title": "?"})
    store.save_state("g", "unfit", {"name": "Ada Lovelace", "last": 7})
    persister_of(store, OLD, PersistenceConfig(schema_version=3)).log_transition(
        "g", "newer", "seen", to_status="here", data={}
    )
    StateMachinePersister(store, machine_of(3)).transition("g", "moved", "check")
    config = PersistenceConfig(schema_version=2, upcasters={1: lambda data: named(data) | data})
    before = contents(store)
    for is_dry_run in (True, False):
        report = persister_of(store, NEW, config).migrate("g", dry_run=is_dry_run)
        assert (report.checked, report.migrated, report.is_complete) == (5, 1, False)
        assert [(one.state_id, one.kind, one.version) for one in report.problems] == [
            ("moved", "machine_version", 2),
            ("newer", "schema_version", 2),
            ("refused", "upcast", 2),
            ("unfit", "invalid_data", 2),
        ]
        assert all(one.path == str(state_layout("g", one.state_id).state) for one in report.problems)
    after = contents(store)
    assert {path for path in after if after[path] != before.get(path)} == {
        str(state_layout("g", "fine").state),
        str(state_layout("g", "fine").event(2)),
    }
    assert older.schema.version == 1


def test_a_damaged_state_is_told(store):
    """The others are migrated."""
    people(store, "a", "b")
    plant(store, state_layout("g", "a").state, causality="damaged")
    report = persister_of(store).migrate("g")
    assert (report.migrated, [(one.kind, one.state_id) for one in report.problems]) == (1, [("corrupt_state", "a")])


@in_memory
def test_a_document_of_a_newer_release_is_told(store):
    """Nobody here knows what else it says."""
    people(store, "a", "b")
    plant(store, state_layout("g", "a").state, format=99)
    report = persister_of(store).migrate("g")
    assert (report.migrated, [one.kind for one in report.problems]) == (1, ["newer_format"])


@in_memory
def test_more_problems_than_a_report_holds_are_counted(store, monkeypatch):
    """It stays of bounded size."""
    monkeypatch.setattr(migration, "PROBLEMS_MAX", 2)
    people(store, *"abcde")
    for each in "abcde":
        store.save_state("g", each, {"title": "?"})
    report = persister_of(store).migrate("g")
    assert ([one.state_id for one in report.problems], report.omitted, report.is_complete) == (["a", "b"], 3, False)


@in_memory
def test_what_is_done_costs_one_look(place):
    """A migration that goes on reads no state twice that it has migrated."""
    store, backend = place.counting()
    people(store, "a", "b")
    persister_of(store).migrate("g")
    backend.taken()
    persister_of(store).migrate("g")
    assert backend.taken() == ["query"]


@in_memory
@pytest.mark.parametrize("machine", [None, NEW])
def test_without_upcasters_there_is_nothing_to_migrate_by(store, machine):
    """Which is said before anything is read."""
    with pytest.raises(ConfigurationError, match="no upcasters"):
        persister_of(store, machine, PersistenceConfig(schema_version=2)).migrate("g")


class DyingBackend(WrappedBackend):
    """Takes so many commits, and is gone."""

    left = 0

    def commit(self, writes, *, timeout):
        if not self.left:
            raise StoreUnavailableError("gone")
        self.left -= 1
        return super().commit(writes, timeout=timeout)


@in_memory
@pytest.mark.parametrize("reached", range(4))
def test_a_migration_that_was_stopped_goes_on_where_it_was(place, reached):
    """Behind any of its commits; each state has one event of it in the end."""
    store = place.store()
    people(store, "a", "b", "c", "d")
    backend = DyingBackend(store.runtime.access.backend)
    backend.left = reached
    dying = BackendStore(backend, actor="tester", retry=RetryPolicy(attempts=1))
    with pytest.raises(RetriesExhaustedError):
        persister_of(dying).migrate("g")
    assert sorted((labels(store)).values()) == [1] * (4 - reached) + [2] * reached
    report = persister_of(store).migrate("g")
    assert (report.checked, report.migrated) == (4, 4 - reached)
    assert [len([one for one in store.get_events("g", each)]) for each in "abcd"] == [2] * 4


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
def test_a_lost_reply_migrates_nothing_twice(place, fault):
    """The commit is settled, as of any change."""
    store, _ = place.faulty(fault)
    people(place.store(), "a", "b")
    assert (persister_of(store).migrate("g")).migrated == 2
    assert [len([one for one in store.get_events("g", each)]) for each in "ab"] == [2, 2]


@pytest.mark.parametrize("rival", ["moves", "migrates", "deletes"])
def test_a_live_writer_may_be_faster(place, rival):
    """Then it is decided anew: what was moved is migrated, what was migrated or deleted is not."""
    other = place.store()
    people(other, "a")
    store, backend = place.faulty("request lost")

    def meanwhile():
        if rival == "moves":
            persister_of(other, OLD, None).transition("g", "a", "leave")
        elif rival == "migrates":
            persister_of(other).migrate("g")
        else:
            other.delete_state("g", "a")

    backend.between = meanwhile
    report = persister_of(store).migrate("g")
    assert (report.migrated, report.problems) == (int(rival == "moves"), [])
    kinds = [one.kind for one in other.get_events("g", "a")]
    assert kinds == ["start", *{"moves": ["transition", "migrate"], "migrates": ["migrate"]}.get(rival, ["delete"])]


@in_memory
def test_progress_is_told_before_each_state(store):
    """As a check tells it."""
    people(store, "a", "b/c")
    told = []
    persister_of(store).migrate("g", progress=lambda *state: told.append(state))
    assert told == [("g", "a"), ("g", state_layout("g", "b/c").stored_id)]


@in_memory
def test_a_migrated_log_is_rolled_back_and_rebuilt(store):
    """To data of either schema, as it was stored then."""
    people(store, "a")
    persister = persister_of(store)
    persister.migrate("g")
    assert (persister.rollback("g", "a", 1)).snapshot.data == Person(**SEEN)
    assert (labels(store)) == {"a": 1}
    assert (persister.migrate("g")).migrated == 1
    assert (persister.replay("g", "a", until_version=1)).data == Person(**SEEN)
    assert (persister.replay("g", "a")).version == 4
