"""What an export carries: every kind of document that there is, or it says why not."""

import pytest

from tai_state import layout
from tai_state.config import Encoding
from tai_state.documents import Document, DocumentPath
from tai_state.errors import InvalidIdError
from tai_state.layout import GovernorLayout, state_layout
from tai_state.rules.records.documents import plain_state_fields
from tai_state.rules.recovery.carried import LEFT_OUT, OF_GOVERNORS, OF_STORES, carried_fields, check_path, placed
from tests.unit.commits.made import PATHS, at, lived

GOVERNOR = GovernorLayout("g")
VERSION = "s@0000000000000000001"


def collections_of_governors():
    """Return the collections that the layout gives a governor."""
    root = f"governors/{layout.escape('g')}/"
    named = [getattr(GOVERNOR, name) for name in GovernorLayout.__slots__]
    return {one.removeprefix(root) for one in named if one.startswith(root)}


def collections_of_stores():
    """Return the collections that the layout gives a store."""
    names = {name: value for name, value in vars(layout).items() if name.isupper() and not name.startswith("_")}
    paths = {value.collection for value in names.values() if isinstance(value, DocumentPath)}
    return paths | {value for name, value in names.items() if isinstance(value, str)} - {layout.GOVERNORS}


def test_every_collection_is_carried_or_left_out_for_a_reason():
    """One that comes to the layout comes to the export, or somebody says why not."""
    assert collections_of_governors() == set(OF_GOVERNORS)
    assert collections_of_stores() == {*OF_STORES, *LEFT_OUT}
    assert all(LEFT_OUT.values())


@pytest.mark.parametrize(
    "path",
    [
        "governors/g/states/s",
        f"governors/g/events/{VERSION}",
        f"governors/g/segments/{VERSION}",
        f"governors/g/snapshots/{VERSION}",
        f"governors/g/receipts/{'0' * 64}",
        "governors/a%2Fb/audit/x",
        "governors/g/quarantine/x",
        "locks/r",
        "transactions/key-x",
        "audit/x",
    ],
)
def test_a_path_of_ours_is_taken(path):
    """Of each collection."""
    collection, _, document_id = path.rpartition("/")
    check_path(DocumentPath(collection, document_id))


@pytest.mark.parametrize(
    "path",
    [
        "governors/g/states/a.b",
        "governors/g/events/s",
        "governors/g/events/a.b@0000000000000000001",
        "governors/g/receipts/s",
        "governors/a.b/states/s",
        "governors/g/others/s",
        "others/g/states/s",
        "elsewhere/g/states/s",
        "governors/g/states/s/states/s",
        "waits/ann",
        "tai/meta",
        "locks/a.b",
        "states/s",
    ],
)
def test_a_path_of_somebody_else_is_refused(path):
    """An import writes nothing elsewhere."""
    collection, _, document_id = path.rpartition("/")
    with pytest.raises(InvalidIdError):
        check_path(DocumentPath(collection, document_id))


def test_a_state_that_is_due_is_looked_for_where_it_comes_to():
    """Under the store's own key; one that is not due, and what is no state, under none."""
    state, event = state_layout("g", "s").state, state_layout("g", "s").event(1)
    due = {"due_at": 1, "due_machine": "orders", "due_key": "theirs:orders:3", "digest": "d"}
    assert placed(state, due, "ours") == {**due, "due_key": "ours:orders:0"}
    assert placed(state, {"digest": "d"}, "ours") == {"digest": "d"}
    assert placed(event, {"due_at": 1}, "ours") == {"due_at": 1}


def test_a_state_that_comes_to_a_store_that_feeds_is_found_there():
    """Its format says that it has a key."""
    state = state_layout("g", "s").state
    assert placed(state, {"digest": "d", "format": 2}, "ours", 1) == {"digest": "d", "format": 7, "feed_key": "ours:0"}
    assert placed(state, {"digest": "d", "format": 8}, "ours", 1)["format"] == 8


@pytest.mark.parametrize("damage", [{"version": "3"}, {"hash": None}, {"governor_id": "h"}, {"causality": 1}], ids=str)
def test_a_damaged_state_of_an_earlier_release_is_carried_as_it_is(damage):
    """It does not end the import, and whoever mends it gives it its key."""
    fields = plain_state_fields(lived(1)[0].record, Encoding()) | {"format": 1}
    assert placed(PATHS.state, fields, "ours", 1)["feed_key"] == "ours:0"
    assert placed(PATHS.state, {**fields, **damage}, "ours", 1) == {**fields, **damage}


@pytest.mark.parametrize("path", [PATHS.event(1), PATHS.receipt("k"), DocumentPath("transactions", "key-x")], ids=str)
@pytest.mark.parametrize("said", ["yesterday", 3])
def test_what_says_another_thing_than_a_time_is_carried_as_it_is(path, said):
    """It does not end the export, and no time takes its place that would hide the damage."""
    made, changed = at(1), at(2)
    damaged = {"n": 1, "committed_at": said}
    assert carried_fields(Document(path, damaged, made, changed)) == damaged
    when = made if path == PATHS.event(1) else changed
    assert carried_fields(Document(path, {"n": 1}, made, changed)) == {"n": 1, "committed_at": when}
    assert carried_fields(Document(path, {"committed_at": at(0)}, made, changed)) == {"committed_at": at(0)}
