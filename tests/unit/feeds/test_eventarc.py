"""CloudEvents of Firestore: the event in each form that Eventarc and its SDK give it."""

import base64
import json
from datetime import UTC, datetime

import pytest
from google.protobuf.json_format import MessageToDict

from tai_state import InvalidDataError, MemoryStore
from tai_state.documents import DocumentPath
from tai_state.errors import CorruptLogError
from tai_state.feeds.eventarc import cloud_event_of, event_of
from tai_state.layout import state_layout
from tests.unit.feeds.documents import BASE, CREATED, framed, message

DATA = {"n": 1, "text": "ü", "bytes": b"\x00\xff", "at": datetime(2030, 1, 2, tzinfo=UTC), "deep": {"list": [1.5]}}


@pytest.fixture(params=[("g", "s"), ("a/b", "ü %@")])
def told(request):
    """An event of a store, and its document as Firestore's message, a root above it."""
    governor_id, state_id = request.param
    with MemoryStore(actor="tester") as store:
        store.save_state(governor_id, state_id, {"n": 0})
        store.save_state(governor_id, state_id, DATA, status="on")
        *_, event = store.get_events(governor_id, state_id)
        path = state_layout(governor_id, state_id).event(2)
        document = store.runtime.access.backend.get(path, timeout=1.0).get(path)
    return event, message(document, f"{BASE}/apps/billing/{path}")


def test_protobuf_in_the_binary_mode(told):
    """What Eventarc sends to Cloud Run: attributes in headers, DocumentEventData as body, what was before included."""
    event, raw = told
    headers = {"Ce-Type": CREATED, "ce-source": "//firestore", "Content-Type": "application/protobuf"}
    body = framed(1, raw) + framed(2, raw)
    assert event_of(cloud_event_of(headers, body)) == event


def test_json_in_the_binary_mode(told):
    """A trigger whose data is asked for as JSON."""
    event, raw = told
    headers = {"ce-type": CREATED, "content-type": "application/json"}
    body = json.dumps({"value": MessageToDict(raw), "oldValue": {}, "updateMask": {}}).encode()
    assert event_of(cloud_event_of(headers, body)) == event


def test_json_in_the_structured_mode(told):
    """All of the CloudEvent as one object."""
    event, raw = told
    text = json.dumps({"specversion": "1.0", "type": CREATED, "data": {"value": MessageToDict(raw)}})
    headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
    assert event_of(cloud_event_of(headers, text.encode())) == event


def test_protobuf_in_the_structured_mode(told):
    """Bytes stand in an object as base64."""
    event, raw = told
    assert event_of({"type": CREATED, "data_base64": base64.b64encode(framed(1, raw)).decode()}) == event


def test_the_sdks_own_objects(told):
    """Those of its first version have an attribute, those of its second one a method."""
    event, raw = told

    class First:
        data = framed(1, raw)

    class Second:
        def get_data(self):
            return {"value": MessageToDict(raw)}

    assert event_of(First()) == event
    assert event_of(Second()) == event


def test_another_document_is_none_of_an_event(told):
    """A trigger that tells of states, or of somebody else's documents, is told what it told of."""
    _, raw = told
    raw.name = f"{BASE}/governors/g/states/s"
    with pytest.raises(InvalidDataError, match=r"holds no document of an event: '.*/governors/g/states/s' is none"):
        event_of({"data": framed(1, raw)})
    raw.name = f"{BASE}/governors/g/events/s"
    with pytest.raises(InvalidDataError, match="'s' is not the id of a version"):
        event_of({"data": framed(1, raw)})


def test_an_event_under_another_name_is_damage(told):
    """It would be taken for a change of a state that never made it."""
    _, raw = told
    raw.name = f"{BASE}/{state_layout('g', 'other').event(2)}"
    with pytest.raises(CorruptLogError):
        event_of({"data": framed(1, raw)})


@pytest.mark.parametrize(
    ("cloud_event", "why"),
    [
        ({}, "its data is NoneType"),
        ({"data_base64": "é"}, "data_base64 is no base64"),
        ({"data": '{"value":' + "[" * 100_000}, "is no JSON"),
        (None, "its data is NoneType"),
        ({"data": b""}, "it tells of no document that is there"),
        ({"data": {"oldValue": {}}}, "it tells of no document that is there"),
        ({"data": {"value": 3}}, "its value is no document"),
        ({"data": b"\n{"}, "its data is no protobuf"),
        ({"data": {"value": {"fields": {"x": 3}}}}, "its value is no document"),
        ({"data": b"\xff\xff"}, "its data is no protobuf"),
        ({"data_base64": "%"}, "data_base64 is no base64"),
        ({"data": "{"}, "is no JSON"),
        ({"data": "[]"}, "is no object of JSON, but list"),
    ],
)
def test_what_is_no_cloud_event_of_an_event(cloud_event, why):
    """Each is told by what is wrong with it."""
    with pytest.raises(InvalidDataError, match=why):
        event_of(cloud_event)


def test_a_request_without_a_cloud_event():
    """Anybody may call an address."""
    with pytest.raises(InvalidDataError, match="it has no header ce-type"):
        cloud_event_of({"content-type": "application/json"}, b"{}")


def test_the_path_of_an_event_is_that_of_the_store():
    """What is read names the state by its ids, whatever they are escaped to."""
    assert state_layout("a/b", "s").event(1) == DocumentPath("governors/a%2Fb/events", "s@0000000000000000001")
