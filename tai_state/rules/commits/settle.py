"""Settle a commit that ended without a verdict, from what stands in the store now."""

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

from tai_state.documents import Document, DocumentPath
from tai_state.errors import OutcomeUnknownError
from tai_state.layout import StateLayout
from tai_state.rules.commits.change import Plan
from tai_state.rules.records.record import EventRecord, Marks


class Outcome(Enum):
    """What became of a commit."""

    APPLIED = "it was applied"
    REFUSED = "it was not applied, and never will be"
    PENDING = "it was not applied yet, and may still be"
    UNKNOWN = "what could tell is gone"


def settle(plan: Plan, state: Document | None, event: Document | None, *, refused: bool) -> Outcome:
    """Return what became of *plan*, given its state and the event at its version as of one moment.

    ``refused``: the last attempt met a precondition that did not hold. None of ours can hold again once it
    failed, so an earlier attempt still under way is refused as well.

    1. Our transition id in the event: applied.
    2. A foreign event at our version: another writer won, our event's precondition can never hold.
    3. No event, and the state still where we found it: not applied; refused, or an attempt is still under way.
    4. No event, the state elsewhere but below our version (or gone): our precondition can never hold.
    5. No event though the state is at or past our version: its segment may have it (``settle_sealed``); else the log
       was trimmed or damaged, and nobody can tell.
    """
    # The event is the proof: it is written once, in the same commit, and nobody rewrites it.
    if event is not None:
        ours = event.fields.get("transition_id") == plan.event.transition_id
        return Outcome.APPLIED if ours else Outcome.REFUSED
    seen = state.update_time if state else None
    based = plan.base.update_time if plan.base else None
    # Not moved, and no event: our preconditions still hold, so an attempt under way can still apply.
    if seen == based:
        return Outcome.REFUSED if refused else Outcome.PENDING
    # Whoever moved it took our precondition away for good.
    if state is None:
        return Outcome.REFUSED
    version = state.fields.get("version")
    return Outcome.REFUSED if isinstance(version, int) and version < plan.event.version else Outcome.UNKNOWN


def settle_sealed(transition_id: str, event: EventRecord | None) -> Outcome:
    """Return what became of a change where its event has no document any more, by the *event* in a segment.

    None: no segment has it either.
    """
    if event is None:
        return Outcome.UNKNOWN
    return Outcome.APPLIED if event.transition_id == transition_id else Outcome.REFUSED


def settle_snapshot(
    version: int, based: datetime | None, state: Document | None, marks: Marks | None, *, refused: bool
) -> Outcome:
    """Return what became of the commit that keeps a snapshot of *version*, given the state and its marks now.

    1. Its mark is there: applied. Whoever wrote the snapshot, its content is the same.
    2. The state as it was found, at *based* (None: there was no document): not applied; refused, or under way yet.
    3. The state elsewhere: our precondition can never hold.
    """
    if marks is not None and version in marks.snapshots:
        return Outcome.APPLIED
    if (state.update_time if state is not None else None) == based and not refused:
        return Outcome.PENDING
    return Outcome.REFUSED


def unknown_snapshot(governor_id: str, state_id: str, version: int) -> OutcomeUnknownError:
    """Return the error that says that nobody knows whether a snapshot of *version* is kept."""
    error = OutcomeUnknownError("", governor_id, state_id, version, retryable=True)
    message = (
        f"whether a snapshot of state {state_id!r} of governor {governor_id!r} at version {version} was kept is "
        "unknown; ask for it again: at one version it is made once"
    )
    error.args = (message,)
    return error


def proofs_against(plan: Plan, paths: StateLayout) -> tuple[DocumentPath, ...]:
    """Return where stands, if anything, what a refused *plan* can never go past.

    Of a state that was to be created the first event may be gone; then its first segment stands for it.
    """
    event = paths.event(plan.event.version)
    return (event,) if plan.base is not None else (event, paths.segment(1))


def lost_head(plan: Plan, state: Document | None, proofs: Iterable[Document | None]) -> bool:
    """Whether a refused *plan* met what stands above the state's version, so that it could never succeed.

    Args:
        state: The state, as of one moment after the refusal.
        proofs: What stands at ``proofs_against`` it, as of that moment.
    """
    seen = state.update_time if state else None
    based = plan.base.update_time if plan.base else None
    # The state never saw that event: a commit writes both or none, so something broke the log.
    return seen == based and any(proof is not None for proof in proofs)
