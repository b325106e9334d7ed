"""What an import writes, decided for each document: what is there already stays, and two histories never mix.

1. A state that is not there is created: its events, its segments and snapshots, and behind them its document.
2. One that is there with the same history, as far as the file or further, is left as it is.
3. One that is there with the beginning of the same history goes on with the rest of it.
4. One that is there with another history is refused, before anything of it is written; so is one that would go on, and
   was trimmed up to another version there than in the file.

That two histories are the same is shown by the next event in the file: what it follows is the last one there, and the
hash of that covers all that came before. It stands among the events or, where its own document was removed, in a
segment behind them: what comes before that is held. It is written first then, as a document of its own: whoever moves
the state before all the rest is there finds the place taken, and no second history begins.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from tai_state.config import Encoding
from tai_state.documents import Delete, Document, DocumentPath, MustNotExist, Put, UpdatedAt, Value, Write
from tai_state.errors import HistoryConflictError, ReplayError
from tai_state.layout import LOCKS, state_of, versioned
from tai_state.rules.history.segments import read_segment
from tai_state.rules.locking.leases import raised, read_lease
from tai_state.rules.records.documents import event_fields
from tai_state.rules.records.feeding import stamp_of
from tai_state.rules.recovery.carried import OF_STATES
from tai_state.rules.recovery.export_lines import Carried

_HELD_BYTES_MAX = 32 * 1024 * 1024
"""How much of a file is held until it shows that a state goes on: what is not sealed yet, and segments."""


class Head(NamedTuple):
    """How far a history goes: its last version, and the hash of that event."""

    version: int
    hash: str


def head_of(fields: object) -> Head | None:
    """Return what the document of a state says of its history; None for what nobody can tell."""
    if not isinstance(fields, dict):
        return None
    version, digest = fields.get("version"), fields.get("hash")
    return Head(version, digest) if type(version) is int and isinstance(digest, str) else None


def trimmed_through(fields: Mapping[str, Value]) -> int:
    """Return up to which version the document of a state says that its history was trimmed; 0: nothing of it was."""
    version = fields.get("trimmed_through")
    return version if type(version) is int else 0


class Run(NamedTuple):
    """The documents of one state, which stand together in a file."""

    governor: str
    stored_id: str

    @property
    def state(self) -> DocumentPath:
        """Where the document of the state is."""
        return DocumentPath(f"{self.governor}/states", self.stored_id)

    def event(self, version: int) -> DocumentPath:
        """Return where an event of the state is."""
        return DocumentPath(f"{self.governor}/events", versioned(self.stored_id, version))


def run_of(path: DocumentPath) -> Run | None:
    """Return which state's run a document belongs to; None: to none."""
    governor, _, kind = path.collection.rpartition("/")
    return Run(governor, path.id.partition("@")[0]) if governor and kind in OF_STATES else None


@dataclass(frozen=True, slots=True)
class Item:
    """A document of the file that is to be there in the end."""

    carried: Carried
    base: Document | None = None
    """The document of the state whose history goes on; None: it is not there yet."""
    is_sealed: bool = False
    """Whether it is the event of a segment, and has no line of its own."""

    @property
    def path(self) -> DocumentPath:
        """Where it goes."""
        return self.carried.path

    @property
    def is_new(self) -> bool:
        """Whether there is nothing in its place, most likely: it need not be read first."""
        return self.base is None and self.path.collection != LOCKS

    def writes(self, found: Document | None) -> list[Write]:
        """Return what is to be written, given what is there; nothing where that will do.

        Raises:
            HistoryConflictError: What is there is of another history.
            StoreError: It is the document of a lock, and damaged.
        """
        carried = self.carried
        if carried.path.collection == LOCKS:
            lease = read_lease(Document(carried.path, carried.fields, _LONG_AGO, _LONG_AGO))
            put = raised(lease, None if found is None else read_lease(found))
            return [] if put is None else [put]
        if found is None:
            return [Put(carried.path, carried.fields, MustNotExist(), stamp_of(carried.path, carried.fields))]
        if carried.path.collection.endswith("/receipts"):
            put = Put(carried.path, carried.fields, UpdatedAt(found.update_time))
            return [put] if _is_newer(carried, found) else []
        if run_of(carried.path) is None or found.fields.get("hash") == carried.fields.get("hash"):
            return []
        if self.base is not None and head_of(found.fields) == head_of(self.base.fields):
            stamped = stamp_of(carried.path, carried.fields)
            put = Put(carried.path, carried.fields, UpdatedAt(found.update_time), stamped)
            return [put, *_outlived(found, carried)]
        raise conflict(carried, "another one is there")


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def _is_newer(carried: Carried, found: Document) -> bool:
    """Whether a receipt of the file names a later change than the one that is there."""
    ours, theirs = carried.fields.get("version"), found.fields.get("version")
    return type(ours) is int and type(theirs) is int and ours > theirs


def _outlived(found: Document, carried: Carried) -> Iterator[Delete]:
    """Yield the removals of the snapshots that a state had and has no more."""
    run = run_of(found.path)
    before, after = found.fields.get("snapshots"), carried.fields.get("snapshots")
    if run is None or not (isinstance(before, list) and isinstance(after, list)):
        return
    for version in before:
        if type(version) is int and version not in after:
            yield Delete(DocumentPath(f"{run.governor}/snapshots", versioned(run.stored_id, version)))


