"""Documents that the official client wrote become states, on the emulator."""

from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from google.cloud import firestore
from google.cloud.firestore_v1.vector import Vector

from tai_state import ConfigurationError, FirestoreStore, MemoryStore, StoreUnavailableError, verify
from tai_state.adoption import CollectionSource, EarlierMoves, Shape, adopt, collection
from tai_state.cli import main

pytestmark = pytest.mark.emulator
AT = datetime(2024, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)


@pytest.fixture
def client(tai_state_project):
    client = firestore.Client(project=tai_state_project)
    yield client
    client.close()


@pytest.fixture
def source(tai_state_project, client):
    return CollectionSource("orders", project=tai_state_project, client=client)


def test_each_document_becomes_a_state_beside_its_collection(tai_state_project, client, source):
    """In the same database; the documents stay as they are."""
    orders = client.collection("orders")
    orders.document("o-1").set({"state": "paid", "total": 10, "raw": b"\xff", "at": AT, "items": [{"n": 1.5}, None]})
    orders.document("é x").set({"state": "new"})
    orders.document("o-1").collection("notes").document("n").set({"state": "none of these"})
    with FirestoreStore(tai_state_project) as store:
        report = adopt(store, source, Shape("state"))
        assert (report.rows, report.adopted, report.verified, report.is_sound) == (2, 2, 2, True)
        state, _ = store.get_state("orders", "o-1")
        assert (state.status, state.version) == ("paid", 1)
        assert state.data == {"total": 10, "raw": b"\xff", "at": AT, "items": [{"n": 1.5}, None]}
        (event,) = store.get_events("orders", "o-1")
        written = orders.document("o-1").get().update_time
        assert event.action == "adopt"
        assert event.payload == {
            "source": "orders/o-1",
            "project": tai_state_project,
            "update_time": written.isoformat(),
            "earlier_moves": 0,
        }
        assert event.occurred_at == written
        orders.document("o-1").update({"total": 11})
        again = adopt(store, source, Shape("state"))
        assert [(one.place, one.kind, one.field) for one in again.findings] == [("orders/o-1", "changed", "total")]
        assert (again.adopted, again.verified) == (0, 1)
        assert all(one.is_consistent for one in verify(store))


@pytest.mark.more
def test_pages_hold_every_document_once_and_a_mark_leads_behind_one(client, source, monkeypatch):
    """In the order of their ids."""
    monkeypatch.setattr(collection, "_PAGE_DOCUMENTS", 2)
    for name in "ecabd":
        client.collection("orders").document(name).set({"state": "new"})
    whole = list(source.rows(None, history=None))
    assert [row.id for row in whole] == ["a", "b", "c", "d", "e"]
    for number, row in enumerate(whole):
        assert [one.id for one in source.rows(row.mark, history=None)] == list("abcde")[number + 1 :]


@pytest.mark.more
def test_what_a_store_does_not_take_stands_in_other_words_and_is_counted(client, source):
    """References, places and vectors, wherever they are."""
    fields = {
        "state": "new",
        "owner": client.collection("people").document("ann"),
        "where": [{"at": firestore.GeoPoint(1.5, -2)}],
        "like": Vector([1.0, 2.0]),
    }
    client.collection("orders").document("o-1").set(fields)
    with MemoryStore() as store:
        report = adopt(store, source, Shape("state"))
        assert (report.converted, report.verified) == (3, 1)
        assert store.get_state("orders", "o-1")[0].data == {
            "owner": "people/ann",
            "where": [{"at": {"latitude": 1.5, "longitude": -2.0}}],
            "like": [1.0, 2.0],
        }


@pytest.mark.more
@pytest.mark.parametrize("key", [None, "order"])
def test_earlier_moves_are_in_a_subcollection_or_a_collection(tai_state_project, client, key):
    """Each with the time of its own."""
    orders = client.collection("orders")
    orders.document("o-1").set({"state": "paid"})
    orders.document("o-2").set({"state": "new"})
    moves = orders.document("o-1").collection("moves") if key is None else client.collection("moves")
    moves.document("y").set({"order": "o-1", "state": "new", "at": datetime(2024, 1, 1, tzinfo=UTC), "actor": "ann"})
    moves.document("x").set({"order": "o-1", "state": "paid", "at": AT, "action": "pay"})
    source = CollectionSource("orders", project=tai_state_project, client=client, moves_key=key)
    with MemoryStore() as store:
        report = adopt(store, source, Shape("state", history=EarlierMoves("moves", key_field=key)))
        assert (report.earlier_moves, report.verified) == (2, 2)
        found = [(one.action, one.occurred_at, one.payload) for one in store.get_events("orders", "o-1")]
    rest = {"order": "o-1"} if key is None else {}
    origin = {"adopted": {"source": "orders/o-1", "adopted_as": 3}}
    assert found[0] == ("new", datetime(2024, 1, 1, tzinfo=UTC), rest | origin)
    assert found[1] == ("pay", AT, rest | origin)
    assert found[2][0] == "adopt"


@pytest.mark.more
def test_an_unreachable_server_is_told(tai_state_project, monkeypatch):
    """In this package's words."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    monkeypatch.setattr(collection, "_CALL_SECONDS", 0.5)
    with pytest.raises(StoreUnavailableError, match="/orders cannot be read"):
        list(CollectionSource("orders", project=tai_state_project).rows(None, history=None))


@pytest.mark.parametrize("path", ["orders/o-1", "", "orders//moves"])
def test_what_is_no_path_of_a_collection_is_refused(path):
    """A document, say."""
    with pytest.raises(ConfigurationError, match="is no path of a collection"):
        CollectionSource(path)


def test_the_command_takes_project_and_database_of_the_store(tai_state_project, client):
    """And its exit code says whether every document has its state."""
    client.collection("orders").document("o-1").set({"state": "new"})
    words = ["--store", f"firestore://{tai_state_project}", "adopt", "firestore-collection", "orders"]
    result = CliRunner().invoke(main, [*words, "--status-field", "state", "--dry-run"])
    assert (result.exit_code, "would be adopted  1" in result.stdout) == (1, True), result.output
    result = CliRunner().invoke(main, [*words, "--status-field", "state"])
    assert (result.exit_code, "verified  1" in result.stdout) == (0, True), result.output
    client.collection("orders").document("o-2").set({"total": 3})
    result = CliRunner().invoke(main, [*words, "--status-field", "state"])
    assert result.exit_code == 1
    assert "orders/o-2  refused  state  is missing" in result.stdout
