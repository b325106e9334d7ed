"""Who looks on: operations of a store, the requests that they make, and the locks that end.

A store tells nothing, and counts nothing, while nobody looks on. ``tai_state.telemetry`` is the way in.
"""

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from tai_state.clock import SystemClock
from tai_state.documents import Delete, Json, Put, Value, Write
from tai_state.errors import (
    CommitAmbiguousError,
    OutcomeUnknownError,
    PreconditionFailedError,
    StoreUnavailableError,
    TaiStateError,
)

if TYPE_CHECKING:
    from tai_state.causality.conflicts import Conflict

log = logging.getLogger("tai_state")

# What takes how long is told in real seconds, whatever clock a store goes by.
_CLOCK = SystemClock()


@dataclass(slots=True, eq=False)
class Operation:
    """One call of a store, a persister or a manager, as its user made it; what it calls inside is a part of it.

    Attributes:
        name: What was asked for, such as ``transition`` or ``acquire``: one of few words, all in the package's code.
        governor_id, state_id: What it is about, where that is one; no part of what is stored.
        seconds: How long it took; of an iteration, how long its reader waited.
        reads: Requests that read, pages of listings apart.
        documents_read, documents_written, documents_deleted: What Firestore bills for what was acknowledged.
        commits: Requests to commit, those that were sent again included.
        bytes_written: What the acknowledged commits held, about.
        conflicts: Commits that were refused, because somebody else had changed what they rest on.
        unavailable: Requests that the store did not take.
        ambiguous: Commits that ended without a verdict.
        error: The code of the error that it ended with, or the name of its class where it is none of ours; None: well.
    """

    name: str
    backend: str
    governor_id: str | None = None
    state_id: str | None = None
    seconds: float = 0.0
    reads: int = 0
    documents_read: int = 0
    commits: int = 0
    documents_written: int = 0
    documents_deleted: int = 0
    bytes_written: int = 0
    conflicts: int = 0
    unavailable: int = 0
    ambiguous: int = 0
    error: str | None = None
    _is_in_doubt: bool = field(default=False, repr=False)

    @property
    def ambiguous_resolved(self) -> int:
        """The commits without a verdict of which it became known in the end what they did."""
        return 0 if self.error == OutcomeUnknownError.code else self.ambiguous

    @property
    def is_carried(self) -> bool:
        """Whether another caller's commit made the change, which waited for its turn in this process."""
        return self.error is None and self.name in CARRIED and not self.commits and not self.reads

    def add(self, request: "Request") -> None:
        """Count what one request did."""
        self.documents_read += request.billed.documents_read
        self.documents_written += request.billed.documents_written
        self.documents_deleted += request.billed.documents_deleted
        self.bytes_written += request.billed.bytes_written
        self.unavailable += request.is_unavailable
        if request.kind == "commit":
            self.commits += 1
            self.ambiguous += request.is_ambiguous
            # Behind an attempt without a verdict a refusal may be its own doing, and is no conflict.
            self.conflicts += request.is_refused and not self._is_in_doubt
            self._is_in_doubt = request.is_ambiguous or (self._is_in_doubt and request.is_unavailable)
        else:
            self.reads += 1


CARRIED = frozenset({"transition", "log", "save", "update", "delete", "key"})
"""The operations whose change another caller's commit may carry."""


class Billed(NamedTuple):
    """What one acknowledged request counts for."""

    documents_read: int = 0
    documents_written: int = 0
    documents_deleted: int = 0
    bytes_written: int = 0

    @classmethod
    def of(cls, writes: Sequence[Write]) -> "Billed":
        """Return what a commit counts for: a document that it only checks is billed like one that it writes."""
        deleted = sum(isinstance(write, Delete) for write in writes)
        held = sum(_bytes_of(write.fields) for write in writes if isinstance(write, Put))
        return cls(0, len(writes) - deleted, deleted, held)


NOTHING = Billed()


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the backend: of an operation, or of what goes on in the background, such as heartbeats.

    Attributes:
        kind: ``read``, ``scan``, ``query``, ``ids`` or ``commit``.
        billed: What it counts for; where it failed, what a listing had given before, and else nothing.
        error: The code of the error that it ended with, or the name of its class; None: well.
    """

    kind: str
    backend: str
    seconds: float
    billed: Billed = NOTHING
    error: str | None = None

    @property
    def is_refused(self) -> bool:
        """Whether a precondition did not hold."""
        return self.error == PreconditionFailedError.code

    @property
    def is_ambiguous(self) -> bool:
        """Whether it ended without a verdict."""
        return self.error == CommitAmbiguousError.code

    @property
    def is_unavailable(self) -> bool:
        """Whether the store did not take it."""
        return self.error == StoreUnavailableError.code


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A lock that was released or lost, and for how many seconds it was held."""

    resource: str
    backend: str
    seconds: float
    is_lost: bool


class Observer:
    """What is told of a store; subclass it, and say what you want to hear of.

    It is called by whoever calls the store, in his thread or event loop, so it must be quick, and bear several at once.
    What it raises is logged, and disturbs nobody.
    """

    def operation_began(self, operation: Operation) -> None:
        """Hear of an operation before its first request."""

    def operation_ended(self, operation: Operation) -> None:
        """Hear of an operation that has ended, well or not; it may have begun before you looked on."""

    def request_ended(self, request: Request, operation: Operation | None) -> None:
        """Hear of a request; *operation* None: in the background, or of a store over the same backend.

        Whose it is then is not known; one of an operation of another store is told to those alone who look on at that.
        """

    def lock_ended(self, lock: HeldLock) -> None:
        """Hear of a lock that was released or lost."""

    def conflict_met(self, conflict: "Conflict") -> None:
        """Hear of versions of a state that did not know of each other, met by a sync or a replica."""


