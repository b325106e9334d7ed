# Generated from tai_state/_async/commits/telling.py by .ci/generate_sync.py; do not edit.
"""Records of changes that are durable, for the logger ``tai_state``."""
import logging

from tai_state.rules.records.record import EventRecord

log = logging.getLogger("tai_state")


def tell_change(event: EventRecord) -> None:
    """Write a record of a change; who calls it asked first whether anybody reads it."""
    extra = {
        "event": "change",
        "governor_id": event.governor_id,
        "state_id": event.state_id,
        "version": event.version,
        "action": event.action,
        "transition_id": event.transition_id,
    }
    log.debug(
        "%s/%s is at version %d by %s", event.governor_id, event.state_id, event.version, event.action, extra=extra
    )
