"""Sealed segments: runs of events in one compressed document, so that recovery reads one instead of many.

An event that is too large for a segment stays where it is: a segment without events says so, and the next one goes on
behind it. So what is sealed has no gap, and what is missing is told.

A segment may be alone: then the documents of its events were removed, and it is all that there is of them. Where a
history was trimmed, a segment without events stands for what is gone, with the hash that the chain goes on from.

Its events are packed, as texts that their hashes prove (see ``packed``). Those that cannot be, such as erased ones, are
listed as the JSON of their documents, which is what all segments of earlier releases are.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import Any, NamedTuple, Protocol, TypeVar

from tai_state.codec import dump_json, from_json
from tai_state.compression import compress, decompress
from tai_state.config import INLINE, Maintenance
from tai_state.documents import Delete, Document, Fields, Json, Put, UpdatedAt, Write
from tai_state.errors import CorruptLogError, HistoryTrimmedError, InvalidDataError, InvalidIdError, ReplayError
from tai_state.layout import StateLayout, owner_and_version, unescape
from tai_state.rules.history.late import Part, checked, keep_run, kept_run
from tai_state.rules.history.packed import Run
from tai_state.rules.history.packing import pack, pack_events
from tai_state.rules.history.replay import Trimmed, contradiction
from tai_state.rules.records.chain import Texts
from tai_state.rules.records.documents import (
    check_owner,
    event_fields,
    event_from,
)
from tai_state.rules.records.fields import FieldError, check_format, take, take_or_none
from tai_state.rules.records.formats import FORMAT_NEWEST, FORMATS, occasional_format
from tai_state.rules.records.record import EventRecord, StateRecord

SEGMENT_BYTES_MAX = 750 * 1024
"""What a segment takes at most, compressed: below the mebibyte that a document holds, as text of base 64, too."""

SEGMENT_JSON_BYTES_MAX = 16 * 1024 * 1024
"""What it takes at most uncompressed: whoever reads it holds all of it in memory."""

_BATCH_BYTES = 2 * 1024 * 1024
"""What is read at a time of the events to be sealed, about: between two reads is seen whether there is time left."""

_SAME = "same"


class _Made(Protocol):
    """An event, in whatever form."""

    @property
    def version(self) -> int: ...

    @property
    def hash(self) -> str: ...


_MadeT = TypeVar("_MadeT", bound=_Made)

Given = Callable[[Run], Sequence[EventRecord]]
"""Makes of packed events what is given to their reader."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed run of events, ready to be written or as read.

    Attributes:
        events: As read; none where they are too large for a segment and stay in their own documents, which must not
            be removed then.
        is_alone: Whether the documents of its events were removed.
        trimmed: What it stands for where the events up to ``last`` were trimmed; None: they are there.
    """

    first: int
    last: int
    write: Put | None = None
    events: Sequence[EventRecord] = ()
    is_alone: bool = False
    trimmed: Trimmed | None = None


def event_in(segment: Segment, ids: tuple[str, str], version: int) -> EventRecord | None:
    """Return the event of a segment, as read, that made *version*; None where that stays in a document of its own.

    Args:
        ids: The governor and the state that the segment is of.

    Raises:
        HistoryTrimmedError: It was trimmed.
    """
    if segment.trimmed is not None:
        raise HistoryTrimmedError(*ids, version, segment.last)
    return segment.events[version - segment.first] if segment.events else None


def segment_due(head: StateRecord, maintenance: Maintenance) -> range | None:
    """Return the versions that the next commit after *head* should seal, if a full run is unsealed."""
    first, events = head.marks.first_unsealed, maintenance.segment_events
    return range(first, first + events) if head.version - first + 1 >= events else None


def due_events(head: StateRecord, maintenance: Maintenance | None) -> int:
    """Return how many events after *head* are unsealed in full runs; without maintenance none is to be sealed."""
    if maintenance is None:
        return 0
    unsealed = head.version - head.marks.first_unsealed + 1
    return unsealed - unsealed % maintenance.segment_events


def batches(due: range, head: StateRecord) -> Iterator[range]:
    """Yield the versions that are to be read, those of one read at a time; together no more than a segment holds.

    How large an event is is not known before it is read: about as large as the data of *head*, which it holds twice.
    """
    size = len(head.data.json) + 1
    step = max(1, _BATCH_BYTES // (2 * size))
    wanted = due[: max(1, SEGMENT_JSON_BYTES_MAX // size)]
    return (wanted[first : first + step] for first in range(0, len(wanted), step))


def is_sound_run(events: Sequence[EventRecord]) -> bool:
    """Whether each of *events* follows from the one before: what contradicts itself is not sealed."""
    return all(contradiction(before, event) is None for before, event in pairwise(events))


def build_segment(paths: StateLayout, events: Sequence[EventRecord]) -> Segment | None:
    """Return the segment of as many leading *events* as fit, or of those that have to stay; None of no events.

    Within 16 MiB as they are read, and 750 KiB compressed: of those, all, or a half, a quarter and so on.

    Args:
        events: Contiguous, ascending, sound.
    """
    segment = segment_of(paths, events)
    if segment is not None:
        return segment
    stay = list(takewhile(lambda event: segment_of(paths, [event]) is None, events))
    return _segment(paths, stay, FORMATS["stay"], {"stay": True}) if stay else None


def segment_of(paths: StateLayout, events: Sequence[EventRecord]) -> Segment | None:
    """Return the segment of as many leading *events* as fit; None where not even one does.

    Args:
        events: Contiguous, ascending, sound.
    """

    def body_of(run: Sequence[EventRecord]) -> _Body:
        packed = pack_events(run)
        if packed is None:
            return _Body(*_listed(run), is_packed=False)
        return _Body(packed, max(map(occasional_format, run)), is_packed=True)

    sizes = [len(event.to_state.json) + len(event.payload.json) for event in events]
    return _largest(paths, events[: _count_in_memory(sizes)], body_of)


def packed_segment(paths: StateLayout, events: Sequence[Texts]) -> Segment | None:
    """Return the segment of as many leading *events* as fit; None where not even one does, or they cannot be packed.

    Args:
        events: Contiguous, ascending, sound.
    """

    def body_of(run: Sequence[Texts]) -> _Body | None:
        packed = pack(run)
        return None if packed is None else _Body(packed, max(one.format for one in run), is_packed=True)

    sizes = [len(one.values.get("to_state", b"")) + len(one.values.get("payload", b"")) for one in events]
    return _largest(paths, events[: _count_in_memory(sizes)], body_of)


class _Body(NamedTuple):
    """What a segment holds of its events, and the format that these need."""

    text: bytes
    number: int
    is_packed: bool


def _largest(
    paths: StateLayout, run: Sequence[_MadeT], body_of: Callable[[Sequence[_MadeT]], _Body | None]
) -> Segment | None:
    """Return the segment of all of a *run*, or of its first half, quarter and so on; None where none of them fits."""
    while run and (body := body_of(run)) is not None:
        if len(body.text) <= SEGMENT_JSON_BYTES_MAX and len(blob := compress(body.text)) <= SEGMENT_BYTES_MAX:
            contents = {"digest": hashlib.sha256(blob).hexdigest(), "events": blob}
            if not body.is_packed:
                return _segment(paths, run, body.number, contents)
            return _segment(paths, run, max(FORMATS["packed"], body.number), {"packed": True, **contents})
        run = run[: len(run) // 2]
    return None


def _count_in_memory(sizes: Sequence[int]) -> int:
    """Return how many leading events may fit into a body, by what most of each is."""
    size = 0
    for count, one in enumerate(sizes):
        size += one
        if size > SEGMENT_JSON_BYTES_MAX:
            return count
    return len(sizes)


def _listed(events: Sequence[EventRecord]) -> tuple[bytes, int]:
    """Return the JSON of a list of *events*, and the highest format of them."""
    texts, number = [], 1
    for event, before in zip(events, (None, *events), strict=False):
        fields = {**event_fields(event, INLINE), "committed_at": event.committed_at}
        if before is not None and before.to_state == event.from_state:
            # Native and JSON forms of a payload are told apart by type inside JSON too.
            fields["from_state"] = _SAME
        texts.append(dump_json(fields))
        assert type(fields["format"]) is int
        number = max(number, fields["format"])
    return b"[%b]" % b",".join(texts), number


def _segment(paths: StateLayout, run: Sequence[_Made], number: int, contents: dict[str, Any]) -> Segment:
    first, last = run[0], run[-1]
    put = _segment_put(paths, range(first.version, last.version + 1), last.hash, number, contents)
    return Segment(first.version, last.version, put)


def _segment_put(paths: StateLayout, run: range, hash_: str, number: int, contents: dict[str, Any]) -> Put:
    fields = {
        "format": number,
        "governor_id": paths.governor_id,
        "state_id": paths.state_id,
        "first": run.start,
        "last": run.stop - 1,
        "hash": hash_,
        **contents,
    }
    # No precondition: the state's own decides, and a segment left by a lost race holds the same events.
    return Put(paths.segment(run.start), fields)


def trimmed_put(paths: StateLayout, trimmed: Trimmed) -> Put:
    """Return the write of the segment that stands for all events up to a version, which are gone."""
    return _segment_put(paths, range(1, trimmed.version + 1), trimmed.hash, FORMATS["trimmed"], {"trimmed": True})


def alone_put(document: Document) -> Put:
    """Return the write of a segment as it is once the documents of its events are removed, if it is as it was read."""
    return Put(document.path, alone_fields(document.fields), UpdatedAt(document.update_time))


def sealed_alone(segment: Segment, paths: StateLayout) -> tuple[Write, ...]:
    """Return the writes of a segment that has just been made, and with it the removal of its events' documents."""
    assert segment.write is not None
    if "events" not in segment.write.fields:
        return (segment.write,)
    # Whatever is at their places: these are the events that were written or read there, and the state's own
    # precondition decides.
    deletes = [Delete(paths.event(version)) for version in range(segment.first, segment.last + 1)]
    return (replace(segment.write, fields=alone_fields(segment.write.fields)), *deletes)


