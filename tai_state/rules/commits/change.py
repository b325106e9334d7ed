"""The words of a commit: what a caller wants, what was read, and what will be written."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum

from tai_state.authors import Author
from tai_state.codec import Payload
from tai_state.config import Encoding, Maintenance
from tai_state.documents import Document, DocumentPath, Put, Write
from tai_state.frozen import quick_dataclass
from tai_state.layout import StateLayout
from tai_state.rules.commits.guards import Guard
from tai_state.rules.due.arming import Timeouts, Wanted
from tai_state.rules.history.upcasting import Schema
from tai_state.rules.records.occasional import Foreign
from tai_state.rules.records.record import (
    EventRecord,
    MachineStamp,
    Signal,
    StateRecord,
)


class Needs(Enum):
    """What must be there before a change."""

    LIVE = "a state that is not deleted"
    ABSENT = "no state, or a deleted one"
    ANYTHING = "nothing in particular"
    EVER = "a state, deleted or not"


@quick_dataclass(frozen=True, slots=True)
class Target:
    """What a change makes of a state.

    ``schema_version`` says of which version the data is. ``signals``: those that put it into its status; None: none,
    or those it had while the status stays. ``action``: the machine's, where the change named a status and no action.
    ``fits``: its data is known to fit the machine's data type. ``labels``: None: those that it had.
    ``due``: what it makes due itself, or ``NOTHING_DUE``; None: what follows from its status.
    """

    status: str
    data: Payload
    last_error: str | None
    schema_version: int
    deleted: bool = False
    machine: MachineStamp | None = None
    signals: tuple[Signal, ...] | None = None
    action: str | None = None
    fits: bool = False
    labels: tuple[str, ...] | None = None
    due: Wanted | None = None


@quick_dataclass(frozen=True, slots=True)
class Merges:
    """That a change puts together the state and a version of another store.

    Attributes:
        foreign: The event that made that version.
        clock: What both know: nobody counts a merge, so that merges end.
        timestamp: When the later of the two was made: the same on every replica.
        erases: Whether the state was erased there: its event holds nothing of what was here.
    """

    foreign: Foreign
    clock: Mapping[str, int]
    timestamp: datetime
    erases: bool = False


TargetOf = Callable[[StateRecord | None], Target]
"""Chooses the target from the state read (None: absent or deleted); raises to refuse; may run again."""


Alone = Callable[[StateRecord | None, EventRecord], None]
"""Raises where a change, given the state before and its event, cannot be committed without other states."""


Notice = Callable[[StateRecord, MachineStamp], None]
"""Told of a state that another definition of the caller's machine moved, under the same version; may be told again."""


@quick_dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a caller wants, before anything was read.

    ``request`` is what a later call under the same key must repeat. ``schema`` is that of the data that the caller
    understands; None: it does not look into the data. ``machine`` is the one that it moves by. ``force`` lets it pass
    by the machine that moves the state. ``depends_on`` is given where a state is started; any other change keeps what
    there is. ``merges``: of a merge alone. ``looks_first``: its key is looked up before ``target_of`` is called, and
    not only before it is refused, since that asks a machine that is not ours.
    """

    paths: StateLayout
    kind: str
    action: str
    payload: Payload
    needs: Needs
    target_of: TargetOf
    author: Author
    request: Payload
    expected_version: int | None = None
    idempotency_key: str | None = None
    timestamp: datetime | None = None
    occurred_at: datetime | None = None
    schema: Schema | None = None
    machine: MachineStamp | None = None
    expected_status: str | None = None
    force: bool = False
    depends_on: tuple[str, ...] | None = None
    notice: Notice | None = None
    merges: Merges | None = None
    looks_first: bool = False

    @property
    def creates(self) -> bool:
        """Whether a state that never was is what the change may be looking for."""
        return self.needs in {Needs.ABSENT, Needs.ANYTHING}

    @property
    def is_said_to_be_new(self) -> bool:
        """Whether the caller says that there is no such state: then its commit asks, and nobody before it."""
        return self.creates and self.expected_version == 0

    @property
    def key(self) -> str:
        """``governor/state`` as the user named them, for messages."""
        return f"{self.paths.governor_id}/{self.paths.state_id}"


@quick_dataclass(frozen=True, slots=True)
class Head:
    """The current state, and the update_time that a change of it must find (None: no document yet).

    ``rebuilt`` says why it is what its log tells: its document was missing, or damaged.
    """

    record: StateRecord
    update_time: datetime | None
    rebuilt: str | None = None


@quick_dataclass(frozen=True, slots=True)
class View:
    """What a decision rests on. ``read_time`` is None where the head came from the cache alone.

    ``documents`` holds all that was read for it, those of the guard included; None where they were not read. ``feed``:
    by how many keys the store feeds; 0 where it does not, or nobody here knows.
    """

    head: Head | None
    origin: str | None
    guard: Guard | None = None
    receipt: Document | None = None
    read_time: datetime | None = None
    documents: Mapping[DocumentPath, Document] | None = None
    feed: int = 0


@quick_dataclass(frozen=True, slots=True)
class Settings:
    """What does not depend on the change: encodings, maintenance (None: put off), and the ttl of receipts.

    ``alone`` has the last word before a commit of one state; None where it is part of a larger one. ``timeouts`` are
    those of the machines that the caller knows; None where they have none. ``due_shards``: see ``rules.due``.
    ``node``: as which of its store's writers the caller counts in clocks; "": as the store itself.
    """

    encoding: Encoding
    maintenance: Maintenance | None
    receipt_ttl: timedelta
    alone: Alone | None = None
    timeouts: Timeouts | None = None
    due_shards: int = 1
    node: str = ""

    def lean(self) -> "Settings":
        """Return the settings of the smallest commit: everything compressed, maintenance put off."""
        return replace(self, encoding=self.encoding.compressing(), maintenance=None)


@quick_dataclass(frozen=True, slots=True)
class Fresh:
    """What a pure function may not make itself: the writer's time, a unique id, a store id to be, an event's salt.

    ``store_time`` is the store's clock as its replies last told it, ``told_seconds`` ago; None where none told it.
    """

    now: datetime
    transition_id: str
    store_id: str
    salt: str
    store_time: datetime | None = None
    told_seconds: float = 0.0

    def store_now(self) -> datetime:
        """Return what the store's clock has reached; where no reply told it, the writer's own."""
        told = self.store_time
        return self.now if told is None else told + timedelta(seconds=max(0.0, self.told_seconds))


@quick_dataclass(frozen=True, slots=True)
class Plan:
    """One commit: its writes, and what is true once it is applied.

    ``state_put`` makes the write of the state: where one commit makes several changes of it, that of the last one alone
    is asked for. ``covered`` and ``values``: what the hash of the event covers, and its digests; see ``chain``.
    """

    state_put: Callable[[], Put]
    others: tuple[Write, ...]
    event: EventRecord
    covered: bytes
    values: Mapping[str, bytes]
    record: StateRecord
    base: Head | None
    guard: Guard | None = None


@quick_dataclass(frozen=True, slots=True)
class Replay:
    """The change was made before, under the same key: its outcome stands at ``version``."""

    version: int
    transition_id: str
