"""The whole exception tree of tai_state.

Every error carries a stable ``code``, says whether trying again can help
(``retryable``) and, where known, after how many seconds (``retry_after``).
What an error is about stands in attributes, and every error survives pickling.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

_SHOWN_MAX = 3
"""Of many findings, how many a message tells in full."""


def _restore(cls: type["TaiStateError"], args: tuple[object, ...], attributes: dict[str, Any]) -> "TaiStateError":
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(attributes)
    return error


class TaiStateError(Exception):
    """Base of every error that tai_state raises on purpose."""

    code: ClassVar[str] = "tai_state_error"
    # Of the class, save where it depends on the call.
    retryable: bool = False
    retry_after: float | None = None

    # Exceptions pickle as cls(*args); ours take data, not the message, so the
    # message and the attributes travel side by side.
    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the message and the attributes, not the constructor's arguments."""
        return _restore, (type(self), self.args, self.__dict__)

    def __copy__(self) -> Self:
        """Return an equal error, also for the classes whose constructor takes data."""
        copied = _restore(type(self), self.args, self.__dict__)
        assert isinstance(copied, type(self))
        return copied


class StateNotFoundError(TaiStateError, LookupError):
    """The state does not exist, or it was deleted."""

    code = "state_not_found"

    def __init__(self, governor_id: str, state_id: str, *, deleted: bool = False, last: int = 0) -> None:
        """Say which state is missing, and whether a tombstone stands in its place, of version *last*."""
        why = "was deleted" if deleted else "does not exist"
        super().__init__(f"state {state_id!r} of governor {governor_id!r} {why}")
        self.governor_id = governor_id
        self.state_id = state_id
        self.deleted = deleted
        self.last = last


class SnapshotNotFoundError(StateNotFoundError):
    """The state exists, and no snapshot of that version is kept."""

    code = "snapshot_not_found"

    def __init__(self, governor_id: str, state_id: str, version: int, kept: Sequence[int] = ()) -> None:
        """Say of which versions snapshots are *kept*."""
        super().__init__(governor_id, state_id)
        state = f"state {state_id!r} of governor {governor_id!r}"
        those = ", ".join(map(str, kept)) or "none"
        self.args = (f"{state} keeps no snapshot of version {version}; it keeps {those}",)
        self.version = version
        self.kept = list(kept)


class VersionNotFoundError(StateNotFoundError):
    """The state exists, and never had that version."""

    code = "version_not_found"

    def __init__(self, governor_id: str, state_id: str, version: int, last: int) -> None:
        """Say which versions there are: 1 to *last*."""
        super().__init__(governor_id, state_id)
        self.args = (f"state {state_id!r} of governor {governor_id!r} has no version {version}, it has 1 to {last}",)
        self.version = version
        self.last = last


class ConfigurationError(TaiStateError):
    """A URL, an option, a file or the surroundings do not allow what was asked."""

    code = "configuration"


class InvalidDataError(TaiStateError, ValueError):
    """A value cannot be stored; ``path`` names the place in it, such as ``data.items[3].price``."""

    code = "invalid_data"

    def __init__(self, message: str, *, path: str = "") -> None:
        """Say what is wrong at *path*."""
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class InvalidIdError(TaiStateError, ValueError):
    """An id is empty, too long, or not valid Unicode text."""

    code = "invalid_id"

    def __init__(self, message: str, *, value: object = None) -> None:
        """Say what is wrong with the id *value*."""
        super().__init__(message)
        self.value = value


class DocumentTooLargeError(TaiStateError):
    """A document or a commit would be larger than the store takes, in bytes; nothing was sent."""

    code = "document_too_large"

    def __init__(self, size: int, limit: int, what: str = "document") -> None:
        """Say how large *what* is, in bytes, and how large it may be."""
        super().__init__(f"{what} has {size:,} bytes, the store takes at most {limit:,}")
        self.size = size
        self.limit = limit
        self.what = what


class DeadlineExceededError(TaiStateError, TimeoutError):
    """The total time allowed ran out; nothing was written."""

    code = "deadline_exceeded"
    retryable = True


class RetriesExhaustedError(TaiStateError):
    """Every attempt allowed was spent; nothing was written. The last failure is the cause."""

    code = "retries_exhausted"
    retryable = True

    def __init__(self, attempts: int, what: str = "the operation") -> None:
        """Say how many attempts were spent on *what*."""
        super().__init__(f"{what} failed {attempts} times and was given up")
        self.attempts = attempts


