# Generated from tests/_async/api/test_store_states.py by .ci/generate_sync.py; do not edit.
"""One state through the store: made, read, replaced, deleted, made again."""
from datetime import UTC

import pytest
from pydantic import BaseModel

from tai_state import (
    ChangeMetadata,
    InvalidDataError,
    RetryPolicy,
    StateNotFoundError,
    VersionConflictError,
)
from tests._sync.stores import contents, in_memory


def test_a_new_state_has_version_1(store):
    """The first save creates, and what is read is what was saved."""
    assert store.save_state("g", "s", {"n": 1}, status="new") == 1
    snapshot, version = store.get_state("g", "s")
    assert (version, snapshot.version, snapshot.status, snapshot.data) == (1, 1, "new", {"n": 1})


def test_a_snapshot_says_whose_it_is_and_when_it_was_made(store):
    """Ids, author, parent and aware UTC times come with the data."""
    store.save_state("g", "s", {})
    store.save_state("g", "s", {"n": 2})
    snapshot, _ = store.get_state("g", "s")
    assert (snapshot.governor_id, snapshot.state_id, snapshot.deleted) == ("g", "s", False)
    assert (snapshot.metadata.changed_by, snapshot.metadata.parent_version) == ("tester", 1)
    assert snapshot.timestamp.tzinfo is UTC
    assert snapshot.created_at <= snapshot.timestamp


def test_saving_replaces_the_data(store):
    """A save is no merge: fields that are not in it are gone."""
    store.save_state("g", "s", {"a": 1, "b": 2})
    assert store.save_state("g", "s", {"b": 3}) == 2
    snapshot, _ = store.get_state("g", "s")
    assert snapshot.data == {"b": 3}


def test_saving_without_a_status_keeps_it(store):
    """status=None keeps the status, another one replaces it."""
    store.save_state("g", "s", {}, status="open")
    store.save_state("g", "s", {})
    assert (store.get_state("g", "s"))[0].status == "open"
    store.save_state("g", "s", {}, status="shut")
    assert (store.get_state("g", "s"))[0].status == "shut"


def test_a_state_without_a_status_has_an_empty_one(store):
    """Nothing is made up where no status was ever given."""
    store.save_state("g", "s", {})
    assert (store.get_state("g", "s"))[0].status == ""


def test_updating_keeps_the_status_and_replaces_the_data(store):
    """An update at the right version makes the next one."""
    store.save_state("g", "s", {"n": 1}, status="open")
    assert store.update_state("g", "s", {"n": 2}, 1) == 2
    snapshot, version = store.get_state("g", "s")
    assert (snapshot.status, snapshot.data, version) == ("open", {"n": 2}, 2)


def test_updating_a_missing_state_is_refused(store):
    """There is nothing to update, whatever version is named."""
    for version in (0, 1):
        with pytest.raises(StateNotFoundError) as caught:
            store.update_state("g", "s", {}, version)
        assert (caught.value.governor_id, caught.value.state_id) == ("g", "s")
    assert contents(store) == {}


def test_updating_needs_a_version(store):
    """None is no version for an update."""
    store.save_state("g", "s", {})
    with pytest.raises(InvalidDataError) as caught:
        store.update_state("g", "s", {}, None)
    assert caught.value.path == "expected_version"


def test_a_deleted_state_is_gone(store):
    """Every read treats a tombstone as absent."""
    store.save_state("g", "s", {"n": 1})
    assert store.delete_state("g", "s") == 2
    with pytest.raises(StateNotFoundError) as caught:
        store.get_state("g", "s")
    assert caught.value.deleted
    assert store.find_state("g", "s") is None
    assert not store.exists("g", "s")


def test_a_deleted_state_cannot_be_changed_as_a_live_one(store):
    """Neither a second delete nor an update finds it."""
    store.save_state("g", "s", {})
    store.delete_state("g", "s")
    for version in (1, 2):
        with pytest.raises(StateNotFoundError):
            store.update_state("g", "s", {}, version)
        with pytest.raises(StateNotFoundError):
            store.delete_state("g", "s", version)
    assert [event.version for event in store.get_events("g", "s")] == [1, 2]


def test_deleting_a_missing_state_is_refused(store):
    """A delete of nothing is no success."""
    with pytest.raises(StateNotFoundError) as caught:
        store.delete_state("g", "s")
    assert not caught.value.deleted


def test_a_missing_state_reads_as_absent(store):
    """To get raises a LookupError, find returns None, exists says no."""
    with pytest.raises(LookupError) as caught:
        store.get_state("g", "s")
    assert isinstance(caught.value, StateNotFoundError)
    assert store.find_state("g", "s") is None
    assert not store.exists("g", "s")


def test_versions_rise_over_delete_and_creation(store):
    """A state that comes back goes on counting where its tombstone stopped."""
    versions = [
        store.save_state("g", "s", {"n": 1}),
        store.delete_state("g", "s"),
        store.save_state("g", "s", {"n": 2}),
        store.delete_state("g", "s"),
        store.save_state("g", "s", {"n": 3}),
        store.update_state("g", "s", {"n": 4}, 5),
    ]
    assert versions == [1, 2, 3, 4, 5, 6]


def test_a_state_that_comes_back_is_a_new_one(store):
    """Its status does not come back, and its creation time is its own."""
    store.save_state("g", "s", {}, status="old")
    first, _ = store.get_state("g", "s")
    store.delete_state("g", "s")
    store.save_state("g", "s", {})
    again, _ = store.get_state("g", "s")
    assert again.status == ""
    assert again.created_at == again.timestamp > first.created_at


