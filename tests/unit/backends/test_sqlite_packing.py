"""Events are compressed in an SQLite file; what was compressed once is read by every later release."""

import base64
import hashlib
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.backends.sqlite import encoding, packing
from tai_state.codec import dump_json
from tai_state.documents import DAMAGED, DocumentPath, Put
from tai_state.errors import InvalidDataError

EVENT = DocumentPath("governors/g/events", "s@1")
FIELDS = {"action": "add", "to_state": {"text": "x" * 600}, "hash": "3f" * 32}
FRAME = "KLUv/WEByQElAQCQYWRkM2Z7InRleHQiOiJ4In19BfxUEM+lzYnLBTRGwgUqMFM="  # pragma: allowlist secret


def body_of(path):
    connection = sqlite3.connect(path)
    ((body,),) = connection.execute("SELECT body FROM documents WHERE id = 's@1'").fetchall()
    connection.close()
    return body


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def backend(path):
    backend = SqliteBackend(path)
    yield backend
    backend.close()


def test_an_event_takes_less_room_and_comes_back(path, backend):
    """Its size is that of its JSON, by which pages are bounded."""
    backend.commit([Put(EVENT, FIELDS)], timeout=5)
    found = backend.get(EVENT, timeout=5).documents[EVENT]
    assert found.fields == FIELDS
    assert found.size == len(dump_json(FIELDS))
    assert len(body_of(path)) < found.size / 3


@pytest.mark.parametrize("collection", ["governors/g/states", "others", "governors/g/myevents"])
def test_what_is_no_event_stays_json(path, backend, collection):
    """SQLite looks into it."""
    backend.commit([Put(DocumentPath(collection, "s@1"), FIELDS)], timeout=5)
    assert body_of(path) == dump_json(FIELDS)


@pytest.mark.parametrize("characters", [packing.PACKED_MIN - 100, packing.PACKED_MAX + 1])
def test_a_small_event_and_a_large_one_stay_json(path, backend, characters):
    """The one would not be smaller, and the other has its large parts compressed already."""
    fields = {"to_state": {"text": "x" * characters}}
    backend.commit([Put(EVENT, fields)], timeout=5)
    assert body_of(path) == dump_json(fields)


def test_the_dictionary_never_changes():
    """What was compressed by it could not be read any more."""
    content = Path(packing.__file__).with_name("events.zdict").read_bytes()
    known = "9a142640d67fa9828a5d44b1cd35205e730656daef1e73132f6b32c20284f3fa"  # pragma: allowlist secret
    assert hashlib.sha256(content).hexdigest() == known


def test_what_was_compressed_once_is_read():
    """A frame as an earlier run of ours wrote it, which names its dictionary."""
    assert packing.text_of(base64.b64decode(FRAME)) == dump_json(FIELDS)


def test_what_is_damaged_is_told(path, backend):
    """In the place of its content, so that its neighbours are read."""
    backend.commit([Put(EVENT, FIELDS)], timeout=5)
    body = body_of(path)
    spoiled = [body[:40], body[:-1], body[:4] + b"\xff" * 40, body[:12] + b"\0\0\0\0" + body[16:]]
    for content in spoiled:
        connection = sqlite3.connect(path)
        connection.execute("UPDATE documents SET body = ?", (content,))
        connection.commit()
        connection.close()
        found = backend.get(EVENT, timeout=5).documents[EVENT].fields
        assert list(found) == [DAMAGED]


def test_a_frame_that_claims_more_than_any_document_is_refused():
    """It is not blown up to find out."""
    with pytest.raises(InvalidDataError, match="claims a size"):
        packing.text_of(packing.new_packer().compress(b"x" * 2_000_000))


def test_threads_do_not_meet_in_one_compressor(monkeypatch):
    """What zstd makes would be torn: who comes while it is in use takes another one."""
    both = threading.Barrier(2)

    class Packer:
        is_busy = False

        def compress(self, text):
            assert not self.is_busy
            self.is_busy = True
            both.wait(timeout=10)
            self.is_busy = False
            return text

    packers = [Packer()]
    monkeypatch.setattr(encoding, "packers", packers)
    monkeypatch.setattr(encoding, "new_packer", Packer)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(encoding._packed, [b"x" * 600] * 2)) == [b"x" * 600] * 2
    assert len(packers) == 2
