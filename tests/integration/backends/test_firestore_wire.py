"""The Firestore backend on the wire: each call is the request that Google's own client makes, and no more of them.

What every backend must do stands in the conformance suite.
"""

import pytest
from google.cloud import firestore

from tai_state.backends.firestore import values
from tai_state.backends.firestore.requests import PAGE_DOCUMENTS
from tai_state.documents import (
    Check,
    Cursor,
    DocumentPath,
    FieldEquals,
    FieldRange,
    Json,
    MustExist,
    MustNotExist,
    Put,
    Query,
    UpdatedAt,
)
from tests.integration.backends.firestore_loopback import AT, NOW, OTHER, put


def _official_calls(client):
    return {
        "Commit": lambda: client.document(str(AT)).set({"n": 1}),
        "BatchGetDocuments": lambda: list(client.get_all([client.document(str(AT))])),
        "RunQuery": lambda: list(client.collection(AT.collection).stream()),
        "ListDocuments": lambda: list(client.collection(AT.collection).list_documents()),
    }


@pytest.mark.parametrize("rpc", ["Commit", "BatchGetDocuments", "RunQuery", "ListDocuments"])
def test_the_routing_metadata_are_the_official_clients(driver, server, rpc):
    """Each RPC carries the resource prefix, the routing parameters and the authorisation that Google's own does."""
    ours = {
        "Commit": lambda: driver.commit(put()),
        "BatchGetDocuments": lambda: driver.get_many(AT),
        "RunQuery": lambda: driver.scan(AT.collection),
        "ListDocuments": lambda: driver.scan_ids(AT.collection),
    }
    ours[rpc]()
    client = firestore.Client(project="p")
    _official_calls(client)[rpc]()
    client._firestore_api.transport.close()
    assert server.rpcs() == [rpc, rpc]
    names = ("google-cloud-resource-prefix", "x-goog-request-params", "authorization")
    mine, theirs = ([metadata.get(name) for name in names] for _, metadata, _ in server.calls)
    assert mine == theirs
    assert None not in mine


def test_the_request_of_a_query_is_the_official_clients(driver, server):
    """A query by equality is the message that the official client builds for it."""
    driver.query(Query(collection=AT.collection, equal=(FieldEquals("status", "open"), FieldEquals("a.b", 1))))
    client = firestore.Client(project="p")
    field_filter = firestore.FieldFilter
    query = client.collection(AT.collection).where(filter=field_filter("status", "==", "open"))
    query = query.where(filter=field_filter("`a.b`", "==", 1)).order_by("__name__").limit(PAGE_DOCUMENTS)
    list(query.stream())
    client._firestore_api.transport.close()
    mine, theirs = (request for _, _, request in server.calls)
    assert mine == theirs


@pytest.mark.parametrize("is_descending", [False, True])
def test_the_request_of_a_range_is_the_official_clients(driver, server, is_descending):
    """A range over a collection group, behind a cursor, is the message that the official client builds for it."""
    within = FieldRange("n", 2, 5)
    equal = (FieldEquals("status", "open"),)
    cursor = Cursor(DocumentPath("governors/g/states", "a"), 3)
    query = Query(
        collection="states", equal=equal, within=within, is_group=True, is_descending=is_descending, after=cursor
    )
    driver.query(query)
    client = firestore.Client(project="p")
    field_filter = firestore.FieldFilter
    theirs = client.collection_group("states").where(filter=field_filter("status", "==", "open"))
    theirs = theirs.where(filter=field_filter("n", ">=", 2)).where(filter=field_filter("n", "<", 5))
    direction = "DESCENDING" if is_descending else "ASCENDING"
    theirs = theirs.order_by("n", direction=direction).order_by("__name__", direction=direction)
    behind = {"n": 3, "__name__": client.document("governors/g/states/a")}
    list(theirs.start_after(behind).limit(PAGE_DOCUMENTS).stream())
    client._firestore_api.transport.close()
    mine, official = (request for _, _, request in server.calls)
    assert mine == official


def test_a_commit_is_one_rpc(driver, server):
    """However many writes and preconditions, a commit is one request."""
    driver.commit(put(precondition=MustExist()), put(at=OTHER, precondition=MustNotExist()))
    assert server.rpcs() == ["Commit"]


