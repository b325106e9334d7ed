"""tai_state: state machines that survive crashes, lost replies and two writers.

Durable, atomic, audited and recoverable on Google Cloud Firestore, SQLite and in memory, in two
colours: every class here that does I/O has an ``Async`` twin with the same methods.

A name is imported when it is first asked for: who works with one colour and one backend waits for no other.
"""

import logging
from typing import TYPE_CHECKING

from tai_state.homes import HOMES
from tai_state.late import late_names

if TYPE_CHECKING:
    from tai_state._async.access.port import AsyncBackend
    from tai_state._async.api.connect import (
        AsyncBackendStore,
        AsyncFirestoreStore,
        AsyncMemoryStore,
        AsyncRedisStore,
        AsyncSqliteStore,
        async_connect,
    )
    from tai_state._async.api.definitions import async_check_machines
    from tai_state._async.api.governor_transaction import AsyncGovernorTransaction
    from tai_state._async.api.lock_manager import AsyncLockManager
    from tai_state._async.api.persister import AsyncStateMachinePersister
    from tai_state._async.api.recovering import async_recover, async_verify
    from tai_state._async.api.store import AsyncStateStore
    from tai_state._async.api.transaction import AsyncTransaction
    from tai_state._async.api.transaction_manager import AsyncTransactionManager
    from tai_state._async.api.transferring import async_export_store, async_import_store
    from tai_state._async.api.unit_of_work import AsyncUnitOfWork
    from tai_state._async.doctor.examining import async_examine
    from tai_state._async.locking.lock import AsyncLock
    from tai_state._async.locking.lock_set import AsyncLockSet
    from tai_state._platform.owners import lock_owner
    from tai_state._sync.access.port import Backend
    from tai_state._sync.api.connect import (
        BackendStore,
        FirestoreStore,
        MemoryStore,
        RedisStore,
        SqliteStore,
        connect,
    )
    from tai_state._sync.api.definitions import check_machines
    from tai_state._sync.api.governor_transaction import GovernorTransaction
    from tai_state._sync.api.lock_manager import LockManager
    from tai_state._sync.api.persister import StateMachinePersister
    from tai_state._sync.api.recovering import recover, verify
    from tai_state._sync.api.store import StateStore
    from tai_state._sync.api.transaction import Transaction
    from tai_state._sync.api.transaction_manager import TransactionManager
    from tai_state._sync.api.transferring import export_store, import_store
    from tai_state._sync.api.unit_of_work import UnitOfWork
    from tai_state._sync.doctor.examining import examine
    from tai_state._sync.locking.lock import Lock
    from tai_state._sync.locking.lock_set import LockSet
    from tai_state.authors import change_context
    from tai_state.causality import VectorClock
    from tai_state.clock import Clock, SystemClock
    from tai_state.config import Encoding, HistoryPolicy, LockConfig, Maintenance, PersistenceConfig
    from tai_state.documents import Capability
    from tai_state.errors import (
        BadExportError,
        CauseDepthError,
        CommitAmbiguousError,
        ConfigurationError,
        ConflictError,
        ConflictResolutionError,
        CorruptLogError,
        DamagedDocumentsError,
        DamagedStatesError,
        DamagedStoreError,
        DeadlineExceededError,
        DeadlockError,
        DependencyCycleError,
        DependentMachineError,
        DocumentTooLargeError,
        EffectsFailedError,
        FencedOutError,
        HistoryConflictError,
        HistoryTrimmedError,
        IdempotencyMismatchError,
        InvalidDataError,
        InvalidIdError,
        InvalidMachineError,
        KeyMismatchError,
        KeyTransactionError,
        KeyTypeError,
        LockError,
        LockLostError,
        LockTimeoutError,
        MachineError,
        MachineVersionError,
        MoverError,
        OutcomeUnknownError,
        PreconditionFailedError,
        PreparedError,
        ReplayError,
        RetriesExhaustedError,
        SchemaVersionError,
        SnapshotNotFoundError,
        StaleReadError,
        StateExistsError,
        StateNotFoundError,
        StatusConflictError,
        StoreClosedError,
        StoredDataError,
        StoreError,
        StoreInUseError,
        StoreMissingError,
        StoreReplacedError,
        StoreUnavailableError,
        TaiStateError,
        TransitionNotAllowedError,
        UnsupportedOperationError,
        UpcastError,
        VersionConflictError,
        VersionNotFoundError,
    )
    from tai_state.machine import Machine, Mover, Transition
    from tai_state.models import (
        KEEP,
        BatchResult,
        ChangeMetadata,
        Checkup,
        ConsistencyReport,
        DeletedVersion,
        DocumentCount,
        ErasureReport,
        Event,
        ExportReport,
        FailedTransaction,
        GcReport,
        Health,
        ImportReport,
        LoadedState,
        LockInfo,
        LockWait,
        MigrationReport,
        Problem,
        RecoveryReport,
        Repair,
        StateSnapshot,
        StoreStats,
        StoreUsage,
        TransactionRecord,
        TransitionRequest,
        TransitionResult,
    )
    from tai_state.retry import RetryPolicy
    from tai_state.rules.recovery.backup_names import Keeping

