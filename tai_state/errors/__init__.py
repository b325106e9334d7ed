"""The whole exception tree of tai_state, a file for each family.

Every error carries a stable ``code``, says whether trying again can help (``retryable``) and, where it can, after how
many seconds (``retry_after``). What an error is about stands in attributes, and every error survives pickling.
docs/errors.md has a table of them all.
"""

from tai_state.errors.base import (
    ConfigurationError,
    TaiStateError,
)
from tai_state.errors.calls import (
    DeadlineExceededError,
    OutcomeUnknownError,
    RetriesExhaustedError,
)
from tai_state.errors.conflicts import (
    ConflictError,
    ConflictResolutionError,
    IdempotencyMismatchError,
    PreconditionFailedError,
    PreparedError,
    StaleReadError,
    StateExistsError,
    StatusConflictError,
    VersionConflictError,
)
from tai_state.errors.feeds import CauseDepthError
from tai_state.errors.keys import KeyMismatchError, KeyTransactionError, KeyTypeError
from tai_state.errors.locks import (
    DeadlockError,
    FencedOutError,
    LockError,
    LockLostError,
    LockTimeoutError,
)
from tai_state.errors.logs import (
    CorruptLogError,
    DamagedStatesError,
    HistoryTrimmedError,
    ReplayError,
    SchemaVersionError,
    StoredDataError,
    UpcastError,
)
from tai_state.errors.machines import (
    DependencyCycleError,
    DependentMachineError,
    EffectsFailedError,
    InvalidMachineError,
    MachineError,
    MachineVersionError,
    MoverError,
    TransitionNotAllowedError,
)
from tai_state.errors.states import (
    SnapshotNotFoundError,
    StateNotFoundError,
    VersionNotFoundError,
)
from tai_state.errors.stores import (
    CommitAmbiguousError,
    DamagedDocumentsError,
    DamagedStoreError,
    StoreClosedError,
    StoreError,
    StoreInUseError,
    StoreMissingError,
    StoreReplacedError,
    StoreUnavailableError,
    UnsupportedOperationError,
)
from tai_state.errors.transfers import (
    BadExportError,
    HistoryConflictError,
)
from tai_state.errors.values import (
    DocumentTooLargeError,
    InvalidDataError,
    InvalidIdError,
)

__all__ = [
    "BadExportError",
    "CauseDepthError",
    "CommitAmbiguousError",
    "ConfigurationError",
    "ConflictError",
    "ConflictResolutionError",
    "CorruptLogError",
    "DamagedDocumentsError",
    "DamagedStatesError",
    "DamagedStoreError",
    "DeadlineExceededError",
    "DeadlockError",
    "DependencyCycleError",
    "DependentMachineError",
    "DocumentTooLargeError",
    "EffectsFailedError",
    "FencedOutError",
    "HistoryConflictError",
    "HistoryTrimmedError",
    "IdempotencyMismatchError",
    "InvalidDataError",
    "InvalidIdError",
    "InvalidMachineError",
    "KeyMismatchError",
    "KeyTransactionError",
    "KeyTypeError",
    "LockError",
    "LockLostError",
    "LockTimeoutError",
    "MachineError",
    "MachineVersionError",
    "MoverError",
    "OutcomeUnknownError",
    "PreconditionFailedError",
    "PreparedError",
    "ReplayError",
    "RetriesExhaustedError",
    "SchemaVersionError",
    "SnapshotNotFoundError",
    "StaleReadError",
    "StateExistsError",
    "StateNotFoundError",
    "StatusConflictError",
    "StoreClosedError",
    "StoreError",
    "StoreInUseError",
    "StoreMissingError",
    "StoreReplacedError",
    "StoreUnavailableError",
    "StoredDataError",
    "TaiStateError",
    "TransitionNotAllowedError",
    "UnsupportedOperationError",
    "UpcastError",
    "VersionConflictError",
    "VersionNotFoundError",
]
