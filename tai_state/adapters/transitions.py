"""transitions: a machine that people already have, durable in a few lines.

``PersistedModel(machine, store, Matter)`` keeps models of a machine in a store: start or load one by its ids, and fire
its triggers by name. ``Machine`` and ``HierarchicalMachine``, with their nested and parallel states. What runs before
the commit and what behind it, and what is stored, says docs/adapters.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tai_state import ConfigurationError, InvalidMachineError
from tai_state.adapters._async.persisted import AsyncPersistedMachine, AsyncPersistedMachines
from tai_state.adapters._sync.persisted import PersistedMachine, PersistedMachines
from tai_state.adapters.flat_form import Row, machine_of
from tai_state.adapters.moving import EFFECTS, called
from tai_state.adapters.nested import Nested
from tai_state.adapters.trigger import TriggerDefinition, check_machine
from tai_state.machine import MachineProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from transitions import Machine as TheirMachine

    from tai_state import AsyncStateStore, Machine, PersistenceConfig, StateStore

__all__ = [
    "AsyncPersistedMachine",
    "AsyncPersistedModel",
    "PersistedMachine",
    "PersistedModel",
    "TriggerDefinition",
    "machine_from",
]


class PersistedModel(PersistedMachines):
    """Models of a machine of transitions, in a store."""

    def __init__(
        self,
        machine: TheirMachine,
        store: StateStore,
        model: Callable[[], Any],
        *,
        name: str | None = None,
        version: int = 1,
        effects: Iterable[str] = EFFECTS,
        config: PersistenceConfig | None = None,
    ) -> None:
        """Keep models of *machine* in *store*.

        Args:
            machine: It may have other models, which stay as they are; ``Machine(model=None, ...)`` has none.
            model: Makes a model: its class, or ``lambda: Matter(mailer)``. Its attributes are the data.
            name: What the machine is called in the store; its own name, or that of the class, if not given.
            version: To be raised when the definition changes in a way that an older process must not go on with.
            effects: Which callbacks are called behind the commit, once: "enter" and "after", or one of them.

        Raises:
            ConfigurationError: It is no such machine, an async one, or one whose states have timeouts.
        """
        super().__init__(definition_of(machine, model, name, version, effects), store, config)


class AsyncPersistedModel(AsyncPersistedMachines):
    """Models of a machine of transitions, in an async store; what is called behind the commit may be async."""

    def __init__(
        self,
        machine: TheirMachine,
        store: AsyncStateStore,
        model: Callable[[], Any],
        *,
        name: str | None = None,
        version: int = 1,
        effects: Iterable[str] = EFFECTS,
        config: PersistenceConfig | None = None,
    ) -> None:
        """Keep models of *machine* in *store*; see ``PersistedModel``."""
        super().__init__(definition_of(machine, model, name, version, effects), store, config)


def definition_of(
    machine: TheirMachine, model: Callable[[], Any], name: str | None, version: int, effects: Iterable[str]
) -> TriggerDefinition:
    """Return *machine* as a ``Mover``.

    Raises:
        ConfigurationError: It cannot be one, or nothing says what it is called.
    """
    check_machine(machine)
    known = name or machine.name.removesuffix(": ") or getattr(model, "__name__", "")
    if not known or known == "<lambda>":
        message = "name is needed: neither the machine nor what makes its models has one"
        raise ConfigurationError(message)
    return TriggerDefinition(machine, model, name=known, version=version, effects=effects)


def machine_from(machine: TheirMachine, *, name: str | None = None, version: int = 1) -> Machine[Any]:
    """Return a machine of transitions as a ``Machine``, to be checked and drawn; ``to_...`` triggers are left out.

    Conditions have their names, and cannot run.

    Raises:
        ConfigurationError: It is no such machine.
        InvalidMachineError: Something of it has no place in a machine; each is named.
    """
    check_machine(machine)
    problems = [*_misfits(machine)]
    if problems:
        raise InvalidMachineError(problems)
    nested = Nested(machine)
    rows = [row for path in nested.rests() for row in _rows(nested, path)]
    final = [nested.name(path) for path in nested.rests() if nested.state(path).final]
    known = name or machine.name.removesuffix(": ") or "machine"
    initial = nested.name(nested.entered(nested.path(str(machine.initial))))
    return machine_of(known, version, initial, rows, final or None)


def _misfits(machine: TheirMachine) -> Iterator[MachineProblem]:
    nested = Nested(machine)
    for path in nested.paths:
        if len(nested.initial(path)) > 1:
            place = f"state {nested.name(path)!r}"
            yield MachineProblem("shape", f"{place} is parallel: a machine has one status at a time", place)
    if not isinstance(machine.initial, str):
        yield MachineProblem("shape", f"initial is {machine.initial!r}: a machine begins in one status", "initial")


def _is_auto(machine: TheirMachine, trigger: str, names: frozenset[str]) -> bool:
    prefix = "to_" if machine.model_attribute == "state" else f"to_{machine.model_attribute}_"
    return machine.auto_transitions and trigger.startswith(prefix) and trigger.removeprefix(prefix) in names


def _rows(nested: Nested, path: tuple[str, ...]) -> Iterator[Row]:
    """Yield the transitions of a state where the library rests, and behind them those of the states around it."""
    # What has no condition leaves nothing to those around it.
    closed: set[str] = set()
    names = frozenset(map(nested.name, nested.paths))
    for trigger, transition, target in nested.transitions(path):
        if trigger in closed or _is_auto(nested.machine, trigger, names):
            continue
        guards = [("" if one.target else "not ") + called(one.func) for one in transition.conditions]
        yield Row(trigger, nested.name(path), nested.name(target), " and ".join(guards) or None)
        if not guards:
            closed.add(trigger)
