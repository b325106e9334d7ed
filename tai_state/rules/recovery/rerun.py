"""Run a machine again over recorded moves: a log that says something else was not made by it."""

from typing import Any

from tai_state.codec import Payload
from tai_state.errors import InvalidDataError, InvalidMachineError, MoverError, TransitionNotAllowedError
from tai_state.machine import Choice, ForeignMachine
from tai_state.rules.commits.kinds import AnyMachine, as_data, data_payload, stamp
from tai_state.rules.history.packed import Move
from tai_state.rules.history.replay import Rerun, no_rerun
from tai_state.rules.history.upcasting import Schema
from tai_state.rules.records.erased import is_erased
from tai_state.rules.records.record import EventRecord, MachineStamp, stored_data

_MOVES = frozenset({"transition", "reaction"})
_REFUSED = (TransitionNotAllowedError, InvalidDataError, InvalidMachineError, MoverError)


def rerun_of(machine: AnyMachine | None, schema: Schema | None = None) -> Rerun:
    """Return the check of one event against *machine*; events of other machines and kinds pass.

    Where *schema* has upcasters, its functions take data of its version: what was made of another one, or of which
    another one was made, passes too.

    What it returns raises StoredDataError for data that the machine's ``data_type`` refuses.
    """
    # Without a machine there is nothing to hold the log against but itself.
    if machine is None:
        return no_rerun
    mark, typed = stamp(machine), as_data(machine)
    only = schema.version if schema is not None and schema.upcasters else None
    left = _Left()

    def rerun(event: EventRecord | Move, before_version: int) -> str | None:
        # An upcaster may have been mended since: it is no proof of what was made then.
        if only is not None and not (event.schema_version == before_version == only):
            return None
        if event.kind == "start" and event.machine == mark:
            return _start_defect(machine, event, mark)
        if not _is_ours(event, mark):
            return None
        assert event.from_status is not None

        def before() -> Any:
            if typed is Payload.value:
                return left.take(event.from_state)
            ids = (event.governor_id, event.state_id)
            return stored_data(typed, event.from_state, *ids, event.version - 1)

        try:
            choice = machine.choose(event.from_status, event.action, before, event.payload.value)
            is_made = left.is_copied(event.to_state, choice) or _is_made(choice, event, machine)
        except _REFUSED as error:
            return f"machine {mark} refuses it: {error}"
        if choice.target != event.to_status or not is_made:
            return f"machine {mark} makes {choice.target!r} of it, and other data or another status is recorded"
        return None

    return rerun


def _start_defect(machine: AnyMachine, event: EventRecord | Move, mark: MachineStamp) -> str | None:
    """Return why *machine* did not start a state as *event* says; None where it did."""
    if not isinstance(machine, ForeignMachine):
        return None if event.to_status == machine.initial else f"machine {mark} starts in {machine.initial!r}"
    if is_erased(event):
        return None
    try:
        entered = machine.enter(event.payload.value() or {})
        is_made = data_payload(entered.data) == event.to_state
    except _REFUSED as error:
        return f"machine {mark} refuses it: {error}"
    if entered.target != event.to_status or not is_made:
        return f"machine {mark} starts in {entered.target!r}, and other data or another status is recorded"
    return None


class _Left:
    """The data that the event before was held against, which nobody else has: the next event begins with it."""

    def __init__(self) -> None:
        self._payload: Payload | None = None
        self._copy: Any = None

    def is_copied(self, payload: Payload, choice: Choice[Any]) -> bool:
        """Whether a glance tells that a move has made the data in *payload*; then a copy of it is kept."""
        is_plain = not _keeps_data(choice) and type(choice.data) is dict
        self._copy = payload.copy_of(choice.data) if is_plain else None
        self._payload = payload
        return self._copy is not None

    def take(self, payload: Payload) -> Any:
        """Return the data in *payload*, which nobody else has."""
        copy, self._copy = self._copy, None
        return payload.value() if copy is None or self._payload is not payload else copy


def _is_ours(event: EventRecord | Move, mark: MachineStamp) -> bool:
    """Whether an event is a move of our machine that can be made again.

    What another machine or version made is not ours to judge; neither is what was decided elsewhere. Of what was erased
    nothing is left to run it on.
    """
    if event.machine is not mark and event.machine != mark:
        return False
    return event.kind in _MOVES and event.from_status is not None and not is_erased(event)


def _keeps_data(choice: Choice[Any]) -> bool:
    """Whether a move leaves the data as it was."""
    return choice.transition is not None and choice.transition.apply is None


def _is_made(choice: Choice[Any], event: EventRecord | Move, machine: AnyMachine) -> bool:
    """Whether the data that *event* recorded is what *choice* makes."""
    if _keeps_data(choice):
        return event.to_state == event.from_state
    made = data_payload(choice.data, machine)
    if made == event.to_state:
        return True
    if machine.data_type is None:
        return False
    # An earlier release may have stored the same model in another way, the computed fields with it.
    ids = (event.governor_id, event.state_id)
    return made == data_payload(stored_data(as_data(machine), event.to_state, *ids, event.version), machine)