class OutcomeUnknownError(TaiStateError):
    """The store may or may not have applied the change, and time ran out before it could be told.

    Under an idempotency key call again with the same one: that is ``retryable``. Without a key a second call could
    apply the change twice, so it is not: ask ``persister.outcome(error)``, or ``get_transaction`` of a manager.
    """

    code = "outcome_unknown"

    def __init__(
        self,
        transition_id: str,
        governor_id: str = "",
        state_id: str = "",
        version: int | None = None,
        *,
        retryable: bool = False,
    ) -> None:
        """Name the change whose outcome is unknown and the version that it would have.

        Args:
            retryable: Whether the same call can be made again without a second effect.
        """
        what, asked = f"transaction {transition_id}", "get_transaction(id)"
        if governor_id:
            state = f"state {state_id!r} of governor {governor_id!r}"
            what, asked = f"change {transition_id} of {state}, to become version {version},", "outcome(error)"
        then = f"ask {asked}; another call without an idempotency key may apply it twice"
        if retryable:
            then = f"retry with the same idempotency key or ask {asked}"
        super().__init__(f"{what} may or may not have been applied; {then}")
        self.retryable = retryable
        self.transition_id = transition_id
        self.governor_id = governor_id
        self.state_id = state_id
        self.version = version


class ConflictError(TaiStateError):
    """Another writer was there first; nothing of ours was written."""

    code = "conflict"
    retryable = True


class VersionConflictError(ConflictError):
    """The state is not at the version that the caller expected."""

    code = "version_conflict"

    def __init__(self, key: str, expected: int, actual: int) -> None:
        """Say which state is at which version (0: it does not exist)."""
        super().__init__(f"{key} is at version {actual}, expected {expected}")
        self.key = key
        self.expected = expected
        self.actual = actual


class StatusConflictError(ConflictError):
    """The state is not in the status that the caller expected; trying again as it stands does not help."""

    code = "status_conflict"
    retryable = False

    def __init__(self, key: str, expected: str, actual: str | None) -> None:
        """Say which state is in which status (None: it does not exist, or is deleted)."""
        found = "does not exist" if actual is None else f"is in status {actual!r}"
        super().__init__(f"{key} {found}, expected status {expected!r}")
        self.key = key
        self.expected = expected
        self.actual = actual


class StateExistsError(ConflictError):
    """A state that was to be created is already there."""

    code = "state_exists"
    retryable = False

    def __init__(self, governor_id: str, state_id: str, version: int) -> None:
        """Say which state is there, and at which version."""
        super().__init__(f"state {state_id!r} of governor {governor_id!r} exists at version {version}")
        self.governor_id = governor_id
        self.state_id = state_id
        self.version = version


class IdempotencyMismatchError(ConflictError):
    """The idempotency key was used before, for another request."""

    code = "idempotency_mismatch"
    retryable = False

    def __init__(self, key: str, governor_id: str = "", state_id: str = "") -> None:
        """Name the key and the state it belongs to; none for the key of a transaction."""
        whose = f"state {state_id!r} of governor {governor_id!r}" if governor_id else "a transaction"
        super().__init__(f"idempotency key {key!r} of {whose} was used for another request")
        self.key = key
        self.governor_id = governor_id
        self.state_id = state_id


class StaleReadError(ConflictError):
    """What was read has changed since; read again."""

    code = "stale_read"


class PreconditionFailedError(ConflictError):
    """A commit's precondition did not hold; nothing of the commit was written.

    Backends raise it; the layers above resolve it. ``path`` names the document
    where the engine tells which one it was.
    """

    code = "precondition_failed"

    def __init__(self, message: str = "a precondition of the commit did not hold", *, path: str | None = None) -> None:
        """Say which document failed its precondition, if known."""
        super().__init__(f"{message}: {path}" if path else message)
        self.path = path


class MachineError(TaiStateError):
    """A machine's definition or its use is wrong."""

    code = "machine"