class Observation:
    """One stretch of an operation, between entering and leaving the package."""

    __slots__ = ("_began", "_token", "is_left", "observers", "operation")

    def __init__(self, observers: "Observers", operation: Operation) -> None:
        """Begin now: what is requested in this context from here on is of *operation*."""
        self.observers = observers
        self.operation = operation
        self.is_left = False
        self._began = _CLOCK.monotonic()
        self._token = _current.set(self)

    def leave(self) -> None:
        """End it, and count its time."""
        self.operation.seconds += _CLOCK.monotonic() - self._began
        self.is_left = True
        # A block that ends in another context than it began in has left nothing in that one.
        with contextlib.suppress(ValueError):
            _current.reset(self._token)


_current: ContextVar[Observation | None] = ContextVar("tai_state_operation", default=None)


def _under_way() -> Observation | None:
    """Return the stretch that this context is in; one that ended is none, though a task that it made inherited it."""
    current = _current.get()
    return None if current is None or current.is_left else current


class Observers:
    """Those who look on at one store; ``all`` is empty for nearly all stores, and then nothing else is asked."""

    __slots__ = ("_by", "_end", "all", "backend")

    def __init__(self) -> None:
        """Begin with none."""
        self.all: tuple[Observer, ...] = ()
        self.backend = ""
        self._by: dict[object, Observer] = {}
        self._end: Callable[[], None] | None = None

    def add(self, by: object, observer: Observer, listen: Callable[[], Callable[[], None]]) -> None:
        """Tell *observer*, too, from now on.

        Args:
            by: Whose wish it is: the same observer may look on twice.
            listen: Begins to listen to the backend, for the first observer, and returns what ends it, for the last.
        """
        with _guard:
            if not self._by:
                self._end = listen()
            self._by[by] = observer
            self.all = tuple(self._by.values())

    def remove(self, by: object) -> None:
        """Tell the observer of *by* no more; once that is so, do nothing."""
        with _guard:
            self._by.pop(by, None)
            self.all = tuple(self._by.values())
            if not self._by and self._end is not None:
                self._end()
                self._end = None

    def begin(self, name: str, governor_id: str | None, state_id: str | None) -> Operation | None:
        """Return a new operation, which everybody is told of; None inside of another one of this store."""
        current = _under_way()
        if current is not None and current.observers is self:
            return None
        operation = Operation(name, self.backend, governor_id, state_id)
        self._tell(lambda one: one.operation_began(operation))
        return operation

    def enter(self, operation: Operation) -> Observation:
        """Let what is requested from here on be of *operation*, until its observation is left."""
        return Observation(self, operation)

    def end(self, operation: Operation, error: BaseException | None) -> None:
        """Tell that an operation has ended."""
        operation.error = code_of(error)
        self._tell(lambda one: one.operation_ended(operation))

    def request(self, request: Request) -> None:
        """Tell of a request, unless an operation of another store over the same backend made it.

        Of what no operation made nobody knows the store: all that look on are told of it. So they are of the requests
        of a store at which nobody looks on, whose operations do not begin.
        """
        current = _under_way()
        if current is not None and current.observers is not self:
            return
        operation = None if current is None else current.operation
        if operation is not None:
            operation.add(request)
        self._tell(lambda one: one.request_ended(request, operation))

    def lock_ended(self, resource: str, seconds: float, *, is_lost: bool) -> None:
        """Tell of a lock that was released or lost."""
        held = HeldLock(resource, self.backend, seconds, is_lost)
        self._tell(lambda one: one.lock_ended(held))

    def conflict_met(self, conflict: "Conflict") -> None:
        """Tell of versions in conflict."""
        self._tell(lambda one: one.conflict_met(conflict))

    def _tell(self, tell: Callable[[Observer], Any]) -> None:
        for observer in self.all:
            try:
                tell(observer)
            except Exception as error:  # noqa: BLE001 - who looks on is in nobody's way
                # Its name alone: what it was about may stand in its text.
                kinds = type(observer).__name__, type(error).__name__
                log.error("observer %s raised %s, which is passed over", *kinds)  # noqa: TRY400 - as above


def _bytes_of(value: Value) -> int:
    """Return about how many bytes a value takes, without making anything of it."""
    if isinstance(value, Mapping):
        return sum(len(name) + _bytes_of(item) for name, item in value.items())
    if isinstance(value, list):
        return sum(map(_bytes_of, value))
    if isinstance(value, Json):
        return len(value.text)
    return len(value) if isinstance(value, str | bytes) else 8


_guard = threading.Lock()
"""Of who looks on, at all stores: several may share a backend."""


def _free_guard() -> None:
    """In a fork's child nobody may be inside it for ever."""
    global _guard  # noqa: PLW0603 - a lock of its own
    _guard = threading.Lock()


os.register_at_fork(after_in_child=_free_guard)


def code_of(error: BaseException | None) -> str | None:
    """Return the stable code of an error of ours, and the name of another's class: neither holds what it was about."""
    if error is None:
        return None
    return error.code if isinstance(error, TaiStateError) else type(error).__name__
