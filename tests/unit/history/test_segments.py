"""The bounds of segments, pure: when one is due, what is read for it at a time, and how much one takes."""

import base64
import random
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from tai_state import Machine, Transition
from tai_state.codec import Payload
from tai_state.config import Maintenance
from tai_state.documents import Delete, Document, DocumentPath
from tai_state.errors import CorruptLogError
from tai_state.rules.history import segments
from tai_state.rules.history.packing import pack_events
from tai_state.rules.history.segments import (
    batches,
    build_segment,
    events_alone,
    is_sound_run,
    packed_segment,
    part_of,
    proven,
    read_segment,
    sealed_alone,
    segment_due,
)
from tai_state.rules.records.chain import covered_text, erasable, texts_of
from tai_state.rules.records.occasional import Cause, Due
from tai_state.rules.records.record import Marks
from tests.unit.commits.made import PATHS, at, document, lived, state_at
from tests.unit.history.test_packed import BARE, chained

TEN = Maintenance(segment_events=10)
COUNTER = Machine(
    "counter", "open", [Transition("add", "open", "open", apply=lambda data, _: {**data, "n": data.get("n", 0) + 1})]
)
EVENTS = [one.event for one in lived(9, machine=COUNTER, actions=("add",))]


def filled(number: int, size: int):
    """Return an event whose payload is of about *size* random bytes as text: compression saves a quarter."""
    noise = base64.b64encode(random.Random(number).randbytes(size * 3 // 4)).decode()
    return replace(EVENTS[number], payload=Payload.of({"noise": noise}))


@pytest.mark.parametrize(
    ("version", "marks", "due"),
    [
        (9, Marks(), None),
        (10, Marks(), range(1, 11)),
        (25, Marks(), range(1, 11)),
        (12, Marks(sealed_through=3), None),
        (13, Marks(sealed_through=3), range(4, 14)),
        (13, Marks(sealed_through=1, trimmed_through=3), range(4, 14)),
        (13, Marks(sealed_through=3, trimmed_through=1), range(4, 14)),
    ],
)
def test_a_full_run_is_due_behind_what_is_sealed_and_trimmed(version, marks, due):
    """The oldest of it, of exactly so many events."""
    assert segment_due(state_at(version, marks), TEN) == due


@pytest.mark.parametrize(
    ("size", "steps"),
    [
        # Two mebibytes at a time, sixteen in all; an event holds its state twice.
        (1023, [1024] * 16),
        (1024 * 1024 - 1, [1] * 16),
        (1024 * 512 - 1, [2] * 16),
        (8 * 1024 * 1024 - 1, [1, 1]),
        (16 * 1024 * 1024 - 1, [1]),
        (99 * 1024 * 1024, [1]),
    ],
)
def test_what_is_read_at_a_time_is_as_large_as_the_state_suggests(size, steps):
    """And all of it no more than a segment may hold; one event at least."""
    head = replace(state_at(99), data=payload(size))
    read = list(batches(range(1, 100_001), head))
    assert [len(one) for one in read] == steps
    assert read[0][0] == 1
    assert all(before[-1] + 1 == after[0] for before, after in pairwise(read))


def payload(size: int) -> Any:
    """Return what stands in for a payload of so many bytes."""
    return SimpleNamespace(json=b"x" * size)


def test_the_last_read_of_a_run_ends_with_it():
    """Nothing behind it is read."""
    head = replace(state_at(99), data=payload(1023))
    assert list(batches(range(1, 1501), head)) == [range(1, 1025), range(1025, 1501)]


def test_a_run_is_sound_where_each_event_follows():
    """None, one and all of them; not with one left out."""
    assert is_sound_run([])
    assert is_sound_run(EVENTS[:1])
    assert is_sound_run(EVENTS)
    assert not is_sound_run([*EVENTS[:3], *EVENTS[4:]])


@pytest.mark.parametrize(("size", "count"), [(60, 9), (150, 4), (500, 1)])
def test_of_what_is_too_large_compressed_half_is_sealed(size, count):
    """All of nine events, four of them, one: the segment says which."""
    events = [filled(number, size * 1024) for number in range(9)]
    found = build_segment(PATHS, events)
    assert found is not None
    assert found.write is not None
    assert (found.first, found.last) == (1, count)
    assert (found.write.fields["first"], found.write.fields["last"]) == (1, count)
    assert len(found.write.fields["events"]) <= 750 * 1024
    assert found.write.fields["hash"] == events[count - 1].hash


def test_an_event_that_is_too_large_stays_where_it_is():
    """And so do those behind it, up to the first that fits."""
    large = [filled(0, 2000 * 1024), filled(1, 2000 * 1024)]
    found = build_segment(PATHS, [*large, EVENTS[2]])
    assert found is not None
    assert found.write is not None
    assert (found.first, found.last, found.write.fields["stay"]) == (1, 2, True)
    assert build_segment(PATHS, []) is None


def test_what_is_sealed_is_bounded_before_it_is_compressed(monkeypatch):
    """Whoever reads a segment holds all of it in memory: as much as the bound, and not a byte more."""
    whole = pack_events(EVENTS)
    assert whole is not None
    for bound, last in ((len(whole), 9), (len(whole) - 1, 4)):
        monkeypatch.setattr(segments, "SEGMENT_JSON_BYTES_MAX", bound)
        found = build_segment(PATHS, EVENTS)
        assert found is not None
        assert found.last == last


@pytest.mark.parametrize(
    "changes", [{}, {"labels": ("a=b",)}, {"cause": Cause("e", 1)}, {"due": Due(at(90), "add", "counter", 1)}]
)
@pytest.mark.parametrize(("size", "most", "count"), [(10, None, 9), (200 * 1024, None, 4), (10_000, 35_000, 3)])
def test_a_writer_seals_the_texts_that_it_kept_as_events_are_sealed_that_were_read(
    changes, size, most, count, monkeypatch
):
    """The same segment, of the same format; and of what is too large, the same part."""
    if most is not None:
        monkeypatch.setattr(segments, "SEGMENT_JSON_BYTES_MAX", most)
    plain = {**BARE, "labels": (), "due": None, "cause": None, **changes}
    events = chained(*[{**plain, "payload": filled(number, size).payload} for number in range(9)])
    texts = [texts_of(one, covered_text(one, one.seal), erasable(one)) for one in events if one.seal is not None]
    found = packed_segment(PATHS, [one for one in texts if one is not None])
    assert found is not None
    assert found.write is not None
    assert found.write.fields["packed"] is True
    assert found == build_segment(PATHS, events)
    assert found.write.fields["format"] == (7 if changes else 6)
    assert found.last - found.first + 1 == count


def test_of_large_events_as_many_are_packed_as_there_is_room_for(monkeypatch):
    """What they hold tells it before anything is made of them."""
    events = [one.event for one in lived(9, machine=COUNTER, data={"text": "x" * 10_000}, actions=("add",))]
    monkeypatch.setattr(segments, "SEGMENT_JSON_BYTES_MAX", 35_000)
    found = build_segment(PATHS, events)
    assert found is not None
    assert found.last == 3


def test_a_segment_is_bounded_as_it_is_written(monkeypatch):
    """By the bytes of its compressed events, the bound included."""
    whole = build_segment(PATHS, EVENTS)
    assert whole is not None
    assert whole.write is not None
    size = len(whole.write.fields["events"])
    for bound, last in ((size, 9), (size - 1, 4)):
        monkeypatch.setattr(segments, "SEGMENT_BYTES_MAX", bound)
        found = build_segment(PATHS, EVENTS)
        assert found is not None
        assert found.last == last


def read_with(**changes):
    """Return the events of a segment whose document has *changes*."""
    found = build_segment(PATHS, EVENTS[:4])
    assert found is not None
    assert found.write is not None
    return read_segment(replace(document(found.write, 9), fields={**found.write.fields, **changes}), "g", "s").events


def test_a_segment_says_which_events_it_holds():
    """Of others it would hide a gap."""
    assert [event.version for event in read_with()] == [1, 2, 3, 4]
    assert [event.from_state for event in read_with()] == [event.from_state for event in EVENTS[:4]]
    for changes, reason in (
        ({"first": 0}, "it says that it begins with version 0"),
        ({"first": 2}, "it says that it begins with version 2"),
        ({"governor_id": "other"}, "it names governor 'other' and state 's'"),
        ({"state_id": "other"}, "it names governor 'g' and state 'other'"),
        ({"last": 3}, "its events are not those that it names"),
        ({"last": 5}, "its events are not those that it names"),
        ({"last": 2**62}, "its events are not those that it names"),
        ({"last": 2**63}, "its events are not those that it names"),
    ):
        with pytest.raises(CorruptLogError, match=reason):
            read_with(**changes)


@pytest.mark.parametrize("count", [1, 2, 5, 8, 9])
def test_a_segment_that_is_to_be_alone_removes_the_documents_of_all_its_events(count):
    """And of no other."""
    found = build_segment(PATHS, EVENTS[:count])
    assert found is not None
    put, *removed = sealed_alone(found, PATHS)
    assert put.path == PATHS.segment(1)
    assert removed == [Delete(PATHS.event(version)) for version in range(1, count + 1)]


@pytest.mark.parametrize(("given", "count"), [(0, 1), (0, 3), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1), (0, 4), (0, 0)])
def test_a_part_of_a_segment_is_so_many_events_behind_others(given, count):
    """In their order."""
    found = build_segment(PATHS, EVENTS[:4])
    assert found is not None
    assert found.write is not None
    sealed = read_segment(document(found.write, 9), "g", "s")
    kept = read_segment(document(found.write, 9), "g", "s", proven)
    for segment in (sealed, kept):
        assert list(part_of(segment, given, count)) == EVENTS[given : given + count]


@pytest.mark.parametrize(("first", "version"), [(1, 1), (7, 7), ("1", None), (True, None), (None, None)])
def test_a_damaged_segment_is_told_by_the_version_that_it_says(first, version):
    """Where that is one."""
    with pytest.raises(CorruptLogError, match="is damaged") as caught:
        read_with(first=first, digest="0" * 64)
    assert caught.value.version == version


def test_a_segment_fits_into_a_document_of_every_engine():
    """Of a mebibyte, as text of base 64; and into the memory of whoever reads it."""
    assert segments.SEGMENT_BYTES_MAX == 768_000
    assert segments.SEGMENT_JSON_BYTES_MAX == 16_777_216


@pytest.mark.parametrize(("late", "number"), [(None, 2), (EVENTS[0].timestamp, 3)])
def test_listed_events_have_the_format_of_the_newest(late, number):
    """So that an older build refuses them, rather than call them damaged."""
    events = [replace(event, last_error="", occurred_at=late) for event in EVENTS[:2]]
    found = build_segment(PATHS, events)
    assert found is not None
    assert found.write is not None
    assert found.write.fields["format"] == number
    assert list(read_segment(document(found.write, 9), "g", "s").events) == events


@pytest.mark.parametrize(
    "path", [PATHS.segment(1), DocumentPath(PATHS.governor.segments, "%zz@1")], ids=["damaged", "foreign"]
)
def test_a_damaged_segment_that_is_alone_has_no_events(path):
    """Nothing is raised: whoever asks what is left finds nothing; without the mark it is not looked at."""
    assert events_alone(Document(path, {"alone": True, "events": b"rubbish"}, at(1), at(1)), "g") == ()
    assert events_alone(Document(path, {"events": b"rubbish"}, at(1), at(1)), "g") == ()
