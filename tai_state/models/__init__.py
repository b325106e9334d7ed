"""The public values: frozen pydantic models that users read and pass around.

They are defined when they are asked for: who only moves states has no use for reports.
"""

from typing import TYPE_CHECKING

from tai_state.late import late_names

if TYPE_CHECKING:
    from tai_state.models.feeds import DeadLetter, DeliveryOutcome, Lag, Numbered, SubscriptionInfo
    from tai_state.models.reports import (
        BatchResult,
        Checkup,
        ConsistencyReport,
        DocumentCount,
        ErasureReport,
        FailedTransaction,
        GcReport,
        Health,
        LockInfo,
        LockWait,
        MigrationReport,
        Problem,
        RecoveryReport,
        Repair,
        StoreStats,
        StoreUsage,
        TransactionRecord,
    )
    from tai_state.models.requests import (
        KEEP,
        DataT,
        DeletedVersion,
        Keep,
    )
    from tai_state.models.results import TransitionResult
    from tai_state.models.states import (
        ChangeMetadata,
        Event,
        ForeignParent,
        LoadedState,
        Model,
        StateSnapshot,
        TransitionRequest,
        later,
    )
    from tai_state.models.transfers import ExportReport, ImportReport

__all__ = [
    "KEEP",
    "BatchResult",
    "ChangeMetadata",
    "Checkup",
    "ConsistencyReport",
    "DataT",
    "DeadLetter",
    "DeletedVersion",
    "DeliveryOutcome",
    "DocumentCount",
    "ErasureReport",
    "Event",
    "ExportReport",
    "FailedTransaction",
    "ForeignParent",
    "GcReport",
    "Health",
    "ImportReport",
    "Keep",
    "Lag",
    "LoadedState",
    "LockInfo",
    "LockWait",
    "MigrationReport",
    "Model",
    "Numbered",
    "Problem",
    "RecoveryReport",
    "Repair",
    "StateSnapshot",
    "StoreStats",
    "StoreUsage",
    "SubscriptionInfo",
    "TransactionRecord",
    "TransitionRequest",
    "TransitionResult",
    "later",
]

if not TYPE_CHECKING:
    __getattr__ = late_names(
        __name__,
        {
            "tai_state.models.feeds": ("DeadLetter", "DeliveryOutcome", "Lag", "Numbered", "SubscriptionInfo"),
            "tai_state.models.reports": (
                "BatchResult",
                "Checkup",
                "ConsistencyReport",
                "DocumentCount",
                "ErasureReport",
                "FailedTransaction",
                "GcReport",
                "Health",
                "LockInfo",
                "LockWait",
                "MigrationReport",
                "Problem",
                "RecoveryReport",
                "Repair",
                "StoreStats",
                "StoreUsage",
                "TransactionRecord",
            ),
            "tai_state.models.requests": ("DataT", "DeletedVersion", "KEEP", "Keep"),
            "tai_state.models.results": ("TransitionResult",),
            "tai_state.models.states": (
                "ChangeMetadata",
                "Event",
                "ForeignParent",
                "LoadedState",
                "Model",
                "StateSnapshot",
                "TransitionRequest",
                "later",
            ),
            "tai_state.models.transfers": ("ExportReport", "ImportReport"),
        },
    )