class InvalidMachineError(MachineError, ValueError):
    """A machine's definition has problems; all of them are listed in ``problems``.

    Those that a machine found have a ``kind`` and a ``place`` too: see ``tai_state.machine.MachineProblem``.
    """

    code = "invalid_machine"

    def __init__(self, problems: Sequence[str]) -> None:
        """List every problem, a sentence each."""
        listed = list(problems)
        super().__init__("the machine has problems: " + "; ".join(str(problem) for problem in listed))
        self.problems = listed


class TransitionNotAllowedError(MachineError):
    """The machine has no such move from the status that the state is in, its guards refused it, or it was passed by."""

    code = "transition_not_allowed"

    def __init__(self, status: str, action: str, allowed: Sequence[str] | None, reason: str = "") -> None:
        """Say where the state is, what was asked, and which actions are open from there (None: that is not known)."""
        names = "" if allowed is None else f"; allowed: {', '.join(map(repr, allowed)) or 'none'}"
        super().__init__(
            f"action {action!r} is not allowed in status {status!r}: {reason or 'there is no such transition'}{names}"
        )
        self.status = status
        self.action = action
        self.allowed = list(allowed or ())
        self.reason = reason


class MachineVersionError(MachineError):
    """The state was moved by another machine, or by a newer version of this one."""

    code = "machine_version"

    def __init__(self, stored: str, ours: str) -> None:
        """Name both as ``name@version``."""
        super().__init__(f"the state is driven by machine {stored}, not by {ours}")
        self.stored = stored
        self.ours = ours


class DependentMachineError(MachineError):
    """A move concerns a dependent whose machine the persister does not know, or knows an older version of."""

    code = "dependent_machine"

    def __init__(self, governor_id: str, state_id: str, dependency_id: str, machine: str) -> None:
        """Name the dependent, what it depends on, and its machine as ``name@version``."""
        super().__init__(
            f"state {state_id!r} of governor {governor_id!r} depends on {dependency_id!r} and is driven by machine "
            f"{machine}, which this persister does not know; name it in machines=[...]"
        )
        self.governor_id = governor_id
        self.state_id = state_id
        self.dependency_id = dependency_id
        self.machine = machine


class DependencyCycleError(TaiStateError, ValueError):
    """A state would depend on itself, at once or through others; nothing was written."""

    code = "dependency_cycle"

    def __init__(self, cycle: Sequence[str]) -> None:
        """List the states of the cycle, each before what it depends on; the first stands at the end again."""
        listed = list(cycle)
        super().__init__("a cycle of dependencies: " + " -> ".join(repr(state_id) for state_id in listed))
        self.cycle = listed


class LockError(TaiStateError):
    """A lock could not be had, or is held no more."""

    code = "lock"


class LockTimeoutError(LockError, TimeoutError):
    """The lock was not free within the time allowed."""

    code = "lock_timeout"
    retryable = True

    def __init__(
        self,
        resource: str,
        holder: str | None = None,
        *,
        next_owner: str | None = None,
        resources: Sequence[str] = (),
    ) -> None:
        """Name the resource and who holds it, as last read.

        Args:
            holder: None: nobody was seen to hold it.
            next_owner: Whom it was kept for, since he waits for it longer; nobody held it then.
            resources: All that stood in the way; *resource* alone where nothing is said.
        """
        if holder is not None:
            told = f"lock {resource!r} is held by {holder!r}"
        elif next_owner is not None:
            told = f"lock {resource!r} is held by nobody, and kept for {next_owner!r}, who waits longer"
        else:
            told = f"lock {resource!r} was not had in the time allowed"
        self.resource = resource
        self.holder = holder
        self.next_owner = next_owner
        self.resources = list(resources) or [resource]
        others = [repr(one) for one in self.resources if one != resource]
        super().__init__(f"{told}; {', '.join(others)} could not be had either" if others else told)


class LockLostError(LockError):
    """The lock is not held any more; ``reason`` is expired, stolen, broken, released, unreachable or forked."""

    code = "lock_lost"

    def __init__(self, resource: str, reason: str) -> None:
        """Name the resource and how it was lost."""
        super().__init__(f"lock {resource!r} is no longer held: {reason}")
        self.resource = resource
        self.reason = reason


class FencedOutError(LockError):
    """The store refused a write because a newer holder's fencing token was seen."""

    code = "fenced_out"

    def __init__(self, token: int, current: int, resource: str = "") -> None:
        """Give the token of the refused writer and the one in force."""
        super().__init__(f"fencing token {token} of lock {resource!r} is stale, the current one is {current}")
        self.token = token
        self.current = current
        self.resource = resource


