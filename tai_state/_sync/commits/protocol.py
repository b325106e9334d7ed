# Generated from tai_state/_async/commits/protocol.py by .ci/generate_sync.py; do not edit.
"""The commit protocol: one request, resent only as it is, and settled by reading when its reply is lost."""
import logging
from collections.abc import Awaitable, Callable, Sequence

from tai_state._sync.access.access import Access
from tai_state._sync.access.retry import retry_after
from tai_state.clock import Deadline
from tai_state.documents import CommitResult, Write
from tai_state.errors import (
    CommitAmbiguousError,
    DeadlineExceededError,
    OutcomeUnknownError,
    PreconditionFailedError,
    StoreUnavailableError,
    TaiStateError,
)
from tai_state.frozen import quick_dataclass
from tai_state.rules.commits.settle import Outcome, settle_sealed
from tai_state.rules.records.record import EventRecord

log = logging.getLogger("tai_state")


@quick_dataclass(frozen=True, slots=True)
class Settled:
    """What became of an ambiguous commit; ``commit`` when it was applied."""

    outcome: Outcome
    commit: CommitResult | None = None


def settled_by(transition_id: str, sealed: EventRecord | None) -> Settled:
    """Return what became of a change by the event at its version in a segment; the state has moved on behind it."""
    outcome = settle_sealed(transition_id, sealed)
    if outcome is not Outcome.APPLIED or sealed is None or sealed.committed_at is None:
        return Settled(outcome)
    return Settled(outcome, CommitResult(sealed.committed_at, {}))


@quick_dataclass(frozen=True, slots=True)
class Settlement:
    """How an ambiguous commit is settled.

    Args:
        read: Reads what tells, given whether the last attempt met a failed precondition.
        unknown: Makes the error that says that the outcome is unknown.
    """

    read: Callable[[bool], Settled]
    unknown: Callable[[], OutcomeUnknownError]


def commit_once(
    access: Access,
    writes: Sequence[Write],
    deadline: Deadline,
    settlement: Settlement,
    *,
    ambiguous: bool = False,
) -> CommitResult:
    """Apply *writes* once, whatever happens to the replies.

    1. A reply: that is it.
    2. No verdict (the attempt timed out, the connection broke): send the IDENTICAL request again, never a
       rebased one. Every commit of ours holds a document that must not exist yet, so it cannot apply twice.
    3. A failed precondition before any attempt was ambiguous: a real conflict.
    4. A failed precondition, or a refusal for good, after an ambiguous attempt: no verdict; read, and settle.
    5. The attempts of the policy spent while ambiguous, with time left: one read may still tell; settle.
    6. Out of time while ambiguous: the outcome is unknown, and the error says so.

    Args:
        ambiguous: Whether somebody has sent them already, and got no verdict.

    Raises:
        PreconditionFailedError: Nothing was written: another writer was there first.
        OutcomeUnknownError: It may or may not have been applied.
        DeadlineExceededError, RetriesExhaustedError, StoreError: Nothing was written.
    """
    attempt = 1

    def send_again() -> CommitResult:
        nonlocal ambiguous, attempt
        attempt += 1
        try:
            result = access.backend.commit(writes, timeout=access.attempt_seconds(deadline))
        except CommitAmbiguousError as error:
            ambiguous = True
            _tell_ambiguous(attempt, error)
            raise
        access.store_time.hear(result.commit_time, access.clock.monotonic())
        return result

    try:
        try:
            result = access.backend.commit(writes, timeout=deadline.at_most(access.retry.attempt_timeout))
        except StoreUnavailableError as error:
            first = error
        else:
            access.store_time.hear(result.commit_time, access.clock.monotonic())
            return result
        if isinstance(first, CommitAmbiguousError):
            ambiguous = True
            _tell_ambiguous(attempt, first)
        return retry_after(
            first,
            send_again,
            StoreUnavailableError,
            policy=access.retry,
            deadline=deadline,
            rng=access.rng,
            what="a commit",
        )
    except DeadlineExceededError as error:
        if ambiguous:
            raise _unknown(settlement) from error
        raise
    except TaiStateError as error:
        if not ambiguous:
            raise
        return _settle(error, settlement)


def _tell_ambiguous(attempt: int, error: CommitAmbiguousError) -> None:
    extra = {"event": "ambiguous", "what": "a commit", "attempt": attempt, "cause": error.code}
    log.warning("attempt %d of a commit ended without a verdict: %s", attempt, error, extra=extra)


def _settle(error: TaiStateError, settlement: Settlement) -> CommitResult:
    refused = isinstance(error, PreconditionFailedError)
    try:
        settled = settlement.read(refused)
    except TaiStateError as unread:
        raise _unknown(settlement) from unread
    if settled.outcome is Outcome.APPLIED and settled.commit is not None:
        return settled.commit
    if settled.outcome is Outcome.REFUSED:
        raise error if refused else PreconditionFailedError from error
    raise _unknown(settlement) from error


def _unknown(settlement: Settlement) -> OutcomeUnknownError:
    """Return the error that says that nobody knows the outcome, and write a record of it."""
    error = settlement.unknown()
    extra = {
        "event": "outcome_unknown",
        "governor_id": error.governor_id,
        "state_id": error.state_id,
        "version": error.version,
        "transition_id": error.transition_id,
    }
    log.error("%s", error, extra=extra)
    return error
