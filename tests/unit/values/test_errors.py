"""The exception tree: picklable with its data, stable codes, and standard bases."""

import copy
import inspect
import pickle

import pytest

import tai_state
from tai_state import errors
from tai_state.errors import TaiStateError

SAMPLES = {
    "TaiStateError": errors.TaiStateError("message"),
    "StateNotFoundError": errors.StateNotFoundError("g", "s", deleted=True),
    "SnapshotNotFoundError": errors.SnapshotNotFoundError("g", "s", 9, [4, 8]),
    "VersionNotFoundError": errors.VersionNotFoundError("g", "s", 9, 4),
    "ConfigurationError": errors.ConfigurationError("message"),
    "InvalidDataError": errors.InvalidDataError("message", path="data.a"),
    "InvalidIdError": errors.InvalidIdError("message", value="\ud800"),
    "DocumentTooLargeError": errors.DocumentTooLargeError(2_000_000, 1_048_576, "document d"),
    "DeadlineExceededError": errors.DeadlineExceededError("message"),
    "RetriesExhaustedError": errors.RetriesExhaustedError(5, "a read"),
    "OutcomeUnknownError": errors.OutcomeUnknownError("t", "g", "s", 7),
    "ConflictError": errors.ConflictError("message"),
    "VersionConflictError": errors.VersionConflictError("g/s", 3, 5),
    "StatusConflictError": errors.StatusConflictError("g/s", "new", "paid"),
    "StateExistsError": errors.StateExistsError("g", "s", 5),
    "IdempotencyMismatchError": errors.IdempotencyMismatchError("k", "g", "s"),
    "HistoryConflictError": errors.HistoryConflictError("g", "s", 7, 12, "it is there with another history"),
    "ConflictResolutionError": errors.ConflictResolutionError("g", "s", "resolver 'ours' gave up"),
    "BadExportError": errors.BadExportError("a.jsonl", 12, "the file was altered"),
    "CauseDepthError": errors.CauseDepthError("g/s@7", 11, 10),
    "StaleReadError": errors.StaleReadError("governors/g/states/s", governor_id="g", state_id="s", transaction_id="t"),
    "PreparedError": errors.PreparedError("g", "s", "t", "sqlite:////srv/orders.db"),
    "PreconditionFailedError": errors.PreconditionFailedError(path="governors/g/states/s"),
    "MachineError": errors.MachineError("message"),
    "InvalidMachineError": errors.InvalidMachineError(["one", "two"]),
    "TransitionNotAllowedError": errors.TransitionNotAllowedError("new", "ship", ["pay"], "why"),
    "MachineVersionError": errors.MachineVersionError("m@2", "m@1"),
    "MoverError": errors.MoverError("m", "new", "pay", "it raised KeyError"),
    "EffectsFailedError": errors.EffectsFailedError("g", "s", 7, "pay", "raised OSError"),
    "DependentMachineError": errors.DependentMachineError("g", "s", "d", "m@2"),
    "DependencyCycleError": errors.DependencyCycleError(["a", "b", "a"]),
    "LockError": errors.LockError("message"),
    "LockTimeoutError": errors.LockTimeoutError("r", "ann"),
    "LockLostError": errors.LockLostError("r", "expired"),
    "FencedOutError": errors.FencedOutError(3, 4, "r"),
    "DeadlockError": errors.DeadlockError(["ann", "bob", "ann"]),
    "ReplayError": errors.ReplayError("message"),
    "CorruptLogError": errors.CorruptLogError("g", "s", 7, "why"),
    "HistoryTrimmedError": errors.HistoryTrimmedError("g", "s", 3, 7),
    "StoredDataError": errors.StoredDataError("g", "s", 7, "data.items: does not fit Order"),
    "UpcastError": errors.UpcastError("g", "s", 7, 1, "the upcaster from version 1 to 2 raised KeyError: 'name'"),
    "SchemaVersionError": errors.SchemaVersionError(2, 1, "the document"),
    "StoreError": errors.StoreError("message"),
    "StoreUnavailableError": errors.StoreUnavailableError("message", retry_after=1.5),
    "CommitAmbiguousError": errors.CommitAmbiguousError("message", retry_after=2.5),
    "StoreClosedError": errors.StoreClosedError("message"),
    "StoreMissingError": errors.StoreMissingError("message"),
    "KeyTypeError": errors.KeyTypeError("k", "increment", ("a",), expected="a number", found="str"),
    "KeyMismatchError": errors.KeyMismatchError("k"),
    "KeyTransactionError": errors.KeyTransactionError(2, op="pop", key="k", op_id="x", why="there is no list"),
    "DamagedDocumentsError": errors.DamagedDocumentsError({"locks/r": "document locks/r is no lease"}),
    "DamagedStatesError": errors.DamagedStatesError("g", {"s": "its digest is another"}),
    "DamagedStoreError": errors.DamagedStoreError("message"),
    "StoreInUseError": errors.StoreInUseError("/a/store.db", "/a/store.db-wal is there"),
    "StoreReplacedError": errors.StoreReplacedError("/a/store.db", "was removed"),
    "UnsupportedOperationError": errors.UnsupportedOperationError("message"),
}
ALL = {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, TaiStateError)}
every_error = pytest.mark.parametrize("error", SAMPLES.values(), ids=SAMPLES)


