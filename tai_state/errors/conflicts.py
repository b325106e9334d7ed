"""Somebody else was there first."""

from tai_state.errors.base import TaiStateError, named


class ConflictError(TaiStateError):
    """Another writer was there first; nothing of ours was written."""

    code = "conflict"
    retryable = True
    retry_seconds = 0.01


class VersionConflictError(ConflictError):
    """The state is not at the version that the caller expected: read it again, and decide anew."""

    code = "version_conflict"
    # What a caller expects stays wrong. Conflicts that he said nothing about are tried again before he hears of them.
    retryable = False

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
        super().__init__(f"{named(governor_id, state_id)} exists at version {version}")
        self.governor_id = governor_id
        self.state_id = state_id
        self.version = version


class IdempotencyMismatchError(ConflictError):
    """The idempotency key was used before, for another request."""

    code = "idempotency_mismatch"
    retryable = False

    def __init__(self, key: str, governor_id: str = "", state_id: str = "", *, resource: str = "") -> None:
        """Name the key and the state or the lock that it belongs to; none for the key of a transaction."""
        whose = named(governor_id, state_id) if governor_id else f"lock {resource!r}" if resource else "a transaction"
        super().__init__(f"idempotency key {key!r} of {whose} was used for another request")
        self.key = key
        self.governor_id = governor_id
        self.state_id = state_id
        self.resource = resource


class StaleReadError(ConflictError):
    """What was read has changed since, or was old when it was read; read again."""

    code = "stale_read"
    retry_seconds = 0.05

    def __init__(
        self,
        path: str = "",
        *,
        governor_id: str = "",
        state_id: str = "",
        transaction_id: str = "",
        version: int | None = None,
        current_version: int | None = None,
    ) -> None:
        """Name the document that changed, the state that it is of, if any, and the transaction that had read it.

        Args:
            version: What was read outside of any transaction: its version, which does not know of *current_version*
                of the store that was asked.
        """
        what = named(governor_id, state_id) if state_id else path or "a document"
        reader = f"transaction {transaction_id}" if transaction_id else "a transaction"
        if version is None:
            message = f"{what} changed after {reader} read it; nothing was written, read it again"
        else:
            newer = "what it is now" if current_version is None else f"version {current_version}"
            message = f"{what} was read at version {version}, which does not know of {newer}"
        super().__init__(message)
        self.path = path
        self.governor_id = governor_id
        self.state_id = state_id
        self.transaction_id = transaction_id
        self.version = version
        self.current_version = current_version


class ConflictResolutionError(ConflictError):
    """Two versions of a state of which neither knew the other cannot be made one: somebody has to decide."""

    code = "conflict_resolution"
    retryable = False

    def __init__(self, governor_id: str, state_id: str, why: str) -> None:
        """Name the state, and say why nothing was decided."""
        super().__init__(f"the versions of {named(governor_id, state_id)} stay as they are: {why}")
        self.governor_id = governor_id
        self.state_id = state_id
        self.why = why


class PreparedError(ConflictError):
    """A transaction over several stores, which is prepared and not settled, concerns the state; nothing was written.

    It goes on as soon as that is settled: by its coordinator, or by whoever settles it once its lease is over.
    """

    code = "prepared"
    retry_seconds = 0.1

    def __init__(self, governor_id: str, state_id: str, transaction_id: str, coordinator: str) -> None:
        """Name the state, the transaction, and the store in which its decision is (its URL; "": it has none)."""
        where = coordinator or "its coordinator's store, which has no URL"
        super().__init__(
            f"{named(governor_id, state_id)} is prepared for distributed transaction {transaction_id}, whose decision "
            f"is in {where}; nothing was written: try again, and settle it where its lease is over"
        )
        self.governor_id = governor_id
        self.state_id = state_id
        self.transaction_id = transaction_id
        self.coordinator = coordinator


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
