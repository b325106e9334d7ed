"""The kinds of change that a machine makes: what each request needs, and what it makes of the state it finds."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tai_state.authors import Author
from tai_state.codec import NULL, Payload
from tai_state.conversion import normalize, normalize_data
from tai_state.errors import (
    DependencyCycleError,
    InvalidDataError,
    MachineVersionError,
    TransitionNotAllowedError,
)
from tai_state.layout import StateLayout, check_id
from tai_state.machine import Machine
from tai_state.models import Keep
from tai_state.rules.commits.change import Change, Needs, Notice, Target, TargetOf
from tai_state.rules.history.upcasting import Place, Schema
from tai_state.rules.records.arguments import plain_version
from tai_state.rules.records.record import AsData, MachineStamp, StateRecord
from tai_state.typed import is_model, validated

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
    schema: Schema | None = None
    expected_status: str | None = None
    force: bool = False
    notice: Notice | None = None

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
        occurred_at: datetime | None = None,
        machine: MachineStamp | None = None,
        depends_on: tuple[str, ...] | None = None,
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
            occurred_at=occurred_at,
            schema=self.schema,
            machine=machine,
            depends_on=depends_on,
            expected_status=self.expected_status,
            force=self.force,
            notice=self.notice,
        )


def _check_force(force: object, author: Author) -> None:
    if force is not True:
        message = f"must be a bool, not {force!r}"
        raise InvalidDataError(message, path="force")
    if not author.reason.strip():
        message = "force=True needs one: metadata=ChangeMetadata(changed_by=..., reason=...), or a change_context"
        raise InvalidDataError(message, path="metadata.reason")


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
    if data_type is not None and is_model(data) and type(data) is not data_type:
        # A subclass, say: what it has beyond its base would be lost.
        message = f"must be a {data_type.__name__} or a dict, not a {type(data).__name__}"
        raise InvalidDataError(message, path="data")
    return Payload.given(data) if isinstance(data, dict) else Payload.of(normalize_data(data))


def fitting(change: Change, typed: AsData[Any]) -> Change:
    """Return *change* with its target's data checked: *typed* raises for what does not fit its reader's schema."""
    target_of, schema = change.target_of, change.schema

    def checked(state: StateRecord | None) -> Target:
        target = target_of(state)
        if not (target.deleted or target.fits):
            data = target.data
            if schema is not None and target.schema_version != schema.version:
                at = Place(change.paths.governor_id, change.paths.state_id, state.version if state else None)
                data = schema.upcast(data, target.schema_version, at)
            typed(data)
        return target

    return replace(change, target_of=checked)


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
    if machine.data_type is not None and not is_model(data):
        # What the data type refuses is refused now, and its defaults are stored.
        payload = data_payload(as_data(machine)(payload), machine)
    mark, label = stamp(machine), call.schema.version if call.schema is not None else 1

    def target_of(_: StateRecord | None) -> Target:
        return Target(machine.initial, payload, None, label, machine=mark)

    request = Payload.of([payload.digest, list(dependencies)]) if dependencies else payload
    return call.change(
        "start", "start", Needs.ABSENT, target_of, request=request, machine=mark, depends_on=dependencies
    )


def transition_change(call: Call, machine: AnyMachine, action: str, payload: object, error: object) -> Change:
    """Move a state through *machine*; guards and reducers run on copies of what is read."""
    name = check_name(action, "action")
    given = NULL if payload is None else payload_of(payload)
    move = _Move(call, machine, given, error if isinstance(error, Keep) else checked_error(error))

    def target_of(state: StateRecord | None) -> Target:
        return move.target(move.checked(state), name)

    return move.change(name, target_of, move.payload)


def status_change(call: Call, machine: AnyMachine, status: str, payload: object, error: object) -> Change:
    """Move a state to *status* by the one action of *machine* that leads there from where it is."""
    name = check_name(status, "status")
    move = _Move(call, machine, payload_of(payload), checked_error(error))

    def target_of(state: StateRecord | None) -> Target:
        found = move.checked(state)
        action = machine.action_to(found.status, name)
        target = move.target(found, action)
        if target.status != name:
            reason = f"its guards lead to {target.status!r}, and not to {name!r}"
            raise TransitionNotAllowedError(found.status, action, machine.allowed(found.status), reason)
        return replace(target, action=action)

    return move.change("update_status", target_of, Payload.of({"status": name, "payload": move.payload.digest}))


class _Move:
    """A move through a machine, with what came with the call: checked and copied once, whatever becomes of it since."""

    def __init__(self, call: Call, machine: AnyMachine, payload: Payload, error: str | Keep | None) -> None:
        self.payload = payload
        self._call = call
        self._machine = machine
        self._error = error
        self._mark = stamp(machine)
        self._typed = as_data(machine)

    def change(self, action: str, target_of: TargetOf, request: Payload) -> Change:
        return self._call.change(
            "transition", action, Needs.LIVE, target_of, request=request, payload=self.payload, machine=self._mark
        )

    def checked(self, state: StateRecord | None) -> StateRecord:
        """Return the state, before guard and reducer: functions of one machine must not see the data of another."""
        assert state is not None
        check_machine(state, self._mark)
        if self._call.notice is not None and is_redefined(state.machine, self._mark):
            self._call.notice(state, self._mark)
        return state

    def target(self, state: StateRecord, action: str) -> Target:
        machine, schema = self._machine, self._call.schema
        is_current = schema is None or state.schema_version == schema.version
        seen = state if schema is None or is_current else schema.seen(state)
        choice = machine.choose(state.status, action, lambda: seen.data_as(self._typed), self.payload.value)
        last_error = state.last_error if isinstance(self._error, Keep) else self._error
        if choice.transition.apply is None:
            return Target(choice.target, state.data, last_error, state.schema_version, machine=self._mark)
        fits = machine.data_type is not None and is_model(choice.data)
        data, label = data_payload(choice.data, machine), schema.version if schema is not None else 1
        return Target(choice.target, data, last_error, label, machine=self._mark, fits=fits)


def payload_of(payload: object) -> Payload:
    """Return what comes with an action as it is stored.

    Raises:
        InvalidDataError: It cannot be.
    """
    return NULL if payload is None else Payload.given(payload, "payload")


def checked_error(error: object) -> str | Keep | None:
    """Return the error that a change records: plain text, None to clear it, or KEEP.

    Raises:
        InvalidDataError: It is none of these.
    """
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


def is_redefined(stored: MachineStamp | None, ours: MachineStamp) -> bool:
    """Whether a state was moved by another definition of our machine, under the version that we have, too."""
    return (
        stored is not None
        and stored.fingerprint != ours.fingerprint
        and (stored.name, stored.version) == (ours.name, ours.version)
    )