def alone_fields(fields: Fields) -> Fields:
    """Return the fields of a segment as they are once the documents of its events are removed."""
    return {**fields, "format": max(fields["format"], FORMATS["alone"]), "alone": True}


def decoded(run: Run) -> Sequence[EventRecord]:
    """Return all events of a run, decoded."""
    return run[:]


def proven(run: Run) -> Sequence[EventRecord]:
    """Return a run as it is: proven, and not decoded. Then it is the run that raises FieldError for somebody else's."""
    return run


def read_segment(document: Document, governor_id: str, state_id: str, given: Given = decoded) -> Segment:
    """Return the segment in a document, its events with every field they had.

    Args:
        given: As what packed events are given.

    Raises:
        CorruptLogError: It is damaged, or another one than its place says.
        SchemaVersionError: A newer release wrote it.
    """
    fields = document.fields
    try:
        check_format(fields, document.path, newest=FORMAT_NEWEST)
        first, last = fields["first"], fields["last"]
        _check_place(document, governor_id, state_id)
        if take_or_none(fields, "trimmed", bool):
            return Segment(first, last, trimmed=Trimmed(last, take(fields, "hash", str)))
        if take_or_none(fields, "stay", bool):
            return Segment(first, last)
        _check_digest(fields["events"], fields["digest"])
        if take_or_none(fields, "packed", bool):
            events = given(_run(fields, governor_id, state_id, is_kept=given is checked))
        else:
            events = _listed_events(fields, governor_id, state_id)
    except (KeyError, TypeError, IndexError, FieldError, InvalidDataError, InvalidIdError) as error:
        version = fields.get("first")
        where = version if type(version) is int else None
        raise CorruptLogError(governor_id, state_id, where, f"segment {document.path} is damaged: {error}") from error
    return Segment(first, last, None, events, is_alone=bool(take_or_none(fields, "alone", bool)))


