# Generated from tests/_async/keys/test_keys_recovery.py by .ci/generate_sync.py; do not edit.
"""Keys are states like any other: checked, recovered, carried to another store, and followed."""
import pytest

from tai_state import StateMachinePersister, PersistenceConfig
from tai_state._sync.api.recovering import recover, verify
from tai_state._sync.api.transferring import export_store, import_store
from tai_state.documents import Delete, MustExist
from tai_state.errors import InvalidIdError, OutcomeUnknownError
from tai_state.feeds import Subscription
from tai_state.keys import Keys, Increment, OwnGovernor
from tai_state.layout import state_layout
from tests._sync.keys.test_keys_lists import of
from tests._sync.stores import Place, in_memory


@pytest.fixture
def keys(store):
    """A group with two keys."""
    keys = Keys(store, "g/1")
    keys.batch([Increment("a"), Increment("b"), Increment("a", 2)])
    return keys


def test_a_store_is_checked_with_its_keys(store, keys):
    """Each group by a report of its own."""
    reports = [report for report in verify(store)]
    assert [(report.governor_id, report.states, report.is_consistent) for report in reports] == [
        (keys.governor_id, 2, True),
        ("", 0, True),
    ]
    (report,) = [report for report in verify(store, keys.governor_id)]
    assert (report.states, report.events, report.problems) == (2, 3, [])


def test_a_key_that_lost_its_document_is_still_there(place, keys):
    """Reads give it from its log, a change goes on from there, and recover writes it again."""
    store = place.store()
    access, other = store.runtime.access, Keys(store, "g/1")
    for key in ("a", "b"):
        access.backend.commit([Delete(state_layout(keys.governor_id, key).state, MustExist())], timeout=10)
    assert other.get("a") == 3
    assert other.increment("a") == 4
    (report, _) = [report for report in recover(store)]
    assert (report.governor_id, len(report.repaired), report.unresolved) == (keys.governor_id, 1, [])
    assert of(other.keys()) == ["a", "b"]


def test_keys_are_sealed_and_snapshotted_like_other_states(place):
    """By the store's own maintenance; and their history is read from there."""
    store = place.store()
    keys = Keys(store, "g")
    for _ in range(105):
        keys.increment("n")
    persister = StateMachinePersister(store, config=PersistenceConfig())
    assert [one.version for one in persister.list_snapshots(keys.governor_id, "n")] == [100]
    assert [event.to_state["value"] for event in keys.history("n")] == list(range(1, 106))
    assert (persister.replay(keys.governor_id, "n", until_version=42)).data == {"value": 42}


@in_memory
def test_keys_are_carried_to_another_store(keys, store, tmp_path):
    """With all others, or alone; and go on there."""
    store.save_state("shop", "order", {})
    for governor_id, governors in ((None, 2), (keys.governor_id, 1)):
        file = tmp_path / f"{governors}.jsonl"
        export_store(store, file, governor_id)
        target = Place("memory")
        report = import_store(target.store(), file)
        assert (report.governors, report.reports) == (governors, [])
        there = Keys(target.store(), "g/1")
        assert there.get("a") == 3
        assert there.increment("a") == 4
        target.close()


@in_memory
def test_a_governor_of_keys_is_named_by_an_object(keys, store):
    """Its text is a user's governor."""
    own = OwnGovernor("keys", "g/1")
    assert keys.governor_id == own
    assert (store.get_state(own, "a"))[1] == 2
    assert store.find_state(str.__str__(own), "a") is None


def test_groups_are_listed_by_their_kind(keys, store):
    """In order, and from any of them on; users' governors are another list."""
    store.save_state("shop", "order", {})
    for group in ("a", "zoé"):
        Keys(store, group).set("k", 1)
    found = [one for one in store.list_governors(kind="keys")]
    assert [one.name for one in found if isinstance(one, OwnGovernor)] == ["a", "g/1", "zoé"]
    assert [one for one in store.list_governors(kind="keys", after="a", limit=1)] == [keys.governor_id]
    assert of(store.list_governors()) == ["shop"]
    with pytest.raises(InvalidIdError):
        of(store.list_governors(kind="others"))


def test_subscriptions_are_not_told_of_keys(place):
    """They are of users' governors; whoever changes keys here is heard by ``on_change``."""
    store = place.store(feed=True)
    heard: list[tuple[str, str]] = []
    told: list[str] = []

    def hear(event):
        told.append(event.state_id)

    with store.on_change(lambda event: heard.append((event.governor_id, event.action))) as listener:
        Keys(store, "g").set("k", 1)
        store.save_state("shop", "order", {})
        listener.close()
    subscription = Subscription(store, "all", hear)
    while not told:
        subscription.run_once()
    subscription.run_once()
    assert told == ["order"]
    assert heard == [("~keys:g", "set"), ("shop", "save")]


def test_a_key_is_erased_for_good(keys, store):
    """As any state is; the others stay."""
    store.erase_state(keys.governor_id, "a", reason="asked for")
    assert not keys.exists("a")
    assert keys.get("b") == 1
    assert [event.from_state for event in keys.history("a", after=2)] == [{}]
    assert keys.increment("a") == 1


@in_memory
def test_the_outcome_of_a_change_of_a_key_is_told(keys, store):
    """Its error tells the group as text, which a user's governor may have, too; another change is none of them."""
    store.save_state("~keys:g/1", "a", {})
    persister = StateMachinePersister(store)
    (first, _) = [event for event in keys.history("a")]
    told = (first.governor_id, first.state_id, first.version)
    found = persister.outcome(OutcomeUnknownError(first.transition_id, *told))
    assert found is not None
    assert found.event == first
    assert persister.outcome(OutcomeUnknownError("another", *told)) is None
