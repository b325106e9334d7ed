"""How a state begins: in its machine's initial status, or where a machine that is not ours says."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from tai_state.codec import EMPTY, NULL, Payload
from tai_state.errors import DependencyCycleError, InvalidDataError
from tai_state.layout import check_id
from tai_state.machine import ForeignMachine
from tai_state.rules.commits.change import Change, Needs, Target
from tai_state.rules.commits.kinds import AnyMachine, Call, as_data, data_payload, stamp
from tai_state.rules.records.record import StateRecord
from tai_state.typed import is_model


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
    request = Payload.of([payload.digest, list(dependencies)]) if dependencies else payload
    if isinstance(machine, ForeignMachine):
        return _foreign_start(call, machine, payload, request, dependencies)
    initial = machine.initial

    def target_of(_: StateRecord | None) -> Target:
        return Target(initial, payload, None, label, machine=mark)

    return call.change(
        "start", "start", Needs.ABSENT, target_of, request=request, machine=mark, depends_on=dependencies
    )


def _foreign_start(
    call: Call, machine: ForeignMachine, given: Payload, request: Payload, depends_on: tuple[str, ...]
) -> Change:
    """Enter the status where *machine* says that a state begins; its event keeps the data that was given."""
    mark, label = stamp(machine), call.schema.version if call.schema is not None else 1

    def target_of(_: StateRecord | None) -> Target:
        entered = machine.enter(given.value())
        return Target(entered.target, data_payload(entered.data), None, label, machine=mark)

    change = call.change(
        "start",
        "start",
        Needs.ABSENT,
        target_of,
        request=request,
        payload=NULL if given == EMPTY else given,
        machine=mark,
        depends_on=depends_on,
    )
    return replace(change, looks_first=call.idempotency_key is not None)