def test_a_tombstone_stays_readable_for_those_who_ask(store):
    """include_deleted lists it, with its version and the status it had, and without its data."""
    store.save_state("g", "s", {"n": 1}, status="open")
    store.delete_state("g", "s")
    listed = [one for one in store.list_states("g", include_deleted=True)]
    assert [(one.state_id, one.version, one.status, one.data, one.deleted) for one in listed] == [
        ("s", 2, "open", {}, True)
    ]


@pytest.mark.parametrize("expected", [1, 2, 4, 10**9])
def test_a_wrong_expected_version_is_refused(store, expected):
    """The error names both versions, and nothing is written."""
    for n in range(3):
        store.save_state("g", "s", {"n": n})
    before = contents(store)
    for call in (
        lambda: store.save_state("g", "s", {}, expected_version=expected),
        lambda: store.update_state("g", "s", {}, expected),
        lambda: store.delete_state("g", "s", expected),
    ):
        with pytest.raises(VersionConflictError) as caught:
            call()
        assert (caught.value.key, caught.value.expected, caught.value.actual) == ("g/s", expected, 3)
    assert contents(store) == before


def test_the_right_expected_version_is_accepted(store):
    """Each change may name the version that it changes."""
    assert store.save_state("g", "s", {}, expected_version=0) == 1
    assert store.save_state("g", "s", {"n": 1}, expected_version=1) == 2
    assert store.delete_state("g", "s", expected_version=2) == 3


def test_expected_version_0_means_that_it_must_not_exist(store):
    """0 creates; on a live state it is a conflict."""
    assert store.save_state("g", "s", {"n": 1}, expected_version=0) == 1
    with pytest.raises(VersionConflictError) as caught:
        store.save_state("g", "s", {"n": 2}, expected_version=0)
    assert (caught.value.expected, caught.value.actual) == (0, 1)
    assert (store.get_state("g", "s"))[0].data == {"n": 1}


def test_expected_version_0_accepts_a_deleted_state(store):
    """For a caller who expects none, a tombstone is none."""
    store.save_state("g", "s", {})
    store.delete_state("g", "s")
    assert store.save_state("g", "s", {"n": 2}, expected_version=0) == 3


def test_what_is_said_to_be_new_is_not_looked_for(place):
    """The commit asks, under a key, too; what refuses it is read then. Who tries but once looks first."""
    store, backend = place.counting()
    store.save_state("g", "first", {})
    backend.taken()
    assert store.save_state("g", "s", {"n": 1}, expected_version=0, idempotency_key="k") == 1
    assert backend.taken() == ["commit"]
    store, backend = place.counting()
    store.save_state("g", "second", {})
    backend.taken()
    assert store.save_state("g", "s", {"n": 1}, expected_version=0, idempotency_key="k") == 1
    with pytest.raises(VersionConflictError) as caught:
        store.save_state("g", "s", {"n": 2}, expected_version=0)
    assert (caught.value.expected, caught.value.actual, backend.taken().count("commit")) == (0, 1, 2)
    store, backend = place.counting(retry=RetryPolicy(attempts=1))
    store.save_state("g", "third", {})
    backend.taken()
    with pytest.raises(VersionConflictError):
        store.save_state("g", "s", {"n": 2}, expected_version=0)
    assert "commit" not in backend.taken()


def test_an_expected_version_of_a_missing_state_is_a_conflict(store):
    """Expecting version 3 of nothing is a conflict with version 0."""
    with pytest.raises(VersionConflictError) as caught:
        store.save_state("g", "s", {}, expected_version=3)
    assert (caught.value.expected, caught.value.actual) == (3, 0)


@in_memory
@pytest.mark.parametrize("wrong", [-1, True, 1.0, "1"])
def test_what_is_no_version_is_refused(place, wrong):
    """A bool, a float or a negative number is no version; nothing is asked of the backend."""
    store, backend = place.counting()
    for call in (
        lambda: store.save_state("g", "s", {}, expected_version=wrong),
        lambda: store.update_state("g", "s", {}, wrong),
        lambda: store.delete_state("g", "s", wrong),
    ):
        with pytest.raises(InvalidDataError) as caught:
            call()
        assert caught.value.path == "expected_version"
    assert backend.calls == []


def test_a_pydantic_model_is_stored_as_its_json(store):
    """Nested models and defaults become dicts."""

    class Line(BaseModel):
        sku: str
        count: int = 1

    class Order(BaseModel):
        lines: list[Line]

    store.save_state("g", "s", Order(lines=[Line(sku="a")]))
    assert (store.get_state("g", "s"))[0].data == {"lines": [{"sku": "a", "count": 1}]}


def test_metadata_of_a_change_is_kept(store):
    """Author, reason and context are the caller's; the parent version is the store's."""
    metadata = ChangeMetadata(changed_by="ann", reason="a ticket", parent_version=99, context={"ticket": {"id": 7}})
    store.save_state("g", "s", {}, metadata)
    kept = (store.get_state("g", "s"))[0].metadata
    assert (kept.changed_by, kept.reason, kept.context) == ("ann", "a ticket", {"ticket": {"id": 7}})
    assert kept.parent_version is None


def test_changes_by_two_stores_follow_each_other(place):
    """What one store wrote, another changes without a conflict that its caller sees."""
    one, other = place.store(), place.store()
    assert one.save_state("g", "s", {"n": 1}) == 1
    assert other.save_state("g", "s", {"n": 2}) == 2
    assert one.save_state("g", "s", {"n": 3}) == 3
    assert other.delete_state("g", "s") == 4
    assert one.save_state("g", "s", {"n": 5}) == 5
    assert (other.get_state("g", "s"))[0].data == {"n": 5}