def test_an_inconsistent_read_is_one_rpc(driver, server):
    """A batch read that its caller checks later is one request, on the emulator too."""
    driver.get_many(AT, OTHER, AT)
    assert server.rpcs() == ["BatchGetDocuments"]


def test_a_read_of_one_document_is_one_rpc(driver, server):
    """One document cannot be torn: on the emulator too, reading it consistently is one request."""
    driver.get_many(AT, consistent=True)
    assert server.rpcs() == ["BatchGetDocuments"]


def test_a_consistent_read_on_the_emulator_looks_back(driver, server):
    """The server's time is taken first, and the documents are read as of it."""
    read = driver.get_many(AT, OTHER, consistent=True)
    probe, pinned = (request for _, _, request in server.calls)
    assert not probe.HasField("read_time")
    assert values.read_time(pinned.read_time) == read.read_time == NOW


def test_the_pages_of_a_read_are_as_of_the_first(driver, server):
    """A read of many documents is paged, and the later pages ask for the first one's time."""
    driver.get_many(*(DocumentPath("c", f"{n}") for n in range(2 * PAGE_DOCUMENTS + 1)))
    pages = [request for _, _, request in server.calls]
    assert [len(page.documents) for page in pages] == [PAGE_DOCUMENTS, PAGE_DOCUMENTS, 1]
    assert [page.HasField("read_time") for page in pages] == [False, True, True]
    assert values.read_time(pages[1].read_time) == NOW


def test_a_page_and_the_document_before_it_are_one_request(driver, server):
    """Who goes on behind a document asks for that one again, and so for one more than a page."""
    driver.scan(AT.collection, start="a", limit=1_001)
    ((_, _, request),) = server.calls
    assert request.structured_query.limit.value == 1_001


def test_an_update_time_is_given_back_to_the_microsecond(driver, server):
    """The precondition carries the very time that a read returned."""
    driver.commit(put(precondition=UpdatedAt(NOW)))
    assert values.read_time(server.calls[0][2].writes[0].current_document.update_time) == NOW


def test_a_check_has_an_empty_mask(driver, server):
    """With the mask absent rather than empty, a check would wipe the document."""
    driver.commit(Check(AT, UpdatedAt(NOW)))
    (write,) = server.calls[0][2].writes
    assert write.HasField("update_mask")
    assert not write.update_mask.field_paths
    assert not write.update.fields


def test_a_listing_asks_for_ids_alone(driver, server):
    """The mask is present and empty, so that production sends no fields, and missing parents are asked for."""
    driver.scan_ids("governors")
    ((_, _, request),) = server.calls
    assert request.HasField("mask")
    assert not request.mask.field_paths
    assert request.show_missing


@pytest.mark.parametrize(("limit", "start", "size"), [(None, None, 300), (7, None, 7), (900, None, 300), (7, "g", 300)])
def test_a_listing_asks_for_as_many_ids_as_are_wanted(driver, server, limit, start, size):
    """Those before a start are read, too, and how many they are nobody knows."""
    driver.scan_ids("governors", limit=limit, start=start)
    ((_, _, request),) = server.calls
    assert request.page_size == size


def test_a_map_that_stands_in_several_documents_is_in_each_of_them(driver, server):
    """Though it is written once: a text that is given again is the same map, below whichever name."""
    same, other = Json(b'{"a":[1,{"b":null}]}'), Json(b'{"a":2}')
    driver.commit(
        Put(AT, {"data": same, "x": 1}), Put(OTHER, {"from_state": other, "to_state": Json(bytes(same.text))})
    )
    first, second = (values.read_fields(write.update.fields, AT) for write in server.calls[0][2].writes)
    assert first == {"data": {"a": [1, {"b": None}]}, "x": 1}
    assert second == {"from_state": {"a": 2}, "to_state": {"a": [1, {"b": None}]}}


def test_a_put_replaces_the_document(driver, server):
    """A put has no mask, so that fields of the earlier document go."""
    driver.commit(put())
    assert not server.calls[0][2].writes[0].HasField("update_mask")


def test_a_commit_of_nothing_tells_the_time(driver, server):
    """Without a write there is nothing to commit, and the server's time is its time."""
    assert driver.commit().commit_time == NOW
    assert server.rpcs() == ["BatchGetDocuments"]
