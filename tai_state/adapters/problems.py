"""The one map from errors to HTTP: problem details (RFC 9457) with this package's stable codes.

Every public error has a place in it, so that a new one is placed by whoever makes it. An error of a class that a user
derived has the place of its nearest base.
"""

from __future__ import annotations

import json
import logging
import math
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from tai_state import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE: Final = "application/problem+json"
log = logging.getLogger("tai_state")

TYPE_PREFIX: Final = "urn:problem-type:tai-state:"
"""What stands before the code in a problem's ``type``: a name, which nobody has to serve."""


@dataclass(frozen=True, slots=True)
class Place:
    """What HTTP makes of one error.

    Attributes:
        status: The status code.
        title: What happened, in words that are the same each time.
        told: The attributes of the error that its caller gets as members of the problem.
        is_inner: Whether its message is for the service's log alone, as that of everything from 500 on.
    """

    status: HTTPStatus
    title: str
    told: tuple[str, ...] = ()
    is_inner: bool = False


CONFLICT: Final = HTTPStatus.CONFLICT
NOT_FOUND: Final = HTTPStatus.NOT_FOUND
UNPROCESSABLE: Final = HTTPStatus.UNPROCESSABLE_ENTITY
UNAVAILABLE: Final = HTTPStatus.SERVICE_UNAVAILABLE
OURS: Final = HTTPStatus.INTERNAL_SERVER_ERROR
_STATE: Final = ("governor_id", "state_id")

PLACES: Final[Mapping[type[errors.TaiStateError], Place]] = {
    errors.TaiStateError: Place(OURS, "The service failed."),
    errors.ConfigurationError: Place(OURS, "The service is not set up as it has to be."),
    errors.BadExportError: Place(UNPROCESSABLE, "The file is no sound export."),
    # Somebody else was there first. One who said If-Match hears of it as 412: see problem_of.
    errors.ConflictError: Place(CONFLICT, "Another writer was there first."),
    errors.ConflictResolutionError: Place(CONFLICT, "Two versions of the state wait for a decision.", _STATE),
    errors.HistoryConflictError: Place(CONFLICT, "The state is there with another history."),
    # As draft-ietf-httpapi-idempotency-key-header says: no other caller is in the way, the request is wrong.
    errors.IdempotencyMismatchError: Place(UNPROCESSABLE, "The idempotency key stands for another request."),
    errors.PreconditionFailedError: Place(
        CONFLICT, "What the change was decided on is not so any more.", is_inner=True
    ),
    errors.PreparedError: Place(CONFLICT, "A transaction over several stores has the state in hand.", _STATE),
    errors.StaleReadError: Place(CONFLICT, "What was read has changed since.", is_inner=True),
    errors.StateExistsError: Place(CONFLICT, "The state exists.", (*_STATE, "version")),
    errors.StatusConflictError: Place(CONFLICT, "The state is not in the expected status.", ("expected", "actual")),
    errors.VersionConflictError: Place(CONFLICT, "The state is not at the expected version.", ("expected", "actual")),
    # How a call ended without an answer. An unknown outcome without a key is no 503: nobody should simply come back.
    errors.DeadlineExceededError: Place(UNAVAILABLE, "The store did not answer in time; nothing was changed."),
    errors.OutcomeUnknownError: Place(
        OURS, "The change may or may not have been made.", (*_STATE, "version", "transition_id")
    ),
    errors.RetriesExhaustedError: Place(UNAVAILABLE, "Every attempt failed; nothing was changed."),
    # What was asked cannot be.
    errors.DependencyCycleError: Place(UNPROCESSABLE, "The state would depend on itself.", ("cycle",)),
    errors.DocumentTooLargeError: Place(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "It is more than the store takes.", ("size", "limit")
    ),
    errors.InvalidDataError: Place(UNPROCESSABLE, "A value cannot be stored.", ("path",)),
    errors.InvalidIdError: Place(UNPROCESSABLE, "An id cannot be."),
    errors.KeyMismatchError: Place(CONFLICT, "The key does not have the expected value.", ("key",)),
    errors.KeyTransactionError: Place(UNPROCESSABLE, "An operation of the transaction failed.", ("index", "op", "key")),
    errors.KeyTypeError: Place(
        UNPROCESSABLE, "The key has a value of another type.", ("key", "op", "expected", "found")
    ),
    # Locks: who holds them is the operator's business, not the caller's.
    errors.LockError: Place(CONFLICT, "The lock is not held.", is_inner=True),
    errors.DeadlockError: Place(CONFLICT, "Waiting would never end.", is_inner=True),
    errors.FencedOutError: Place(CONFLICT, "Another holder has the lock by now.", is_inner=True),
    errors.LockLostError: Place(CONFLICT, "The lock is not held any more.", is_inner=True),
    errors.LockTimeoutError: Place(CONFLICT, "The lock was not free in time.", is_inner=True),
    # Machines: what the caller asked of a sound one, and definitions, which are the service's own.
    errors.MachineError: Place(OURS, "The service's machine does not fit."),
    errors.CauseDepthError: Place(OURS, "Handlers of the service set each other off."),
    errors.DependentMachineError: Place(OURS, "The service does not know the machine of a dependent state."),
    errors.EffectsFailedError: Place(OURS, "The change was made, and what belongs behind it failed."),
    errors.InvalidMachineError: Place(OURS, "The service's machine has problems."),
    errors.MachineVersionError: Place(CONFLICT, "The state belongs to another machine.", ("stored", "ours")),
    errors.MoverError: Place(OURS, "The service's machine failed; nothing was changed."),
    errors.TransitionNotAllowedError: Place(
        UNPROCESSABLE, "The state does not allow this action.", ("action", "allowed")
    ),
    # What is stored.
    errors.ReplayError: Place(OURS, "The history cannot be read."),
    errors.CorruptLogError: Place(OURS, "A stored document is damaged."),
    errors.DamagedStatesError: Place(OURS, "Some states are damaged."),
    errors.HistoryTrimmedError: Place(HTTPStatus.GONE, "This part of the history was removed for good."),
    errors.SchemaVersionError: Place(OURS, "What is stored is newer than this service."),
    errors.StoredDataError: Place(OURS, "What is stored does not fit this service."),
    errors.UpcastError: Place(OURS, "What is stored cannot be brought to this service's schema."),
    errors.StateNotFoundError: Place(NOT_FOUND, "There is no such state.", _STATE),
    errors.SnapshotNotFoundError: Place(NOT_FOUND, "There is no such snapshot.", (*_STATE, "version")),
    errors.VersionNotFoundError: Place(NOT_FOUND, "There is no such version.", (*_STATE, "version", "last")),
    # The store.
    errors.StoreError: Place(OURS, "The store failed."),
    errors.CommitAmbiguousError: Place(UNAVAILABLE, "The store gave no verdict."),
    errors.DamagedDocumentsError: Place(OURS, "Some documents are damaged."),
    errors.DamagedStoreError: Place(OURS, "The store is damaged."),
    errors.StoreClosedError: Place(UNAVAILABLE, "This process is ending; another one serves the call."),
    errors.StoreInUseError: Place(OURS, "The store is in use."),
    errors.StoreMissingError: Place(OURS, "There is no store."),
    errors.StoreReplacedError: Place(OURS, "The store was replaced."),
    errors.StoreUnavailableError: Place(UNAVAILABLE, "The store cannot be reached; nothing was changed."),
    errors.UnsupportedOperationError: Place(HTTPStatus.NOT_IMPLEMENTED, "The store cannot do this."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer that tells what went wrong.

    Attributes:
        status: The status code.
        code: Stable; what programs compare.
        title: What happened, in words that are the same each time.
        detail: What happened this time; None: that is for the service's log alone.
        retry_after: After how many seconds the same request may succeed; None: calling again does not help.
        members: What else the problem says.
    """

    status: int
    code: str
    title: str
    detail: str | None = None
    retry_after: float | None = None
    members: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it as RFC 9457 has it."""
        told: dict[str, Any] = {"type": TYPE_PREFIX + self.code, "title": self.title, "status": int(self.status)}
        if self.detail is not None:
            told["detail"] = self.detail
        told["code"] = self.code
        if self.retry_after is not None:
            told["retry_after"] = round(self.retry_after, 3)
        return told | dict(self.members)

    def body(self) -> bytes:
        """Return the body of the answer."""
        return json.dumps(self.to_dict(), ensure_ascii=False, separators=(",", ":")).encode()

    def headers(self) -> dict[str, str]:
        """Return its headers: what the body is, and when to come back, in whole seconds."""
        headers = {"Content-Type": CONTENT_TYPE}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after)))
        return headers


