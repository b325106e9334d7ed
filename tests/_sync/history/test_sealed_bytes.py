# Generated from tests/_async/history/test_sealed_bytes.py by .ci/generate_sync.py; do not edit.
"""Sealed events are proven by the bytes that hold them: one that was altered is found by whoever reads them."""
import hashlib

import pytest

from tai_state import StateMachinePersister, CorruptLogError, PersistenceConfig
from tai_state.compression import compress, decompress
from tai_state.documents import Delete, Put
from tai_state.layout import state_layout
from tai_state.rules.history.packed import Run
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, document_at

PATHS = state_layout("g", "s")
CONFIG = PersistenceConfig(snapshot_interval=1_000, segment_events=30)


@pytest.fixture
def persister(store):
    """A persister of a state whose events 1 to 30 are sealed."""
    made = StateMachinePersister(store, COUNTER, CONFIG)
    made.start("g", "s", {"n": 0})
    for number in range(1, 32):
        made.transition("g", "s", "add", number)
    return made


def damage(store, altered):
    """Let the segment be what *altered* makes of its fields, and remove the documents of its events."""
    fields = dict((document_at(store, PATHS.segment(1))).fields)
    deletes = [Delete(PATHS.event(version)) for version in range(1, 31)]
    put = Put(PATHS.segment(1), {**fields, **altered(fields), "alone": True})
    store.runtime.access.backend.commit([put, *deletes], timeout=TIMEOUT)


def bytes_at(share):
    """Return what alters one byte of a segment, so far from its beginning."""

    def altered(fields):
        blob = bytearray(fields["events"])
        blob[int(share * (len(blob) - 1))] ^= 1
        return {"events": bytes(blob)}

    return altered


def text_of(number):
    """Return what alters what one event did, with a digest of the segment that fits."""

    def altered(fields):
        body = decompress(fields["events"])
        other = body.replace(b'\n{"n":%d}\n' % number, b'\n{"n":%d}\n' % (number + 5))
        assert other != body
        blob = compress(other)
        return {"events": blob, "digest": hashlib.sha256(blob).hexdigest()}

    return altered


@pytest.mark.parametrize("altered", [bytes_at(0), bytes_at(0.3), bytes_at(0.7), bytes_at(1), text_of(1), text_of(435)])
def test_altered_sealed_bytes_are_found(store, persister, altered):
    """By a replay, by a read of the history, by a look at one event, and by verify."""
    damage(store, altered)
    with pytest.raises(CorruptLogError):
        persister.replay("g", "s")
    with pytest.raises(CorruptLogError, match="is damaged"):
        [event for event in persister.history("g", "s")]
    with pytest.raises(CorruptLogError, match="is damaged"):
        persister.rollback("g", "s", 9)
    report = persister.validate_consistency("g")
    assert {problem.kind for problem in report.problems} >= {"corrupt_segment", "missing_event"}


@pytest.mark.parametrize("until", [None, 25], ids=["as a whole", "in part"])
def test_a_sealed_event_that_is_none_is_read_from_its_document(store, persister, until):
    """Somebody made it with all its hashes: they are right, and it is no event. Without documents it is told."""
    data = (persister.replay("g", "s", until_version=until)).data

    def altered(fields):
        body = decompress(fields["events"]).replace(b'"add"', b"[1,2]")
        blob = compress(body)
        return {"events": blob, "digest": hashlib.sha256(blob).hexdigest(), "hash": Run(body, "g", "s").hashes[-1]}

    fields = (document_at(store, PATHS.segment(1))).fields
    put = Put(PATHS.segment(1), {**fields, **altered(fields)})
    store.runtime.access.backend.commit([put], timeout=TIMEOUT)
    assert (persister.replay("g", "s", until_version=until)).data == data
    damage(store, lambda fields: {})
    with pytest.raises(CorruptLogError):
        persister.replay("g", "s", until_version=until)