# A library's records are for whoever asks for them; without this, warnings would go to a program's standard error.
logging.getLogger("tai_state").addHandler(logging.NullHandler())

__version__ = "0.1.0"

__all__ = [
    "KEEP",
    "AsyncBackend",
    "AsyncBackendStore",
    "AsyncFirestoreStore",
    "AsyncGovernorTransaction",
    "AsyncLock",
    "AsyncLockManager",
    "AsyncLockSet",
    "AsyncMemoryStore",
    "AsyncRedisStore",
    "AsyncSqliteStore",
    "AsyncStateMachinePersister",
    "AsyncStateStore",
    "AsyncTransaction",
    "AsyncTransactionManager",
    "AsyncUnitOfWork",
    "Backend",
    "BackendStore",
    "BadExportError",
    "BatchResult",
    "Capability",
    "CauseDepthError",
    "ChangeMetadata",
    "Checkup",
    "Clock",
    "CommitAmbiguousError",
    "ConfigurationError",
    "ConflictError",
    "ConflictResolutionError",
    "ConsistencyReport",
    "CorruptLogError",
    "DamagedDocumentsError",
    "DamagedStatesError",
    "DamagedStoreError",
    "DeadlineExceededError",
    "DeadlockError",
    "DeletedVersion",
    "DependencyCycleError",
    "DependentMachineError",
    "DocumentCount",
    "DocumentTooLargeError",
    "EffectsFailedError",
    "Encoding",
    "ErasureReport",
    "Event",
    "ExportReport",
    "FailedTransaction",
    "FencedOutError",
    "FirestoreStore",
    "GcReport",
    "GovernorTransaction",
    "Health",
    "HistoryConflictError",
    "HistoryPolicy",
    "HistoryTrimmedError",
    "IdempotencyMismatchError",
    "ImportReport",
    "InvalidDataError",
    "InvalidIdError",
    "InvalidMachineError",
    "Keeping",
    "KeyMismatchError",
    "KeyTransactionError",
    "KeyTypeError",
    "LoadedState",
    "Lock",
    "LockConfig",
    "LockError",
    "LockInfo",
    "LockLostError",
    "LockManager",
    "LockSet",
    "LockTimeoutError",
    "LockWait",
    "Machine",
    "MachineError",
    "MachineVersionError",
    "Maintenance",
    "MemoryStore",
    "MigrationReport",
    "Mover",
    "MoverError",
    "OutcomeUnknownError",
    "PersistenceConfig",
    "PreconditionFailedError",
    "PreparedError",
    "Problem",
    "RecoveryReport",
    "RedisStore",
    "Repair",
    "ReplayError",
    "RetriesExhaustedError",
    "RetryPolicy",
    "SchemaVersionError",
    "SnapshotNotFoundError",
    "SqliteStore",
    "StaleReadError",
    "StateExistsError",
    "StateMachinePersister",
    "StateNotFoundError",
    "StateSnapshot",
    "StateStore",
    "StatusConflictError",
    "StoreClosedError",
    "StoreError",
    "StoreInUseError",
    "StoreMissingError",
    "StoreReplacedError",
    "StoreStats",
    "StoreUnavailableError",
    "StoreUsage",
    "StoredDataError",
    "SystemClock",
    "TaiStateError",
    "Transaction",
    "TransactionManager",
    "TransactionRecord",
    "Transition",
    "TransitionNotAllowedError",
    "TransitionRequest",
    "TransitionResult",
    "UnitOfWork",
    "UnsupportedOperationError",
    "UpcastError",
    "VectorClock",
    "VersionConflictError",
    "VersionNotFoundError",
    "async_check_machines",
    "async_connect",
    "async_examine",
    "async_export_store",
    "async_import_store",
    "async_recover",
    "async_verify",
    "change_context",
    "check_machines",
    "connect",
    "examine",
    "export_store",
    "import_store",
    "lock_owner",
    "recover",
    "verify",
]

if not TYPE_CHECKING:  # A type checker would take it for a promise of any name.
    __getattr__ = late_names(__name__, HOMES)

    def __dir__() -> list[str]:
        """List what has not been imported yet, too."""
        return sorted({*globals(), *__all__})
