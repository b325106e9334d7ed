"""What an import writes, decided for each document: what is there already stays, and two histories never mix.

1. A state that is not there is created: its events, its segments and snapshots, and behind them its document.
2. One that is there with the same history, as far as the file or further, is left as it is.
3. One that is there with the beginning of the same history goes on with the rest of it.
4. One that is there with another history is refused, before anything of it is written; so is one that would go on, and
   was trimmed up to another version there than in the file.

That two histories are the same is shown by one event of both: its hash covers all that came before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from tai_state.documents import Delete, Document, DocumentPath, MustNotExist, Put, UpdatedAt, Value, Write
from tai_state.errors import HistoryConflictError
from tai_state.layout import LOCKS, state_of, versioned
from tai_state.rules.locking.leases import raised, read_lease
from tai_state.rules.recovery.carried import OF_STATES
from tai_state.rules.recovery.export_lines import Carried


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
            return [Put(carried.path, carried.fields, MustNotExist())]
        if carried.path.collection.endswith("/receipts"):
            put = Put(carried.path, carried.fields, UpdatedAt(found.update_time))
            return [put] if _is_newer(carried, found) else []
        if run_of(carried.path) is None or found.fields.get("hash") == carried.fields.get("hash"):
            return []
        if self.base is not None and head_of(found.fields) == head_of(self.base.fields):
            put = Put(carried.path, carried.fields, UpdatedAt(found.update_time))
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
            self._is_shown = self._is_there = True
        elif trimmed_through(self._found.fields) != (trimmed := trimmed_through(self._state.fields)):
            # Both histories go on from what they keep; of what was trimmed here or there, nothing can be put together.
            there = trimmed_through(self._found.fields)
            reason = f"it is there, trimmed up to version {there}, and in the file up to version {trimmed}"
            raise conflict(self._state, reason)

    def _hash_at(self, version: int) -> object:
        """Return the hash that the document which is there keeps of an event that was trimmed."""
        fields = {} if self._found is None else self._found.fields
        return fields.get("trimmed_hash") if fields.get("trimmed_through") == version else None

    def meet(self, carried: Carried) -> Item | None:
        """Return what is to be there of the next document of the run; None: it is there already, or goes last.

        Raises:
            HistoryConflictError: Only now it shows that the histories are not the same.
        """
        if self._is_there or carried.path == self.run.state:
            return None
        if self._found is not None and self._state is None:
            raise conflict(carried, "it is there, and the file has no document of it")
        if not self._is_shown:
            self._show(carried)
        theirs = self._theirs
        if theirs is not None and carried.path.collection.endswith("/events"):
            # What was trimmed there is not to come back.
            return None if _version(carried) <= theirs.version else Item(carried)
        return Item(carried)

    def _show(self, carried: Carried) -> None:
        theirs = self._theirs
        assert theirs is not None
        is_event = carried.path.collection.endswith("/events")
        version = _version(carried) if is_event else None
        if version is not None and version < theirs.version:
            return
        if version != theirs.version:
            raise conflict(carried, "nothing in the file shows that what is there is the beginning of it")
        if carried.fields.get("hash") != theirs.hash:
            raise conflict(carried, "it is there with another history")
        self._is_shown = True

    def end(self) -> Item | None:
        """Return the document of the state, which is to be there once everything else is."""
        if self._state is None or self._is_there:
            return None
        if not self._is_shown:
            raise conflict(self._state, "nothing in the file shows that what is there is the beginning of it")
        return Item(self._state, self._found)


def _version(carried: Carried) -> int:
    return int(carried.path.id.rpartition("@")[2])


def conflict(carried: Carried, reason: str) -> HistoryConflictError:
    """Return the error of a document that is of another history than what is there."""
    governor_id, state_id = state_of(str(carried.path))
    head = head_of(carried.fields)
    return HistoryConflictError(governor_id, state_id, None if head is None else head.version, carried.line, reason)
