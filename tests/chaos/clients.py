"""The clients under test: ours, and the usual loop that knows nothing of lost replies."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol

from tai_state import (
    AsyncLockManager,
    AsyncStateMachinePersister,
    AsyncStateStore,
    LockConfig,
    LockManager,
    Machine,
    RetryPolicy,
    StateMachinePersister,
    TaiStateError,
    Transition,
)
from tai_state.errors import LockTimeoutError, OutcomeUnknownError, VersionConflictError
from tai_state.testing.linearizability import Moved, Refused, Reply, Seen
from tests.chaos.steps import GOVERNOR, KEYS, LOCKED, OPENING, Kind, Step

CALL_SECONDS = 8.0
ATTEMPT_SECONDS = 1.0
LOCK_TTL_SECONDS = 1.0
LOCK_WAIT_SECONDS = 20.0
RETRY = RetryPolicy(wait_initial=0.005, wait_max=0.2, deadline=CALL_SECONDS, attempt_timeout=ATTEMPT_SECONDS)
NAIVE_TRIES_MAX = 200
PASSING = {"lock_lost", "fenced_out", "outcome_unknown"}
"""What comes of faults, and passes, beside what may be tried again as it is."""

MACHINE = Machine(
    "chaos",
    "even",
    [
        Transition("add", "even", "odd", apply=lambda data, mark: {"n": data["n"] + 1, "mark": mark}),
        Transition("add", "odd", "even", apply=lambda data, mark: {"n": data["n"] + 1, "mark": mark}),
    ],
)
"""Counts its moves in its data and in its status, and keeps the mark of the last one."""


class Client(Protocol):
    """What a worker drives."""

    def open(self) -> None:
        """Create every key."""
        ...

    def read(self, key: str) -> Seen:
        """Return the version of *key*, and the mark of the move that made it."""
        ...

    def move(self, step: Step, expected: int | None) -> Reply | None:
        """Make a move, and return the reply; None: nobody can tell, and nothing more is to be asked."""
        ...

    def log(self, key: str) -> Iterator[tuple[int, str]]:
        """Return version and mark of every move of *key* that is stored, in order."""
        ...


class Durable:
    """tai_state as its users drive it: under a key, and again under the same key until there is a reply."""

    def __init__(self, store: Any, call: Callable[[Any], Any] = lambda outcome: outcome) -> None:
        """Work on *store*; for an async one, *call* runs what its methods return to the end."""
        is_async = isinstance(store, AsyncStateStore)
        self._store = store
        self._persister: Any = (AsyncStateMachinePersister if is_async else StateMachinePersister)(store, MACHINE)
        self._locks: Any = (AsyncLockManager if is_async else LockManager)(store, LockConfig(ttl=LOCK_TTL_SECONDS))
        self._call = call
        self.note: Callable[[str], None] = lambda _: None
        """Told of what came in between."""
        self.keys = True
        """Whether moves have idempotency keys; without them, a move that is made again is another move."""

    def open(self) -> None:
        for key in (*KEYS, LOCKED):
            self._persister.start(GOVERNOR, key, {"n": 0, "mark": OPENING})

    def read(self, key: str) -> Seen:
        while True:
            try:
                snapshot, version = self._call(self._store.get_state(GOVERNOR, key))
            except TaiStateError as error:
                self._again(error)
            else:
                return Seen(version, snapshot.data["mark"])

    def move(self, step: Step, expected: int | None) -> Reply | None:
        while True:
            try:
                return self._once(step, expected)
            except VersionConflictError as error:
                return Refused(error.actual)
            except OutcomeUnknownError as error:
                self._again(error)
                if step.kind is Kind.UNKEYED:
                    return None
            except TaiStateError as error:
                self._again(error)
                if step.kind is Kind.UNKEYED:
                    # Any other error means that nothing was written, and the judge holds it to that.
                    return Refused()

    def _once(self, step: Step, expected: int | None) -> Reply:
        if step.kind is not Kind.GUARDED:
            return self._transition(step, expected)
        lock = self._call(self._locks.acquire("chaos", timeout=LOCK_WAIT_SECONDS))
        try:
            return self._transition(step, expected, lock=lock)
        finally:
            with suppress(TaiStateError):
                self._call(lock.release())
            if lock.lost:
                self.note("lost a lock")

    def _transition(self, step: Step, expected: int | None, **options: Any) -> Reply:
        key = step.mark if self.keys and step.kind is not Kind.UNKEYED else None
        moving = self._persister.transition(
            GOVERNOR, step.key, "add", step.mark, expected_version=expected, idempotency_key=key, **options
        )
        result = self._call(moving)
        if result.replayed:
            self.note("replayed")
        return Moved(result.version)

    def _again(self, error: TaiStateError) -> None:
        """Let pass what may come of faults; the worker's alarm bounds how often."""
        self.note(error.code)
        if not (error.retryable or error.code in PASSING or isinstance(error, LockTimeoutError)):
            raise error

    def log(self, key: str) -> Iterator[tuple[int, str]]:
        for event in self._persister.history(GOVERNOR, key):
            yield event.version, event.to_state["mark"]

    def check(self) -> list[str]:
        """Return what is unsound in the store, and every state that does not count its moves."""
        found = [str(problem) for problem in self._persister.validate_consistency(GOVERNOR).problems]
        for key in (*KEYS, LOCKED):
            snapshot, version = self._store.get_state(GOVERNOR, key)
            if (snapshot.data["n"], snapshot.status) != (version - 1, "even" if version % 2 else "odd"):
                found.append(f"{key} is {snapshot.data} and {snapshot.status} at version {version}")
        tokens = [event.fencing_token or 0 for event in self._persister.history(GOVERNOR, LOCKED)]
        if tokens != sorted(tokens):
            found.append(f"a stale holder of the lock wrote: {tokens}")
        return found


