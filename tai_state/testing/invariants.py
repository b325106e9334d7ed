"""What a caller says must always hold of a state, and what a machine decides: shared by the tools that try machines."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from tai_state.codec import Payload
from tai_state.errors import ConfigurationError
from tai_state.machine import Machine
from tai_state.machine.transition import Transition
from tai_state.rules.commits.kinds import as_data, data_payload, payload_of

Invariant: TypeAlias = Callable[[Any], bool]
"""Takes what has ``status``, ``data`` and ``version``, and returns whether all is well."""

Invariants: TypeAlias = Mapping[str, Invariant] | Iterable[Invariant]


class Moved(NamedTuple):
    """What a move makes: the status, the data as it is stored, and the transition that won."""

    status: str
    data: Payload
    transition: Transition[Any] | None


def check_machine(machine: object, what: str) -> "Machine[Any]":
    """Return *machine*.

    Raises:
        ConfigurationError: It is no machine; a mover's statuses and actions are its own.
    """
    if not isinstance(machine, Machine):
        message = f"{what} needs a Machine, whose statuses and actions are known, not {type(machine).__name__}"
        raise ConfigurationError(message)
    return machine


def check_actions(machine: "Machine[Any]", payloads: Mapping[str, object]) -> None:
    """Refuse payloads for an action that *machine* does not have.

    Raises:
        ConfigurationError: Names those it has.
    """
    for action in payloads:
        if action not in machine.actions:
            known = ", ".join(map(repr, machine.actions)) or "none"
            message = f"payloads: machine {machine.name!r} has no action {action!r}; it has {known}"
            raise ConfigurationError(message)


def named_invariants(invariants: Invariants) -> dict[str, Invariant]:
    """Return *invariants* by name: that of the function where none is given.

    Raises:
        ConfigurationError: One is no function, or two have one name.
    """
    given: Any = invariants
    pairs: list[tuple[str, Any]]
    if isinstance(given, Mapping):
        pairs = list(given.items())
    else:
        pairs = [(getattr(one, "__name__", type(one).__name__), one) for one in given]
    for name, one in pairs:
        if not callable(one):
            message = f"invariants: {name!r} is no function"
            raise ConfigurationError(message)
    named = dict(pairs)
    if len(named) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        message = f"invariants: two are called {twice!r}; name them: {{'name': function}}"
        raise ConfigurationError(message)
    return named


def broken(name: str, invariant: Invariant, state: object) -> str | None:
    """Return how *state* breaks an invariant: "" where it says no more than that; None where it holds.

    Raises:
        ConfigurationError: It answered with anything but a bool: one that forgot its return would always hold.
    """
    try:
        answer: object = invariant(state)
    except AssertionError as error:
        return str(error)
    if not isinstance(answer, bool):
        message = f"invariant {name!r} returned a {type(answer).__name__}; it must return a bool"
        raise ConfigurationError(message)
    return None if answer else ""


def stored(machine: "Machine[Any]", data: object) -> Payload:
    """Return *data* as a store of this machine's states holds it.

    Raises:
        InvalidDataError: It cannot be stored, or does not fit the machine's ``data_type``.
    """
    payload = data_payload(data, machine)
    if machine.data_type is not None:
        shown(machine, payload)
    return payload


def shown(machine: "Machine[Any]", data: Payload) -> Any:
    """Return stored *data* as the machine's functions and its readers take it: a copy of its own."""
    return as_data(machine)(data)


def moved(machine: "Machine[Any]", status: str, data: Payload, action: str, payload: object) -> Moved:
    """Return what *action* makes of a state, by the machine's pure decision alone.

    What a guard or apply raises passes through.

    Raises:
        TransitionNotAllowedError: There is no such move, or the guards refuse.
        InvalidDataError: What it makes cannot be stored.
    """
    choice = machine.choose(status, action, partial(shown, machine, data), payload_of(payload).value)
    return Moved(choice.target, stored(machine, choice.data), choice.transition)