def _run(fields: Fields, governor_id: str, state_id: str, *, is_kept: bool) -> Run:
    """Return the run in a segment of packed events, which are those that it names, and of this state.

    Args:
        is_kept: Whether what was proven is kept for whoever reads the same once more.
    """
    blob, digest = fields["events"], fields["digest"]
    run = kept_run(digest, governor_id, state_id) if is_kept else None
    if run is None:
        body = decompress(blob)
        run = Run(body, governor_id, state_id)
        if is_kept:
            keep_run(digest, run, len(body))
    _check_named(range(run.first, run.first + len(run)), range(fields["first"], fields["last"] + 1))
    _check_hash(fields, run.hashes[-1])
    return run


def _listed_events(fields: Fields, governor_id: str, state_id: str) -> Sequence[EventRecord]:
    """Return the events in a segment that lists them, which are those that it names, and of this state."""
    events = _from_list(decompress(fields["events"]))
    _check_named([event.version for event in events], range(fields["first"], fields["last"] + 1))
    for event in events:
        check_owner(event, governor_id, state_id)
    _check_hash(fields, events[-1].hash)
    return tuple(events)


def part_of(segment: Segment, given: int, count: int) -> Sequence[EventRecord]:
    """Return so many events of a segment behind those that were *given*; as they are held where that is all of them."""
    events = segment.events
    if count == len(events):
        return events
    return Part(events, range(given, given + count)) if isinstance(events, Run) else events[given : given + count]