class Naive:
    """The usual loop over the official client: read, write state and event in one batch, on any error begin anew."""

    def __init__(self, project: str) -> None:
        """Work in *project*, on the emulator that the environment names."""
        from google.cloud import firestore  # noqa: PLC0415 - the other client's workers need not wait for it

        self._db = firestore.Client(project=project)

    def open(self) -> None:
        for key in (*KEYS, LOCKED):
            batch = self._db.batch()
            batch.create(self._state(key), {"version": 1, "mark": OPENING})
            batch.create(self._event(key, 1), {"version": 1, "mark": OPENING})
            batch.commit()

    def read(self, key: str) -> Seen:
        snapshot = self._get(key)
        return Seen(snapshot.get("version"), snapshot.get("mark"))

    def move(self, step: Step, expected: int | None) -> Reply | None:
        from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415 - as above

        for _ in range(NAIVE_TRIES_MAX):
            snapshot = self._get(step.key)
            version = snapshot.get("version")
            if expected not in {None, version}:
                return Refused(version)
            fields = {"version": version + 1, "mark": step.mark}
            batch = self._db.batch()
            unchanged = self._db.write_option(last_update_time=snapshot.update_time)
            batch.update(self._state(step.key), fields, option=unchanged)
            batch.create(self._event(step.key, version + 1), fields)
            try:
                batch.commit(timeout=ATTEMPT_SECONDS)
            except GoogleAPIError:
                continue
            return Moved(version + 1)
        message = f"{step} found no moment in {NAIVE_TRIES_MAX} tries"
        raise TimeoutError(message)

    def log(self, key: str) -> Iterator[tuple[int, str]]:
        for event in self._db.collection(GOVERNOR, key, "events").order_by("version").stream():
            yield event.get("version"), event.get("mark")

    def _get(self, key: str) -> Any:
        from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415 - as above

        for _ in range(NAIVE_TRIES_MAX):
            with suppress(GoogleAPIError):
                return self._state(key).get(timeout=ATTEMPT_SECONDS)
        message = f"{key} could not be read in {NAIVE_TRIES_MAX} tries"
        raise TimeoutError(message)

    def _state(self, key: str) -> Any:
        return self._db.document(GOVERNOR, key)

    def _event(self, key: str, version: int) -> Any:
        return self._db.document(GOVERNOR, key, "events", f"{version:019d}")
