"""The kinds of change: what each caller's request needs, and what it makes of the state it finds."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from tai_state.authors import Author
from tai_state.codec import EMPTY, NULL, Payload, normalize, normalize_data
from tai_state.conversion import normal_time
from tai_state.errors import (
    CorruptLogError,
    DependencyCycleError,
    InvalidDataError,
    MachineVersionError,
    TransitionNotAllowedError,
)
from tai_state.layout import StateLayout, check_id
from tai_state.machine import Machine
from tai_state.models import KEEP, Keep
from tai_state.rules.commits.change import Change, Needs, Target, TargetOf
from tai_state.rules.records.record import AsData, MachineStamp, StateRecord
from tai_state.typed import validated

NAME_BYTES_MAX = 480
PASSES = "force=True with a reason passes"
AnyMachine = Machine[Any]


@dataclass(frozen=True, slots=True)
class Call:
    """What every request has, checked."""

    paths: StateLayout
    author: Author
    expected_version: int | None = None
    idempotency_key: str | None = None
    schema_version: int | None = None
    expected_status: str | None = None
    force: bool = False

    def __post_init__(self) -> None:
        """Refuse a version, a status or a key that cannot be one, and force without a reason."""
        if self.expected_version is not None:
            object.__setattr__(self, "expected_version", plain_version(self.expected_version, "expected_version"))
        # "" is the status of states that were never given one.
        if self.expected_status is not None and self.expected_status != "":
            object.__setattr__(self, "expected_status", check_name(self.expected_status, "expected_status"))
        if self.force is not False:
            _check_force(self.force, self.author)
        if self.idempotency_key is not None:
            # As plain text: a subclass (a StrEnum member, say) would be stored by some engines only.
            object.__setattr__(self, "idempotency_key", check_id(self.idempotency_key, "idempotency_key"))

    def change(
        self,
        kind: str,
        action: str,
        needs: Needs,
        target_of: TargetOf,
        *,
        request: Payload,
        payload: Payload = NULL,
        timestamp: datetime | None = None,
    ) -> Change:
        """Return the change of this call; *request* is what a later call under its key must repeat."""
        return Change(
            paths=self.paths,
            kind=kind,
            action=action,
            payload=payload,
            needs=needs,
            target_of=target_of,
            author=self.author,
            request=request,
            expected_version=self.expected_version,
            idempotency_key=self.idempotency_key,
            timestamp=timestamp,
            schema_version=self.schema_version,
            expected_status=self.expected_status,
            force=self.force,
        )


def _check_force(force: object, author: Author) -> None:
    if force is not True:
        message = f"must be a bool, not {force!r}"
        raise InvalidDataError(message, path="force")
    if not author.reason.strip():
        message = "force=True needs one: metadata=ChangeMetadata(changed_by=..., reason=...), or a change_context"
        raise InvalidDataError(message, path="metadata.reason")


def plain_version(version: object, name: str) -> int:
    """Return a version as a plain int; that of a delete is a ``DeletedVersion``.

    Raises:
        InvalidDataError: It is no int of at least 0.
    """
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        message = f"must be an int of at least 0, not {version!r}"
        raise InvalidDataError(message, path=name)
    return int(version)


def check_name(value: object, what: str) -> str:
    """Return a status or an action as plain text.

    Raises:
        InvalidDataError: It is no text, empty, too long, or not valid Unicode.
    """
    if not isinstance(value, str):
        message = f"must be a str, not {type(value).__name__}"
        raise InvalidDataError(message, path=what)
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        message = f"is not valid Unicode text: {error.reason}"
        raise InvalidDataError(message, path=what) from error
    if not 0 < size <= NAME_BYTES_MAX:
        message = f"must have 1 to {NAME_BYTES_MAX} bytes of UTF-8, it has {size}"
        raise InvalidDataError(message, path=what)
    return str.__str__(value)


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


def stamp(machine: AnyMachine) -> MachineStamp:
    """Return the mark that *machine* leaves on what it moves."""
    return MachineStamp(machine.name, machine.version, machine.fingerprint)


def as_data(machine: AnyMachine | None) -> AsData[Any]:
    """Return what turns stored data into what the user of *machine* sees.

    What it returns raises InvalidDataError for data that the machine's ``data_type`` refuses.
    """
    data_type = machine.data_type if machine is not None else None
    if data_type is None:
        return Payload.value

    def typed(payload: Payload) -> Any:
        # JSON has no type for some of what a dict may hold: such data is read as Python's own.
        return validated(data_type, payload.json if payload.is_json else payload.value())

    return typed


def data_payload(data: object, machine: AnyMachine | None = None) -> Payload:
    """Return the data that was given to a machine, or made by it, as it is stored.

    Raises:
        InvalidDataError: It cannot be stored, or is a model of another type than the machine's ``data_type``.
        DocumentTooLargeError: It is too large to be read again.
    """
    data_type = machine.data_type if machine is not None else None
    if data_type is not None and isinstance(data, BaseModel) and type(data) is not data_type:
        # A subclass, say: what it has beyond its base would be lost.
        message = f"must be a {data_type.__name__} or a dict, not a {type(data).__name__}"
        raise InvalidDataError(message, path="data")
    return Payload.of(normalize_data(data))


def fitting(target_of: TargetOf, typed: AsData[Any]) -> TargetOf:
    """Return *target_of* with its target's data checked by *typed*, which raises for what does not fit."""

    def checked(state: StateRecord | None) -> Target:
        target = target_of(state)
        if not (target.deleted or target.fits):
            typed(target.data)
        return target

    return checked


