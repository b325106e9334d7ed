# Generated from tests/_async/recovery/test_segments_found.py by .ci/generate_sync.py; do not edit.
"""A segment that holds other events than the log: one finding, one repair, however many they are."""
from dataclasses import replace
from typing import Any

from tai_state import verify
from tai_state.documents import Put
from tai_state.rules.history.segments import build_segment
from tai_state.rules.records.chain import event_hash, make_seal
from tai_state.rules.records.documents import read_event
from tests._sync.recovery.damages import S, live, sound_contents, write
from tests._sync.stores import document_at


def forge_segment(store, versions):
    """Let a segment say something else of each event, with digests and hashes that fit."""
    run: list[Any] = []
    for version in versions:
        event = read_event(document_at(store, S.event(version)), S.governor_id, S.state_id)
        event = replace(event, metadata=replace(event.metadata, changed_by="innocent"))
        event = replace(event, previous_hash=run[-1].hash) if run else event
        assert event.seal is not None
        assert event.seal.salt is not None
        event = replace(event, seal=make_seal(event, event.seal.salt))
        run.append(replace(event, hash=event_hash(event)))
    segment = build_segment(S, run)
    assert segment is not None
    assert segment.write is not None
    write(store, Put(segment.write.path, segment.write.fields))


def test_a_segment_is_told_and_written_once_however_many_events_differ(store):
    """By its first version; two bad segments are two findings."""
    persister = live(store)
    sound = sound_contents(store)
    for first in (1, 5):
        forge_segment(store, range(first, first + 4))
    found = [one for report in verify(store, "g") for one in report.problems]
    told = [(one.kind, one.version, one.path) for one in found]
    assert told == [("corrupt_segment", first, str(S.segment(first))) for first in (1, 5)]
    report = persister.recover("g")
    assert ([one.version for one in report.repaired], report.unresolved) == ([1, 5], [])
    assert sound_contents(store) == sound
