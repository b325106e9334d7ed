"""The kinds of change that a machine makes: what each request needs, and what it makes of the state it finds."""

from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from types import NoneType
from typing import Any

from tai_state.authors import Author
from tai_state.codec import NULL, Payload
from tai_state.conversion import normalize, normalize_data
from tai_state.errors import (
    InvalidDataError,
    MachineVersionError,
    TransitionNotAllowedError,
)
from tai_state.layout import StateLayout, check_id
from tai_state.machine import ForeignMachine, Machine
from tai_state.models import Keep
from tai_state.rules.commits.change import Change, Needs, Notice, Target, TargetOf
from tai_state.rules.history.upcasting import Place, Schema
from tai_state.rules.records.arguments import plain_version
from tai_state.rules.records.record import AsData, MachineStamp, StateRecord, stamp_of
from tai_state.typed import is_model, validated

NAME_BYTES_MAX = 480
PASSES = "force=True with a reason passes"
AnyMachine = Machine[Any] | ForeignMachine


class Call:
    """What every request has, checked."""

    __slots__ = (
        "author",
        "expected_status",
        "expected_version",
        "force",
        "idempotency_key",
        "notice",
        "paths",
        "schema",
    )

    def __init__(
        self,
        paths: StateLayout,
        author: Author,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
        *,
        schema: Schema | None = None,
        expected_status: str | None = None,
        force: bool = False,
        notice: Notice | None = None,
    ) -> None:
        """Refuse a version, a status or a key that cannot be one, and force without a reason."""
        self.paths = paths
        self.author = author
        self.expected_version = expected_version
        self.idempotency_key = idempotency_key
        self.schema = schema
        self.expected_status = expected_status
        self.force = force
        self.notice = notice
        if expected_version is not None:
            self.expected_version = plain_version(expected_version, "expected_version")
        # "" is the status of states that were never given one.
        if expected_status is not None and expected_status != "":
            self.expected_status = check_name(expected_status, "expected_status")
        if force is not False:
            _check_force(force, author)
        if idempotency_key is not None:
            # As plain text: a subclass (a StrEnum member, say) would be stored by some engines only.
            self.idempotency_key = check_id(idempotency_key, "idempotency_key")

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


# Of exactly this type alone: 1 == True == 1.0 must not meet in a cache, and a subclass is to become plain text.
_checked_action = lru_cache(maxsize=1024)(check_name)


def stamp(machine: AnyMachine) -> MachineStamp:
    """Return the mark that *machine* leaves on what it moves."""
    return stamp_of(machine.name, machine.version, machine.fingerprint)


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


def transition_change(call: Call, machine: AnyMachine, action: str, payload: object, error: object) -> Change:
    """Move a state through *machine*; guards and reducers run on copies of what is read."""
    name = _checked_action(action, "action") if type(action) is str else check_name(action, "action")
    given = NULL if payload is None else payload_of(payload)
    move = _Move(call, machine, name, given, error if isinstance(error, Keep) else checked_error(error))
    return Change(
        paths=call.paths,
        kind="transition",
        action=name,
        payload=given,
        needs=Needs.LIVE,
        target_of=move.target,
        author=call.author,
        request=given,
        expected_version=call.expected_version,
        idempotency_key=call.idempotency_key,
        schema=call.schema,
        machine=move.mark,
        expected_status=call.expected_status,
        force=call.force,
        notice=call.notice,
        looks_first=type(machine) is ForeignMachine and call.idempotency_key is not None,
    )


def status_change(call: Call, machine: AnyMachine, status: str, payload: object, error: object) -> Change:
    """Move a state to *status* by the one action of *machine* that leads there from where it is."""
    name = check_name(status, "status")
    given, recorded = payload_of(payload), checked_error(error)

    def target_of(state: StateRecord | None) -> Target:
        assert state is not None
        mark = stamp(machine)
        _check_mover(call, state, mark)
        action = machine.action_to(state.status, name)
        target = _Move(call, machine, action, given, recorded).target(state)
        if target.status != name:
            reason = f"its guards lead to {target.status!r}, and not to {name!r}"
            raise TransitionNotAllowedError(state.status, action, machine.allowed(state.status), reason)
        return replace(target, action=action)

    request = Payload.of({"status": name, "payload": given.digest})
    return call.change(
        "transition", "update_status", Needs.LIVE, target_of, request=request, payload=given, machine=stamp(machine)
    )


class _Move:
    """A move through a machine, with what came with the call: checked and copied once, whatever becomes of it since."""

    __slots__ = ("_action", "_call", "_error", "_machine", "_payload", "mark")

    def __init__(
        self, call: Call, machine: AnyMachine, action: str, payload: Payload, error: str | Keep | None
    ) -> None:
        self._call = call
        self._machine = machine
        self._action = action
        self._payload = payload
        self._error = error
        self.mark = stamp_of(machine.name, machine.version, machine.fingerprint)

    def target(self, state: StateRecord | None) -> Target:
        """Return what the move makes of *state*, seen by nobody else: guards and reducers run on copies."""
        assert state is not None
        machine, mark, schema, error = self._machine, self.mark, self._call.schema, self._error
        if state.machine is not mark:
            _check_mover(self._call, state, mark)
        seen = state if schema is None or state.schema_version == schema.version else schema.seen(state)
        data = seen.data.value if machine.data_type is None else partial(seen.data_as, as_data(machine))
        # NoneType gives None: most moves have no payload.
        payload = NoneType if self._payload is NULL else self._payload.value
        choice = machine.choose(state.status, self._action, data, payload)
        last_error = state.last_error if isinstance(error, Keep) else error
        taken = choice.transition
        if taken is not None and taken.apply is None:
            return Target(choice.target, state.data, last_error, state.schema_version, machine=mark)
        label = schema.version if schema is not None else 1
        if type(choice.data) is dict:
            return Target(choice.target, Payload.given(choice.data), last_error, label, machine=mark)
        fits = machine.data_type is not None and is_model(choice.data)
        made = data_payload(choice.data, machine)
        return Target(choice.target, made, last_error, label, machine=mark, fits=fits)


def _check_mover(call: Call, state: StateRecord, mark: MachineStamp) -> None:
    """Look before guard and reducer who moved the state: functions of one machine must not see another's data.

    Raises:
        MachineVersionError: Another machine, or a newer version of ours.
    """
    check_machine(state, mark)
    if call.notice is not None and is_redefined(state.machine, mark):
        call.notice(state, mark)


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
