"""Records of what is damaged or missing, for the logger ``tai_state``: where it is, and nothing of what it holds."""

import logging

from tai_state.errors import CorruptLogError
from tai_state.layout import StateLayout

log = logging.getLogger("tai_state")


def tell_damage(error: CorruptLogError) -> None:
    """Write a record of what is damaged."""
    extra = {
        "event": "damage",
        "governor_id": error.governor_id,
        "state_id": error.state_id,
        "version": error.version,
        "cause": error.code,
    }
    log.error("%s", error, extra=extra)


def tell_missing(paths: StateLayout) -> None:
    """Write a record of a state document that is missing though the state has events."""
    extra = {
        "event": "damage",
        "governor_id": paths.governor_id,
        "state_id": paths.state_id,
        "version": None,
        "cause": "state_document_missing",
    }
    log.error("state document %s is missing; its events rebuild it", paths.state, extra=extra)