def check_dependencies(depends_on: object, state_id: str) -> tuple[str, ...]:
    """Return the ids in *depends_on* as plain text, each once, in order; those of a set are sorted.

    Raises:
        InvalidDataError: It is no iterable of ids.
        InvalidIdError: One of them cannot be an id.
        DependencyCycleError: *state_id* is among them.
    """
    # A str is an iterable of its letters, which is never what was meant.
    if isinstance(depends_on, str | bytes) or not isinstance(depends_on, Iterable):
        message = f"must be several ids, not one {type(depends_on).__name__}"
        raise InvalidDataError(message, path="depends_on")
    ids = tuple(dict.fromkeys(check_id(one, f"depends_on[{index}]") for index, one in enumerate(depends_on)))
    if isinstance(depends_on, AbstractSet):
        # A set has another order in every process, and the ids are part of what a key stands for.
        ids = tuple(sorted(ids))
    if state_id in ids:
        raise DependencyCycleError([state_id, state_id])
    return ids


def start_change(call: Call, machine: AnyMachine, data: object, depends_on: object = ()) -> Change:
    """Enter the machine's initial status; the state must not be there."""
    dependencies = check_dependencies(depends_on, call.paths.state_id)
    payload = data_payload(dict(data) if isinstance(data, Mapping) else data, machine)
    if machine.data_type is not None and not isinstance(data, BaseModel):
        # What the data type refuses is refused now, and its defaults are stored.
        payload = data_payload(as_data(machine)(payload), machine)
    mark, label = stamp(machine), call.schema_version or 1

    def target_of(_: StateRecord | None) -> Target:
        return Target(machine.initial, payload, None, label, machine=mark)

    request = Payload.of([payload.digest, list(dependencies)]) if dependencies else payload
    change = call.change("start", "start", Needs.ABSENT, target_of, request=request)
    return replace(change, machine=mark, depends_on=dependencies)


