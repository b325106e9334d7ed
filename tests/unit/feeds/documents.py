"""Documents of a store as Firestore's messages, and in the frames in which Eventarc sends them."""

from google.cloud.firestore_v1.types import Document as Message

from tai_state.backends.firestore.values import write_fields, write_time

BASE = "projects/p/databases/(default)/documents"
CREATED = "google.cloud.firestore.document.v1.created"


def message(document, name):
    """A document as Firestore's raw message."""
    raw = Message.pb(Message())
    raw.name = name
    write_fields(raw.fields, document.fields, {})
    write_time(raw.create_time, document.create_time)
    write_time(raw.update_time, document.update_time)
    return raw


def framed(number, raw):
    """A message as a field of another one, by hand, as protobuf's encoding says."""
    content, size = raw.SerializeToString(), b""
    length = len(content)
    while length > 0x7F:
        size += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


def told(store, path):
    """The headers and the body of a call by Eventarc, for the event document at *path*."""
    document = store.runtime.access.backend.get(path, timeout=5.0).get(path)
    headers = {"ce-type": CREATED, "ce-specversion": "1.0", "content-type": "application/protobuf"}
    return headers, framed(1, message(document, f"{BASE}/{path}"))
