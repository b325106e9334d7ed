"""The kinds of change that no machine makes: saves, updates, deletes, logged moves, the way back, migrations."""

from datetime import datetime

from tai_state.codec import EMPTY, NULL, Payload
from tai_state.errors import CorruptLogError, InvalidDataError, TransitionNotAllowedError
from tai_state.models import KEEP, Keep
from tai_state.rules.commits.change import Change, Needs, Target
from tai_state.rules.commits.kinds import (
    PASSES,
    AnyMachine,
    Call,
    check_machine,
    check_name,
    checked_error,
    data_payload,
    payload_of,
    stamp,
)
from tai_state.rules.due.arming import Wanted
from tai_state.rules.records.arguments import check_time
from tai_state.rules.records.erased import ERASE
from tai_state.rules.records.record import MachineStamp, StateRecord


def _kept_error(state: StateRecord | None) -> str | None:
    return state.last_error if state else None


def _kept_label(state: StateRecord | None) -> int:
    """Return the label that stays where a caller replaces data who does not look into it."""
    return state.schema_version if state else 1


def _kept_machine(state: StateRecord | None) -> MachineStamp | None:
    return state.machine if state else None


def save_change(call: Call, data: object, status: str | None) -> Change:
    """Create or replace: *status* None keeps the one there is ("" at creation).

    What a machine moves a store, which knows none, brings nowhere else.
    """
    payload = data_payload(data)
    name = None if status is None else check_name(status, "status")

    def target_of(state: StateRecord | None) -> Target:
        if state is not None and state.machine is not None and name not in {None, state.status} and not call.force:
            reason = f"machine {state.machine} moves the state: leave status out, or move it with a persister; {PASSES}"
            raise TransitionNotAllowedError(state.status, "save", None, reason)
        kept = state.status if state else ""
        status = kept if name is None else name
        return Target(status, payload, _kept_error(state), _kept_label(state), machine=_kept_machine(state))

    return call.change("save", "save", Needs.ANYTHING, target_of, request=Payload.of([name, payload.digest]))


def update_change(call: Call, data: object) -> Change:
    """Replace the data of a state that is there, at the version that the call must name."""
    if call.expected_version is None:
        message = "is required"
        raise InvalidDataError(message, path="expected_version")
    payload = data_payload(data)

    def target_of(state: StateRecord | None) -> Target:
        assert state is not None
        return Target(state.status, payload, state.last_error, state.schema_version, machine=state.machine)

    return call.change("update", "update", Needs.LIVE, target_of, request=payload)


def delete_change(call: Call) -> Change:
    """Leave a tombstone: the status stays readable, the data goes (the events keep it)."""

    def target_of(state: StateRecord | None) -> Target:
        assert state is not None
        kept = state.schema_version
        return Target(state.status, EMPTY, state.last_error, kept, deleted=True, machine=state.machine)

    return call.change("delete", "delete", Needs.LIVE, target_of, request=NULL)


def erase_change(call: Call) -> Change:
    """Leave a tombstone that says nothing of what was there: not even its event does."""

    def target_of(state: StateRecord | None) -> Target:
        assert state is not None
        return Target(state.status, EMPTY, None, state.schema_version, deleted=True, machine=state.machine)

    return call.change(ERASE, ERASE, Needs.EVER, target_of, request=NULL)


def log_change(
    call: Call,
    action: str,
    to_status: str,
    data: object,
    *,
    payload: object = None,
    error: object = KEEP,
    timestamp: datetime | None = None,
    occurred_at: datetime | None = None,
    machine: AnyMachine | None = None,
) -> Change:
    """Record a move that was decided elsewhere; *machine* is the one whose data type *data* is of."""
    name, target = check_name(action, "action"), check_name(to_status, "to_status")
    stored, wrapped, recorded = data_payload(data, machine), payload_of(payload), checked_error(error)
    when = None if timestamp is None else check_time(timestamp, "timestamp")
    happened = None if occurred_at is None else check_time(occurred_at, "occurred_at")

    def target_of(state: StateRecord | None) -> Target:
        last_error = _kept_error(state) if isinstance(recorded, Keep) else recorded
        label = _kept_label(state) if call.schema is None else call.schema.version
        return Target(target, stored, last_error, label, machine=_kept_machine(state))

    # Without a payload, what a key stood for before there were any.
    request = Payload.of([target, stored.digest, *([] if wrapped == NULL else [wrapped.digest])])
    return call.change(
        "log", name, Needs.ANYTHING, target_of, request=request, payload=wrapped, timestamp=when, occurred_at=happened
    )


def rollback_change(call: Call, old: StateRecord) -> Change:
    """Make a new version with the content of *old*; a deleted state comes back to life.

    A state keeps the machine that moves it, where none did then.
    """
    if old.deleted:
        message = f"version {old.version} is a deletion; delete the state instead"
        raise InvalidDataError(message, path="to_version")

    def target_of(state: StateRecord | None) -> Target:
        # The event was read before the state: a state behind it contradicts its own log.
        if state is None or state.version < old.version:
            ids = (call.paths.governor_id, call.paths.state_id)
            raise CorruptLogError(*ids, old.version, "the state is behind one of its events")
        if call.schema is not None and not call.force:
            # Before anybody says of the state that is there what is to be said of the old one.
            call.schema.seen(old)
        machine = old.machine or state.machine
        return Target(
            old.status,
            old.data,
            old.last_error,
            old.schema_version,
            machine=machine,
            signals=old.signals,
            labels=old.labels,
        )

    payload = Payload.of({"to_version": old.version})
    return call.change("rollback", "rollback", Needs.EVER, target_of, request=payload, payload=payload)


class UpToDateError(Exception):
    """There is nothing to migrate: the state's data is of the schema that was asked for."""


def gained(state: StateRecord, machine: AnyMachine | None) -> Wanted | None:
    """Return what is due of a state since its machine's definition has a timeout that the one which moved it had not.

    None: nothing is, or something is due already.
    """
    if machine is None or state.due is not None or state.machine is None:
        return None
    timeout, mark = machine.timeout_of(state.status), stamp(machine)
    # What the definition of today has moved was armed then, or somebody has ended it.
    if timeout is None or state.machine == mark or state.machine.version > mark.version:
        return None
    return Wanted(timeout.action, machine.name, after=timeout.after)


def migrate_change(call: Call, machine: AnyMachine | None) -> Change:
    """Bring the data of a state to the schema of the call, arm a timeout that its status gained, and leave all else.

    Its target raises UpToDateError where there is nothing to do.

    Args:
        machine: The one whose states they are; None: of any.
    """
    schema = call.schema
    assert schema is not None
    ours = None if machine is None else stamp(machine)

    def target_of(state: StateRecord | None) -> Target:
        assert state is not None
        if ours is not None:
            check_machine(state, ours)
        wanted = gained(state, machine)
        if state.schema_version == schema.version and wanted is None:
            raise UpToDateError
        seen = schema.seen(state)
        return Target(state.status, seen.data, state.last_error, seen.schema_version, machine=state.machine, due=wanted)

    return call.change("migrate", "migrate", Needs.LIVE, target_of, request=NULL)
