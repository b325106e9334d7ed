"""What of a history may go, and what is written for it: never below what a recovery needs.

1. A trim takes the versions up to one away for good. The state's marks say so, and beside them a segment that stands
   for what is gone, with the hash that the chain goes on from: either of them tells where the other is lost.
2. The newest event stays, and a snapshot above the trim: a lost state is rebuilt from them. Where none is kept there,
   the commit of the trim makes one of the state as it is.
3. An event that a live receipt names stays, and so do those behind it: a key repeats what it did.
4. The commit of a trim takes the snapshots along, and cuts the segment through which it goes; documents go behind it.
   So what a crash leaves is what nobody misses, and the next run removes it.
5. A segment may be alone: its commit removes the documents of its events, each of them as the segment has it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tai_state.codec import to_json
from tai_state.config import Encoding
from tai_state.documents import Delete, Document, Put, UpdatedAt, Write
from tai_state.errors import ReplayError
from tai_state.layout import StateLayout
from tai_state.lifetimes import lifetime
from tai_state.rules.history.replay import Trimmed
from tai_state.rules.history.segments import Segment, alone_fields, build_segment, is_sound_run, trimmed_put
from tai_state.rules.history.snapshots import snapshot_fields
from tai_state.rules.records.documents import read_event, state_put
from tai_state.rules.records.record import EventRecord, StateRecord


@dataclass(frozen=True, slots=True)
class Cut:
    """The commit of a trim: the state with its marks, and what goes with it."""

    state: Put
    others: tuple[Write, ...]


def allowed(wanted: int, record: StateRecord, lowest_named: int | None) -> int:
    """Return up to which version a history may be trimmed, where up to *wanted* it should be; 0: nothing goes.

    Args:
        lowest_named: The lowest version that a live receipt of the state names; None: there is none.
    """
    through = min(wanted, record.version - 1)
    if lowest_named is not None:
        through = min(through, lowest_named - 1)
    return through if through > record.marks.trimmed_through else 0


def cut(
    paths: StateLayout,
    record: StateRecord,
    following: EventRecord,
    through_segment: Segment | None,
    *,
    found: datetime,
    encoding: Encoding,
    has_snapshot: bool,
) -> Cut:
    """Return the commit that trims a history up to the version before *following*.

    Args:
        found: The update_time of the state's document.
        following: The first event that stays.
        through_segment: The segment that holds it; None: it is in none.
        has_snapshot: Whether a sound snapshot above the trim is kept.
    """
    through = following.version - 1
    marks = record.marks
    writes: list[Write] = [Delete(paths.snapshot(one)) for one in marks.snapshots if one <= through]
    marks = replace(
        marks,
        snapshots=tuple(one for one in marks.snapshots if one > through),
        sealed_through=max(marks.sealed_through, through),
        trimmed_through=through,
        trimmed_hash=following.previous_hash,
    )
    kept = replace(record, marks=marks)
    if not has_snapshot:
        versions = tuple(sorted({*marks.snapshots, record.version}))
        kept = replace(record, marks=replace(marks, snapshots=versions))
        writes.append(Put(paths.snapshot(record.version), snapshot_fields(record, encoding)))
    if through_segment is not None and through_segment.first <= through and through_segment.events:
        writes += resealed(paths, through_segment.events[through + 1 - through_segment.first :], through_segment)
        if through_segment.first != 1:
            writes.append(Delete(paths.segment(through_segment.first)))
    stands = trimmed_put(paths, Trimmed(through, following.previous_hash))
    return Cut(state_put(paths, kept, encoding, found), (stands, *writes))


def resealed(paths: StateLayout, events: Sequence[EventRecord], segment: Segment) -> list[Put]:
    """Return the writes of *events*, which are of a segment, or what is left of them, as segments like it.

    Raises:
        ReplayError: One of them fits into no segment by itself.
    """
    left = events
    writes: list[Put] = []
    while left:
        made = build_segment(paths, left)
        if made is None or made.write is None or "events" not in made.write.fields:
            message = f"version {left[0].version} of state {paths.state_id!r} fits into no segment of its own"
            raise ReplayError(message)
        fields = alone_fields(made.write.fields) if segment.is_alone else made.write.fields
        writes.append(replace(made.write, fields=fields))
        left = left[made.last + 1 - made.first :]
    return writes


def fewer_snapshots(
    paths: StateLayout, record: StateRecord, found: datetime, retention: int, encoding: Encoding
) -> tuple[Put, list[Delete]] | None:
    """Return the commit that drops the snapshots beyond the newest; None where there are no more."""
    versions = record.marks.snapshots
    dropped = sorted(versions)[:-retention]
    if not dropped:
        return None
    kept = tuple(one for one in versions if one not in dropped)
    put = state_put(paths, replace(record, marks=replace(record.marks, snapshots=kept)), encoding, found)
    return put, [Delete(paths.snapshot(version)) for version in dropped]


def compacted(segment: Segment, documents: Mapping[int, Document], paths: StateLayout) -> list[Delete] | None:
    """Return the removals of the documents of a segment's events; None: one of them says something else.

    Args:
        documents: Those that there are, by version.
    """
    if not is_sound_run(segment.events):
        return None
    deletes = []
    for event in segment.events:
        document = documents.get(event.version)
        if document is None:
            continue
        try:
            said = read_event(document, paths.governor_id, paths.state_id)
        except ReplayError:
            return None
        if said != event:
            return None
        deletes.append(Delete(document.path, UpdatedAt(document.update_time)))
    return deletes


def has_expired(document: Document, now: datetime) -> bool:
    """Whether a receipt, the record of a transaction or a wait counts no more, by the store's clock."""
    lasting = lifetime(document.fields)
    if lasting is None:
        return False
    ends = lasting.ends(document.update_time)
    return ends is not None and now > ends


def is_older(event: EventRecord, now: datetime, age: timedelta) -> bool:
    """Whether an event was made more than *age* ago."""
    return event.timestamp < now - age


def size_of(document: Document) -> int:
    """Return about how many bytes a document takes: as its engine tells, else of its JSON."""
    if document.size:
        return document.size
    try:
        return len(to_json(document.fields))
    except (TypeError, ValueError):
        # What somebody else stored there, of a type that we never store.
        return 0
