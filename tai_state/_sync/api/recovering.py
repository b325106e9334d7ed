# Generated from tai_state/_async/api/recovering.py by .ci/generate_sync.py; do not edit.
"""Checking a store and making it sound again: what an operator reaches for after a crash."""
from collections.abc import Iterator

from tai_state._sync.access.access import Access
from tai_state._sync.api.settling import settlements
from tai_state._sync.api.store import StateStore
from tai_state._sync.distributed.settling import Settlement
from tai_state._sync.recovery.newer import check_not_newer
from tai_state._sync.recovery.recover import Recovery
from tai_state._sync.recovery.repair import Repairer
from tai_state._sync.recovery.unmerged import Unmerged
from tai_state._sync.recovery.verify import Verifier, Progress, no_progress
from tai_state.authors import author_of, checked_actor
from tai_state.clock import TimeLimit
from tai_state.errors import ConfigurationError
from tai_state.layout import check_governor_id, state_layout
from tai_state.models import ConsistencyReport, Problem, RecoveryReport, Repair


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
    governor (``governor_id`` is ""), the locks, and what transactions over several stores have left. Memory is bounded,
    and it is safe beside live writers: what is found is read again before it is reported.

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
    coordinator: StateStore | None = None,
    progress: Progress = no_progress,
    timeout: TimeLimit = None,
) -> Iterator[RecoveryReport]:
    """Make what a store holds sound again, and give a report for each governor once it is done.

    What ``verify`` finds is mended where the rest proves what should be there: a state document from its events and
    snapshots, an event from its segment or its neighbours, a snapshot or a segment from the events. Each repair is one
    commit that applies only where things are as they were found, and leaves a record in ``audit``. What nothing
    determines is copied to ``quarantine``, stays where it is, and is told as unresolved. Without a governor all of them
    are recovered, and behind them, in a report of no governor, the leases that are past their time are freed, and what
    transactions over several stores have left is settled, as by ``tai_state.distributed.settle``. What a sync has
    brought and not merged is merged where nobody has to decide.

    It can be stopped anywhere and called again, and is safe beside live writers.

    Args:
        dry_run: Write nothing, and tell what would be done.
        actor: Who repairs; None: as with every change. The reason is that of ``change_context``.
        coordinator: The store in which those transactions are decided; None: see ``settle``.
        progress: Called before each state with its governor's id, and its own as stored.
        timeout: Bounds each page that is read, and each repair.

    Raises:
        SchemaVersionError: A newer release keeps the store.
        UnsupportedOperationError: The store was opened to read only.
    """
    runtime = store.runtime
    author = author_of(None, runtime.actor if actor is None else checked_actor(actor))
    recovery = Recovery(
        Verifier(runtime.access, progress=progress, timeout=timeout),
        Repairer(runtime.access, runtime.settings, author, timeout, is_dry_run=dry_run),
        Unmerged(runtime, author, timeout, is_dry_run=dry_run),
    )
    in_doubt = settlements(store, coordinator, author, timeout, is_dry_run=dry_run)
    recovered = _recovered(runtime.access, recovery, in_doubt, governor_id, timeout, is_dry_run=dry_run)
    for report in runtime.inflight.reading(recovered, "recover", governor_id):
        yield report


def _recovered(
    access: Access,
    recovery: Recovery,
    in_doubt: Iterator[Settlement],
    governor_id: str | None,
    timeout: TimeLimit,
    *,
    is_dry_run: bool,
) -> Iterator[RecoveryReport]:
    check_not_newer(access, timeout)
    if governor_id is not None:
        yield recovery.governor(check_governor_id(governor_id))
        return
    for report in recovery.all():
        yield report
    settled = _settled(in_doubt, is_dry_run=is_dry_run)
    # Most stores take part in none.
    if settled.repaired or settled.unresolved:
        yield settled


def _settled(in_doubt: Iterator[Settlement], *, is_dry_run: bool) -> RecoveryReport:
    repaired: list[Repair] = []
    left: list[Problem] = []
    for one in in_doubt:
        path = str(one.document.path)
        if one.marked:
            message = f"{one.marked} of its states are marked again"
            repaired.append(_repair("lost_preparation", path, message))
        if one.verdict is not None:
            repaired.append(_repair("in_doubt_transaction", path, f"settled as decided: {one.verdict}"))
        elif not one.is_under_way:
            left.append(Problem(kind="in_doubt_transaction", state_id="", version=None, message=one.why, path=path))
    return RecoveryReport(governor_id="", checked=0, repaired=repaired, unresolved=left, is_dry_run=is_dry_run)


def _repair(kind: str, path: str, message: str) -> Repair:
    return Repair(kind=kind, state_id="", version=None, path=path, message=message, audit_id="")