def events_alone(document: Document, governor_id: str) -> Sequence[EventRecord]:
    """Return the events of a segment where it is all that there is of them; none where it is not, or is damaged."""
    if document.fields.get("alone") is not True:
        return ()
    try:
        state_id = unescape(owner_and_version(document.path.id)[0])
        return read_segment(document, governor_id, state_id).events
    except (ReplayError, InvalidIdError):
        return ()


def _check_hash(fields: Fields, last: str) -> None:
    if fields.get("hash") != last:
        message = "its hash is not that of its last event"
        raise FieldError(message)


def _check_named(found: Sequence[int], named: range) -> None:
    # A segment that holds other events than its id says would hide a gap. It may say that it holds any number of them.
    if len(found) != named.stop - named.start or list(found) != list(named):
        message = "its events are not those that it names"
        raise FieldError(message)


def _check_place(document: Document, governor_id: str, state_id: str) -> None:
    # Copied to another place it would hide what should be there.
    fields = document.fields
    if (fields.get("governor_id"), fields.get("state_id")) != (governor_id, state_id):
        message = f"it names governor {fields.get('governor_id')!r} and state {fields.get('state_id')!r}"
        raise FieldError(message)
    _, version = owner_and_version(document.path.id)
    if fields["first"] != version:
        message = f"it says that it begins with version {fields['first']}"
        raise FieldError(message)


def _check_digest(blob: bytes, digest: str) -> None:
    # Before it is unpacked: what is damaged is not fed to a decompressor.
    if hashlib.sha256(blob).hexdigest() != digest:
        message = "it does not match its digest"
        raise FieldError(message)


def _from_list(body: bytes) -> list[EventRecord]:
    events: list[EventRecord] = []
    for fields in from_json(body):
        if fields["from_state"] == _SAME:
            # As its text, which is canonical: nobody has to look into it again.
            fields["from_state"] = Json(events[-1].to_state.json)
        events.append(event_from(fields, fields["committed_at"]))
    return events