class Joining:
    """Decides for one run what is to be written."""

    def __init__(self, run: Run, found: Document | None) -> None:
        """Begin with what is there of the state."""
        self.run = run
        self._found = found
        self._theirs = None if found is None else head_of(found.fields)
        self._state: Carried | None = None
        self._is_shown = found is None
        self._is_there = False
        self._held: list[Item] = []
        self._held_bytes = 0

    @property
    def beyond(self) -> DocumentPath | None:
        """Which event, of those that are there, shows whether the histories are the same; None: that needs none."""
        ours = None if self._state is None else head_of(self._state.fields)
        if ours is None or self._theirs is None or self._theirs.version <= ours.version:
            return None
        return self.run.event(ours.version)

    def begin(self, carried: Carried) -> None:
        """Take the document of the state, which stands first; it is written last."""
        self._state = carried
        self._is_there = False

    def compare(self, event: Document | None) -> None:
        """Find out whether the state is there already; *event* is the one that ``beyond`` names.

        Raises:
            HistoryConflictError: It is there with another history.
        """
        if self._found is None or self._state is None:
            return
        ours, theirs = head_of(self._state.fields), self._theirs
        if ours is None or theirs is None:
            raise conflict(self._state, "its document cannot be read, there or in the file")
        if theirs.version > ours.version:
            known = self._hash_at(ours.version) if event is None else event.fields.get("hash")
            if not isinstance(known, str):
                raise conflict(self._state, "it is there, and that event is not, which would show that it is the same")
            theirs = Head(ours.version, known)
        if theirs.version == ours.version:
            if theirs != ours:
                raise conflict(self._state, "it is there with another history")
            self._is_there = True
        elif trimmed_through(self._found.fields) != (trimmed := trimmed_through(self._state.fields)):
            # Both histories go on from what they keep; of what was trimmed here or there, nothing can be put together.
            there = trimmed_through(self._found.fields)
            reason = f"it is there, trimmed up to version {there}, and in the file up to version {trimmed}"
            raise conflict(self._state, reason)

    def _hash_at(self, version: int) -> object:
        """Return the hash that the document which is there keeps of an event that was trimmed."""
        fields = {} if self._found is None else self._found.fields
        return fields.get("trimmed_hash") if fields.get("trimmed_through") == version else None

    def meet(self, carried: Carried) -> list[Item]:
        """Return what is to be there of the run up to its next document, and was not returned yet.

        That is nothing where it is there already, goes last, or is held: nothing has shown yet that it goes on from
        what is there.

        Raises:
            HistoryConflictError: Only now it shows that the histories are not the same.
        """
        if self._is_there or carried.path == self.run.state:
            return []
        if self._found is not None and self._state is None:
            raise conflict(carried, "it is there, and the file has no document of it")
        theirs = self._theirs
        is_event = carried.path.collection.endswith("/events")
        # What was trimmed there is not to come back.
        items = [] if is_event and theirs is not None and _version(carried) <= theirs.version else [Item(carried)]
        if self._is_shown or theirs is None:
            return items
        told = _told(carried, theirs.version)
        if told is not None and told.hash != theirs.hash:
            raise conflict(carried, "it is there with another history")
        self._held += items
        if told is not None and told.following is not None:
            self._is_shown = True
            held, self._held = self._held, []
            return held if told.following is carried else [Item(told.following, is_sealed=True), *held]
        self._held_bytes += sum(item.carried.size for item in items)
        if self._held_bytes > _HELD_BYTES_MAX:
            raise self._unshown(carried)
        return []

    def _unshown(self, carried: Carried) -> HistoryConflictError:
        return conflict(carried, "nothing in the file shows that what is there is the beginning of it")

    def end(self) -> Item | None:
        """Return the document of the state, which is to be there once everything else is."""
        if self._state is None or self._is_there:
            return None
        if not self._is_shown:
            raise self._unshown(self._state)
        return Item(self._state, self._found)


def _version(carried: Carried) -> int:
    return int(carried.path.id.rpartition("@")[2])


class _Told(NamedTuple):
    """What a document of a file tells of an event: its hash, and the event that follows it, if it has that."""

    hash: object
    following: Carried | None = None


def _told(carried: Carried, version: int) -> _Told | None:
    """Return what an event or a segment tells of the event of *version*; None: nothing."""
    kind = carried.path.collection.rpartition("/")[2]
    if kind == "segments":
        return _told_by_segment(carried, version)
    if kind == "events" and _version(carried) == version:
        return _Told(carried.fields.get("hash"))
    if kind == "events" and _version(carried) == version + 1:
        return _Told(carried.fields.get("previous_hash"), carried)
    return None


def _told_by_segment(carried: Carried, version: int) -> _Told | None:
    last = carried.fields.get("last")
    # What is not near is not unpacked.
    if type(last) is not int or not _version(carried) - 1 <= version <= last:
        return None
    try:
        document = Document(carried.path, carried.fields, _LONG_AGO, _LONG_AGO)
        segment = read_segment(document, *state_of(str(carried.path)))
    except ReplayError:
        return None
    if not segment.events:
        return None
    if version == segment.last:
        return _Told(segment.events[-1].hash)
    event = segment.events[version + 1 - segment.first]
    run = run_of(carried.path)
    assert run is not None
    fields = {**event_fields(event, Encoding()), "committed_at": event.committed_at}
    return _Told(event.previous_hash, Carried(carried.line, run.event(event.version), fields, carried.size))


def conflict(carried: Carried, reason: str) -> HistoryConflictError:
    """Return the error of a document that is of another history than what is there."""
    governor_id, state_id = state_of(str(carried.path))
    head = head_of(carried.fields)
    return HistoryConflictError(governor_id, state_id, None if head is None else head.version, carried.line, reason)
