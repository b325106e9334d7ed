# Generated from tai_state/_async/api/recovering.py by .ci/generate_sync.py; do not edit.
"""Checking a store and making it sound again: what an operator reaches for after a crash."""
from collections.abc import Iterator

from tai_state._sync.api.store import StateStore
from tai_state._sync.recovery.recover import Recovery
from tai_state._sync.recovery.repair import Repairer
from tai_state._sync.recovery.verify import Verifier, Progress, no_progress
from tai_state.authors import author_of, checked_actor
from tai_state.clock import TimeLimit
from tai_state.errors import ConfigurationError
from tai_state.layout import check_governor_id, state_layout
from tai_state.models import ConsistencyReport, RecoveryReport


def verify(
    store: StateStore,
    governor_id: str | None = None,
    state_id: str | None = None,
    *,
    progress: Progress = no_progress,
    timeout: TimeLimit = None,
) -> Iterator[ConsistencyReport]:
    """Check what a store holds, and give a report for each governor; nothing is written.

    Every state is held against its events, snapshots and segments, as ``validate_consistency`` does, and every receipt
    against the change that it names. Without a governor all of them are checked, and behind them, in a report of no
    governor (``governor_id`` is ""), the locks. Memory is bounded, and it is safe beside live writers: what is found is
    read again before it is reported.

    Args:
        state_id: Check this state alone.
        progress: Called before each state with its governor's id, and its own as stored.
        timeout: Bounds each page that is read.

    Raises:
        ConfigurationError: A state without its governor.
    """
    verifier = Verifier(store.runtime.access, progress=progress, timeout=timeout)
    for report in store.runtime.inflight.reading(
        _reports(verifier, governor_id, state_id), "verify", governor_id
    ):
        yield report


def _reports(
    verifier: Verifier, governor_id: str | None, state_id: str | None
) -> Iterator[ConsistencyReport]:
    if governor_id is None:
        if state_id is not None:
            message = "a state is checked by the ids of its governor and its own: governor_id is missing"
            raise ConfigurationError(message)
        for report in verifier.check_all():
            yield report
    elif state_id is None:
        yield verifier.check(check_governor_id(governor_id))
    else:
        yield verifier.check_state(state_layout(governor_id, state_id))


def recover(
    store: StateStore,
    governor_id: str | None = None,
    *,
    dry_run: bool = False,
    actor: str | None = None,
    progress: Progress = no_progress,
    timeout: TimeLimit = None,
) -> Iterator[RecoveryReport]:
    """Make what a store holds sound again, and give a report for each governor once it is done.

    What ``verify`` finds is mended where the rest proves what should be there: a state document from its events and
    snapshots, an event from its segment or its neighbours, a snapshot or a segment from the events. Each repair is one
    commit that applies only where things are as they were found, and leaves a record in ``audit``. What nothing
    determines is copied to ``quarantine``, stays where it is, and is told as unresolved. Without a governor all of them
    are recovered, and behind them, in a report of no governor, the leases that are past their time are freed.

    It can be stopped anywhere and called again, and is safe beside live writers.

    Args:
        dry_run: Write nothing, and tell what would be done.
        actor: Who repairs; None: as with every change. The reason is that of ``change_context``.
        progress: Called before each state with its governor's id, and its own as stored.
        timeout: Bounds each page that is read, and each repair.

    Raises:
        UnsupportedOperationError: The store was opened to read only.
    """
    runtime = store.runtime
    author = author_of(None, runtime.actor if actor is None else checked_actor(actor))
    recovery = Recovery(
        Verifier(runtime.access, progress=progress, timeout=timeout),
        Repairer(runtime.access, runtime.settings, author, timeout, is_dry_run=dry_run),
    )
    for report in runtime.inflight.reading(_recovered(recovery, governor_id), "recover", governor_id):
        yield report


def _recovered(recovery: Recovery, governor_id: str | None) -> Iterator[RecoveryReport]:
    if governor_id is None:
        for report in recovery.all():
            yield report
    else:
        yield recovery.governor(check_governor_id(governor_id))
