"""What a store's part writes: when it is prepared, and when it is settled."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tai_state.codec import EMPTY
from tai_state.config import Encoding
from tai_state.documents import (
    Check,
    Delete,
    Document,
    DocumentPath,
    MustNotExist,
    Put,
    UpdatedAt,
    Write,
)
from tai_state.errors import CorruptLogError
from tai_state.layout import StateLayout, state_layout, state_of
from tai_state.rules.commits.change import Head
from tai_state.rules.distributed.records import Verdict
from tai_state.rules.records.chain import GENESIS
from tai_state.rules.records.documents import read_state, state_put
from tai_state.rules.records.feeding import CHANGED_AT, FEED_KEY
from tai_state.rules.records.formats import FORMATS
from tai_state.rules.records.occasional import Prepared, prepared_error
from tai_state.rules.records.prepared import Closed, Part
from tai_state.rules.records.record import Marks, MetadataRecord, StateRecord


@dataclass(frozen=True, slots=True)
class Concerned:
    """What a part rests on.

    Attributes:
        states: Those that were read or are to be written, each as it was found; None: there was none.
        checks: Other documents that were read, each as it must still be.
        writes: What is to be written where it commits.
    """

    states: Mapping[DocumentPath, tuple[StateLayout, Head | None]]
    checks: tuple[Write, ...]
    writes: Mapping[DocumentPath, Write]

    @property
    def versions(self) -> dict[DocumentPath, int]:
        """The version of each state as it was found; 0: there was none."""
        return {path: head.record.version if head is not None else 0 for path, (_, head) in self.states.items()}


def prepare_writes(part: Part, concerned: Concerned, changed_by: str, encoding: Encoding, now: datetime) -> list[Write]:
    """Return the commit that prepares a part: the part itself, the marks, and a check of all that it rests on.

    Raises:
        PreparedError: Another transaction has one of the states in hand.
    """
    writes: list[Write] = [Put(part.path, part.fields(encoding), MustNotExist())]
    for paths, head in concerned.states.values():
        record = head.record if head is not None else placeholder(paths, part.mark, changed_by, now)
        if head is not None and record.marks.prepared is not None:
            raise prepared_error(record)
        marked = replace(record, marks=replace(record.marks, prepared=part.mark))
        found = head.update_time if head is not None else None
        writes.append(state_put(paths, marked, encoding, found, keeps_mark=True))
    # What a settlement is to create must not stand there now: nobody else makes it while the marks stand.
    creates = [
        Check(write.path, write.precondition)
        for path, write in part.writes.items()
        if path not in part.states and write.precondition is not None
    ]
    return [*writes, *creates, *(one for one in concerned.checks if one.path not in part.writes)]


def settlement_of(part: Part, concerned: Concerned, encoding: Encoding, now: datetime) -> list[Write]:
    """Return the largest commit that may settle a part, as it stands before it is prepared: what must fit."""
    closed = Closed(part.transaction_id, Verdict.COMMIT.value)
    bare = [
        state_put(paths, head.record, encoding, now)
        for path, (paths, head) in concerned.states.items()
        if path not in part.writes and head is not None
    ]
    return [Put(closed.path, closed.fields(now), UpdatedAt(now)), *part.writes.values(), *bare]


def placeholder(paths: StateLayout, mark: Prepared, changed_by: str, now: datetime) -> StateRecord:
    """Return what holds the place of a state that is not there: nobody sees it, and nobody else makes the state."""
    return StateRecord(
        governor_id=paths.governor_id,
        state_id=paths.state_id,
        version=0,
        last_error=None,
        deleted=True,
        schema_version=1,
        machine=None,
        metadata=MetadataRecord(changed_by, "", None, EMPTY),
        causality={},
        fences={},
        transition_id=mark.transaction,
        timestamp=now,
        created_at=now,
        hash=GENESIS,
        status="",
        data=EMPTY,
        marks=Marks(prepared=mark),
    )


def settle_writes(
    part: Part,
    closed: Put,
    documents: Mapping[DocumentPath, Document],
    verdict: Verdict,
    encoding: Encoding,
) -> list[Write]:
    """Return the commit that settles a part, given its states as they stand.

    Args:
        closed: The write that closes it, where it is as it was read.

    Raises:
        CorruptLogError: It commits, and one of its states is damaged, or has lost its mark.
    """
    is_commit = verdict is Verdict.COMMIT
    writes: list[Write] = [closed]
    for path in part.states:
        document = documents.get(path)
        record = None if document is None else _marked(document, part)
        if document is None or record is None:
            # Where it aborts, a state without its mark is as it is to be.
            if is_commit:
                raise _lost_mark(path, part)
        elif is_commit and path in part.writes:
            writes.append(_over(part.writes[path], record, document))
        elif not record.is_made:
            writes.append(Delete(path, UpdatedAt(document.update_time)))
        else:
            bare = replace(record, marks=replace(record.marks, prepared=None))
            writes.append(state_put(state_layout(*state_of(str(path))), bare, encoding, document.update_time))
    if is_commit:
        writes += [write for path, write in part.writes.items() if path not in part.states]
    return writes


def _marked(document: Document, part: Part) -> StateRecord | None:
    """Return the state under the mark of a part; None: it has no such mark."""
    record = read_state(document, *state_of(str(document.path)))
    return record if record.marks.prepared == part.mark else None


def _lost_mark(path: DocumentPath, part: Part) -> CorruptLogError:
    reason = f"it has lost the mark of distributed transaction {part.transaction_id}: run recover first"
    return CorruptLogError(*state_of(str(path)), part.states[path], reason)


def _over(write: Write, record: StateRecord, document: Document) -> Put:
    """Return the write of a state over what stands under the mark, as it stands by now."""
    assert isinstance(write, Put)
    put = replace(write, precondition=UpdatedAt(document.update_time))
    key = record.marks.feed_key
    if not key or FEED_KEY in write.fields:
        return put
    # The store was made to feed since: whoever looked for states without a key has given it to the marked one.
    fields = {**write.fields, FEED_KEY: key, "format": max(write.fields["format"], FORMATS[FEED_KEY])}
    return replace(put, fields=fields, stamped=CHANGED_AT)


def lost_marks(
    part: Part, documents: Mapping[DocumentPath, Document], changed_by: str, encoding: Encoding, now: datetime
) -> tuple[list[Put], list[DocumentPath]]:
    """Return the writes of the marks that a part's states have lost, and the states to which none can be given back.

    Those are damaged, or were changed since: ``recover`` mends the first ones, and nothing the others.
    """
    puts: list[Put] = []
    left: list[DocumentPath] = []
    for path, version in part.states.items():
        paths, document = state_layout(*state_of(str(path))), documents.get(path)
        record, found = None, None
        if document is None and not version:
            record = placeholder(paths, part.mark, changed_by, now)
        elif document is not None:
            found = document.update_time
            try:
                record = read_state(document, paths.governor_id, paths.state_id)
            except CorruptLogError:
                record = None
        if record is None or record.version != version or record.marks.prepared not in {None, part.mark}:
            left.append(path)
        elif record.marks.prepared is None or found is None:
            marked = replace(record, marks=replace(record.marks, prepared=part.mark))
            puts.append(state_put(paths, marked, encoding, found, keeps_mark=True))
    return puts, left
