"""The warning that a machine has two definitions under one version."""

import logging

from tai_state.rules.records.record import MachineStamp, StateRecord

log = logging.getLogger("tai_state")


class Redefinitions:
    """What a persister tells of its machines' other definitions: each machine once, not with every move."""

    def __init__(self) -> None:
        """Begin with nothing told."""
        self._told: dict[MachineStamp, object] = {}

    def __call__(self, state: StateRecord, ours: MachineStamp) -> None:
        """Warn of the definition that moved *state*, which is not *ours*."""
        # One step, so that of two threads one tells it.
        mine = object()
        if self._told.setdefault(ours, mine) is not mine or state.machine is None:
            return
        extra = {
            "event": "machine_redefined",
            "governor_id": state.governor_id,
            "state_id": state.state_id,
            "version": state.version,
            "machine": str(ours),
            "stored_fingerprint": state.machine.fingerprint,
            "fingerprint": ours.fingerprint,
        }
        log.warning(
            "machine %s has another definition here (%.12s) than where %s/%s was moved last (%.12s): "
            "raise its version with each change; told once",
            ours,
            ours.fingerprint,
            state.governor_id,
            state.state_id,
            state.machine.fingerprint,
            extra=extra,
        )