class DeadlockError(LockError):
    """Waiting would close a cycle of owners who wait for each other."""

    code = "deadlock"
    retryable = True

    def __init__(self, cycle: Sequence[str], resources: Sequence[str] = ()) -> None:
        """List the owners of the cycle, in order, the first one again at its end.

        Args:
            resources: What each of them waits for: it is held by the next one.
        """
        listed = list(cycle)
        if resources:
            steps = zip(listed, resources, listed[1:], strict=False)
            told = ", ".join(f"{waiter!r} waits for {wanted!r}, held by {holder!r}" for waiter, wanted, holder in steps)
        else:
            told = " -> ".join(str(owner) for owner in listed)
        super().__init__(f"deadlock: {told}")
        self.cycle = listed
        self.resources = list(resources)


class ReplayError(TaiStateError):
    """The history of a state cannot be replayed."""

    code = "replay"


class CorruptLogError(ReplayError):
    """A stored document is missing, damaged or contradicts its neighbours."""

    code = "corrupt_log"

    def __init__(
        self, governor_id: str, state_id: str, version: int | None, reason: str = "the log is damaged"
    ) -> None:
        """Say where the log is damaged and how."""
        super().__init__(
            f"state {state_id!r} of governor {governor_id!r}, version {version}: {reason}; "
            "`recover` mends what can be mended"
        )
        self.governor_id = governor_id
        self.state_id = state_id
        self.version = version
        self.reason = reason


class DamagedStatesError(CorruptLogError):
    """A list met state documents that are damaged or somebody else's; it is raised behind all the sound ones.

    ``state_ids`` names them all; ``get_state`` rebuilds each of them that its events still tell.
    """

    code = "damaged_states"

    def __init__(self, governor_id: str, damaged: Mapping[str, str]) -> None:
        """Take what is wrong, by state id (for a stranger's document, by its stored id)."""
        super().__init__(governor_id, next(iter(damaged)), None)
        shown = "; ".join(list(damaged.values())[:_SHOWN_MAX])
        more = len(damaged) - _SHOWN_MAX
        self.args = (
            f"governor {governor_id!r} has {len(damaged):,} state documents that cannot be read: {shown}"
            + (f"; and {more:,} more" if more > 0 else ""),
        )
        self.state_ids = list(damaged)
        self.reason = "the state document is damaged"


class SchemaVersionError(ReplayError):
    """What is stored was written by a newer release or schema than this one reads."""

    code = "schema_version"

    def __init__(self, stored: object, ours: object, what: str = "the document") -> None:
        """Give both numbers and what carries the newer one."""
        super().__init__(f"{what} has schema version {stored}, this release reads up to {ours}")
        self.stored = stored
        self.ours = ours
        self.what = what


class StoreError(TaiStateError):
    """The engine refused or failed for good; trying again will not help."""

    code = "store"


class StoreUnavailableError(StoreError):
    """The engine could not be reached or was too busy; nothing was written."""

    code = "store_unavailable"
    retryable = True

    def __init__(self, message: str = "the store is unavailable", *, retry_after: float | None = None) -> None:
        """Say what happened and, if known, after how many seconds to try again."""
        super().__init__(message)
        self.retry_after = retry_after


class CommitAmbiguousError(StoreUnavailableError):
    """A commit ended without a verdict: it may have been applied, or may be applied later.

    Backends raise it; the layers above resend the identical commit and resolve it by reading.
    """

    code = "commit_ambiguous"


class StoreMissingError(StoreError):
    """A store was opened to read only, and there is none; reading never makes one."""

    code = "store_missing"


class DamagedStoreError(StoreError):
    """The store was reached, and what it is kept in is damaged: restore it from a backup."""

    code = "store_damaged"


class StoreReplacedError(StoreError):
    """The file of an open store was removed, or another one put in its place; nothing was written.

    What was acknowledged before is in the file that was opened. Open the store anew to use what is there now.
    """

    code = "store_replaced"

    def __init__(self, path: str, what: str) -> None:
        """Say which file it is, and what became of it."""
        super().__init__(f"the file {path} {what} while the store was open; close the store, and open it anew")
        self.path = path


class UnsupportedOperationError(StoreError):
    """The backend does not have the capability that was asked for."""

    code = "unsupported_operation"