def place_of(kind: type[errors.TaiStateError]) -> Place:
    """Return the place of an error of this class: its own, or that of its nearest base."""
    return next(PLACES[base] for base in kind.__mro__ if base in PLACES)


def problem_of(error: errors.TaiStateError, *, if_match: bool = False) -> Problem:
    """Return how *error* is told over HTTP.

    The message of an error that is the service's own fault stays out of the answer: it may name files and hosts. So
    does that of a lock, which names its holder, and of a read that is stale, which may name a document of the store's.
    It belongs in the service's log.

    Args:
        if_match: Whether the request named the version that it expects in ``If-Match``: that it is another one is 412
            then, and not 409.
    """
    place = place_of(type(error))
    status = place.status
    if if_match and isinstance(error, errors.VersionConflictError):
        status = HTTPStatus.PRECONDITION_FAILED
    if isinstance(error, errors.OutcomeUnknownError) and error.retryable:
        status = UNAVAILABLE
    is_told = not place.is_inner and (status < OURS or isinstance(error, errors.OutcomeUnknownError))
    return Problem(
        status,
        error.code,
        place.title,
        detail=str(error) if is_told else None,
        retry_after=error.retry_after,
        members={name: getattr(error, name) for name in place.told},
    )


DRAINING: Final = Problem(
    UNAVAILABLE, errors.StoreClosedError.code, PLACES[errors.StoreClosedError].title, retry_after=1.0
)
"""What a process says that is ending and has other processes beside it."""

FAILED: Final = Problem(OURS, "internal", "The service failed.")
"""What nobody expected."""


def of_status(status: int, detail: str | None = None) -> Problem:
    """Return the problem that a framework knows by its *status* alone."""
    try:
        known = HTTPStatus(status)
    except ValueError:
        return Problem(status, f"http_{status}", "The request failed.", detail)
    return Problem(known, known.name.lower(), known.phrase, detail)


def log_failure(problem: Problem, error: errors.TaiStateError) -> None:
    """Log what the answer keeps to itself: the service's own faults at ERROR, what will pass at WARNING.

    What others hold or have changed is no fault, and logged at INFO.
    """
    if problem.status < OURS and problem.detail is not None:
        return
    level = logging.ERROR
    if problem.status < OURS:
        level = logging.INFO
    elif problem.status == UNAVAILABLE:
        level = logging.WARNING
    told = {"event": "request_failed", "code": error.code, "status": int(problem.status)}
    message = "%s is answered with %d: %s"
    log.log(level, message, error.code, problem.status, error, exc_info=level == logging.ERROR, extra=told)
