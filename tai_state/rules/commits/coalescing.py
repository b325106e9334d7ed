"""Several changes of one state in one commit."""

from tai_state.rules.commits.change import Plan

_FIELDS_BYTES = 2_048
"""What an event takes beside its payloads, about."""


def ends_here(plan: Plan) -> bool:
    """Whether no other change goes with the same commit behind this one: it carries a snapshot."""
    return plan.event.version in plan.record.marks.snapshots


def weight(plan: Plan) -> int:
    """Return how many bytes a plan adds to a commit, about."""
    event = plan.event
    return _FIELDS_BYTES + len(event.payload.json) + len(event.from_state.json) + len(event.to_state.json)