def test_every_error_has_a_sample_here():
    """A new error is tested, too."""
    assert SAMPLES.keys() == ALL.keys()


@every_error
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_survives_pickling(error, protocol):
    """Type, message, data, code, and what helps to try again."""
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is type(error)
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))
    assert (again.code, again.retryable, again.retry_after) == (error.code, error.retryable, error.retry_after)


@every_error
def test_an_error_can_be_copied(error):
    """Though its constructor takes data, not the message."""
    for again in (copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert (str(again), vars(again)) == (str(error), vars(error))


@every_error
def test_an_error_keeps_notes_and_message(error):
    """A message is never empty, and notes that were added travel along."""
    again = copy.copy(error)
    again.add_note("a note")
    assert pickle.loads(pickle.dumps(again)).__notes__ == ["a note"]
    assert str(error)


def test_codes_are_unique_and_stable():
    """Programs in other languages tell errors apart by them."""
    assert {name: kind.code for name, kind in ALL.items()} == {
        "TaiStateError": "tai_state_error",
        "StateNotFoundError": "state_not_found",
        "VersionNotFoundError": "version_not_found",
        "ConfigurationError": "configuration",
        "InvalidDataError": "invalid_data",
        "InvalidIdError": "invalid_id",
        "DocumentTooLargeError": "document_too_large",
        "DeadlineExceededError": "deadline_exceeded",
        "RetriesExhaustedError": "retries_exhausted",
        "OutcomeUnknownError": "outcome_unknown",
        "ConflictError": "conflict",
        "VersionConflictError": "version_conflict",
        "StateExistsError": "state_exists",
        "IdempotencyMismatchError": "idempotency_mismatch",
        "ConflictResolutionError": "conflict_resolution",
        "HistoryConflictError": "history_conflict",
        "BadExportError": "bad_export",
        "StaleReadError": "stale_read",
        "PreparedError": "prepared",
        "PreconditionFailedError": "precondition_failed",
        "MachineError": "machine",
        "InvalidMachineError": "invalid_machine",
        "TransitionNotAllowedError": "transition_not_allowed",
        "MachineVersionError": "machine_version",
        "MoverError": "mover_failed",
        "EffectsFailedError": "effects_failed",
        "DependentMachineError": "dependent_machine",
        "DependencyCycleError": "dependency_cycle",
        "LockError": "lock",
        "LockTimeoutError": "lock_timeout",
        "CauseDepthError": "cause_depth",
        "KeyMismatchError": "key_mismatch",
        "KeyTransactionError": "key_transaction",
        "KeyTypeError": "key_type",
        "LockLostError": "lock_lost",
        "FencedOutError": "fenced_out",
        "DeadlockError": "deadlock",
        "ReplayError": "replay",
        "CorruptLogError": "corrupt_log",
        "HistoryTrimmedError": "history_trimmed",
        "SchemaVersionError": "schema_version",
        "SnapshotNotFoundError": "snapshot_not_found",
        "StatusConflictError": "status_conflict",
        "StoreError": "store",
        "StoreUnavailableError": "store_unavailable",
        "CommitAmbiguousError": "commit_ambiguous",
        "StoreClosedError": "store_closed",
        "StoredDataError": "stored_data",
        "StoreMissingError": "store_missing",
        "DamagedDocumentsError": "damaged_documents",
        "DamagedStatesError": "damaged_states",
        "DamagedStoreError": "store_damaged",
        "StoreInUseError": "store_in_use",
        "StoreReplacedError": "store_replaced",
        "UnsupportedOperationError": "unsupported_operation",
        "UpcastError": "upcast",
    }
    assert len({kind.code for kind in ALL.values()}) == len(ALL)


def test_errors_are_public():
    """Each can be caught by its name in the package."""
    for name, kind in ALL.items():
        assert getattr(tai_state, name) is kind
        assert name in tai_state.__all__
        assert name in errors.__all__


@pytest.mark.parametrize(
    ("name", "bases"),
    [
        ("StateNotFoundError", (LookupError,)),
        ("InvalidDataError", (ValueError,)),
        ("InvalidIdError", (ValueError,)),
        ("InvalidMachineError", (ValueError, errors.MachineError)),
        ("DeadlineExceededError", (TimeoutError,)),
        ("LockTimeoutError", (TimeoutError, errors.LockError)),
        ("VersionConflictError", (errors.ConflictError,)),
        ("StateExistsError", (errors.ConflictError,)),
        ("IdempotencyMismatchError", (errors.ConflictError,)),
        ("StaleReadError", (errors.ConflictError,)),
        ("TransitionNotAllowedError", (errors.MachineError,)),
        ("MachineVersionError", (errors.MachineError,)),
        ("DependentMachineError", (errors.MachineError,)),
        ("DependencyCycleError", (ValueError,)),
        ("LockLostError", (errors.LockError,)),
        ("FencedOutError", (errors.LockError,)),
        ("DeadlockError", (errors.LockError,)),
        ("CorruptLogError", (errors.ReplayError,)),
        ("HistoryTrimmedError", (errors.ReplayError,)),
        ("SchemaVersionError", (errors.ReplayError,)),
        ("StoreUnavailableError", (errors.StoreError,)),
        ("CommitAmbiguousError", (errors.StoreUnavailableError,)),
        ("StoreClosedError", (errors.StoreError,)),
        ("StoredDataError", (errors.ReplayError,)),
        ("StoreMissingError", (errors.StoreError,)),
        ("DamagedDocumentsError", (errors.StoreError,)),
        ("DamagedStatesError", (errors.CorruptLogError,)),
        ("DamagedStoreError", (errors.StoreError,)),
        ("StoreReplacedError", (errors.StoreError,)),
        ("UnsupportedOperationError", (errors.StoreError,)),
        ("UpcastError", (errors.StoredDataError,)),
    ],
)
def test_the_tree_is_as_promised(name, bases):
    """What users catch."""
    for base in bases:
        assert issubclass(ALL[name], base)


def test_what_may_be_tried_again_says_so():
    """And nothing else does."""
    assert {name for name, kind in ALL.items() if kind.retryable} == {
        "DeadlineExceededError",
        "RetriesExhaustedError",
        "ConflictError",
        "StaleReadError",
        "PreparedError",
        "PreconditionFailedError",
        "LockTimeoutError",
        "DeadlockError",
        "StoreUnavailableError",
        "StoreClosedError",
        "CommitAmbiguousError",
    }


def test_an_unknown_outcome_may_be_tried_again_where_that_has_no_second_effect():
    """Under a key; a generic retry loop must not withdraw twice."""
    assert not errors.OutcomeUnknownError("t-1").retryable
    keyed = pickle.loads(pickle.dumps(errors.OutcomeUnknownError("t-1", "g", "s", 2, retryable=True)))
    assert keyed.retryable
    assert "same idempotency key" in str(keyed)
    assert "outcome(error)" in str(errors.OutcomeUnknownError("t-1", "g", "s", 2))
    assert "twice" in str(errors.OutcomeUnknownError("t-1", "g", "s", 2))


def test_a_message_tells_what_it_is_about():
    """The document, the numbers, and what to do."""
    assert str(SAMPLES["VersionConflictError"]) == "g/s is at version 5, expected 3"
    assert "`validate_consistency`" in str(SAMPLES["CorruptLogError"])
    assert "idempotency key" in str(SAMPLES["OutcomeUnknownError"])
    assert "'pay'" in str(SAMPLES["TransitionNotAllowedError"])