def transition_change(call: Call, machine: AnyMachine, action: str, payload: object, error: object) -> Change:
    """Move a state through *machine*; guards and reducers run on copies of what is read."""
    name = check_name(action, "action")
    wrapped, recorded = _payload_of(payload), _check_error(error)
    mark, typed = stamp(machine), as_data(machine)

    def target_of(state: StateRecord | None) -> Target:
        assert state is not None
        # Before guard and reducer: functions of one machine must not see the data of another.
        check_machine(state, mark)
        choice = machine.choose(state.status, name, lambda: state.data_as(typed), wrapped.value)
        last_error = state.last_error if isinstance(recorded, Keep) else recorded
        if choice.transition.apply is None:
            return Target(choice.target, state.data, last_error, state.schema_version, machine=mark)
        fits = machine.data_type is not None and isinstance(choice.data, BaseModel)
        data, label = data_payload(choice.data, machine), call.schema_version or 1
        return Target(choice.target, data, last_error, label, machine=mark, fits=fits)

    change = call.change("transition", name, Needs.LIVE, target_of, request=wrapped, payload=wrapped)
    return replace(change, machine=mark)


def status_change(call: Call, machine: AnyMachine, status: str, payload: object, error: object) -> Change:
    """Move a state to *status* by the one action of *machine* that leads there from where it is."""
    name = check_name(status, "status")
    wrapped = _payload_of(payload)
    _check_error(error)

    def target_of(state: StateRecord | None) -> Target:
        assert state is not None
        check_machine(state, stamp(machine))
        action = machine.action_to(state.status, name)
        target = transition_change(call, machine, action, payload, error).target_of(state)
        if target.status != name:
            reason = f"its guards lead to {target.status!r}, and not to {name!r}"
            raise TransitionNotAllowedError(state.status, action, machine.allowed(state.status), reason)
        return replace(target, action=action)

    request = Payload.of({"status": name, "payload": wrapped.digest})
    change = call.change("transition", "update_status", Needs.LIVE, target_of, request=request, payload=wrapped)
    return replace(change, machine=stamp(machine))


def _payload_of(payload: object) -> Payload:
    return Payload.of(normalize(payload, path="payload"), "payload")


def _check_error(error: object) -> str | Keep | None:
    if error is None or isinstance(error, Keep):
        return error
    if not isinstance(error, str):
        message = f"must be a str, None or KEEP, not {type(error).__name__}"
        raise InvalidDataError(message, path="error")
    text: str = normalize(str.__str__(error), path="error")
    return text


def check_machine(state: StateRecord, ours: MachineStamp) -> None:
    """Refuse a state that another machine drives, or a newer version of ours.

    Raises:
        MachineVersionError: It is.
    """
    # An older version of ours goes on: a definition that was extended takes over what it finds.
    stored = state.machine
    if stored is not None and (stored.name != ours.name or stored.version > ours.version):
        raise MachineVersionError(str(stored), str(ours))


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
    stored, wrapped, recorded = data_payload(data, machine), _payload_of(payload), _check_error(error)
    when = None if timestamp is None else check_time(timestamp, "timestamp")
    happened = None if occurred_at is None else check_time(occurred_at, "occurred_at")

    def target_of(state: StateRecord | None) -> Target:
        last_error = _kept_error(state) if isinstance(recorded, Keep) else recorded
        label = _kept_label(state) if call.schema_version is None else call.schema_version
        return Target(target, stored, last_error, label, machine=_kept_machine(state))

    # Without a payload, what a key stood for before there were any.
    request = Payload.of([target, stored.digest, *([] if wrapped == NULL else [wrapped.digest])])
    change = call.change("log", name, Needs.ANYTHING, target_of, request=request, payload=wrapped, timestamp=when)
    return replace(change, occurred_at=happened)


def check_time(value: object, what: str) -> datetime:
    """Return an aware datetime in UTC.

    Raises:
        InvalidDataError: It is naive, or no datetime.
    """
    if not isinstance(value, datetime):
        message = f"must be a datetime, not {type(value).__name__}"
        raise InvalidDataError(message, path=what)
    # Read as local time it would mean another moment on every host.
    return normal_time(value, what)


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
        machine = old.machine or state.machine
        return Target(old.status, old.data, old.last_error, old.schema_version, machine=machine, signals=old.signals)

    payload = Payload.of({"to_version": old.version})
    return call.change("rollback", "rollback", Needs.EVER, target_of, request=payload, payload=payload)
