"""python-statemachine: a machine that people already have, durable in a few lines.

``persisted(MyMachine, store)`` keeps its states in a store: start or load one by its ids, and fire its events by name.
What runs before the commit and what behind it, and what is stored, says docs/adapters.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from statemachine.callbacks import CallbackGroup

from tai_state import AsyncStateStore, InvalidMachineError, StateStore
from tai_state.adapters._async.persisted import AsyncPersistedMachine, AsyncPersistedMachines
from tai_state.adapters._sync.persisted import PersistedMachine, PersistedMachines
from tai_state.adapters.flat_form import Row, machine_of
from tai_state.adapters.moving import EFFECTS
from tai_state.adapters.statechart import StatechartDefinition, check_class, names_in
from tai_state.machine import MachineProblem, status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from statemachine import StateChart
    from statemachine.state import State

    from tai_state import Machine, PersistenceConfig

__all__ = [
    "AsyncPersistedMachine",
    "AsyncPersistedMachines",
    "PersistedMachine",
    "PersistedMachines",
    "StatechartDefinition",
    "machine_from",
    "persisted",
]


@overload
def persisted(
    machine: type[StateChart[Any]],
    store: StateStore,
    *,
    model: Callable[[], Any] | None = None,
    make: Callable[..., StateChart[Any]] | None = None,
    name: str | None = None,
    version: int = 1,
    effects: Iterable[str] = EFFECTS,
    config: PersistenceConfig | None = None,
) -> PersistedMachines: ...


@overload
def persisted(
    machine: type[StateChart[Any]],
    store: AsyncStateStore,
    *,
    model: Callable[[], Any] | None = None,
    make: Callable[..., StateChart[Any]] | None = None,
    name: str | None = None,
    version: int = 1,
    effects: Iterable[str] = EFFECTS,
    config: PersistenceConfig | None = None,
) -> AsyncPersistedMachines: ...


def persisted(
    machine: type[StateChart[Any]],
    store: StateStore | AsyncStateStore,
    *,
    model: Callable[[], Any] | None = None,
    make: Callable[..., StateChart[Any]] | None = None,
    name: str | None = None,
    version: int = 1,
    effects: Iterable[str] = EFFECTS,
    config: PersistenceConfig | None = None,
) -> PersistedMachines | AsyncPersistedMachines:
    """Keep the states of *machine*, a class of python-statemachine, in *store*; in the store's colour.

    Args:
        model: Makes a model, whose attributes are the data; without one the machine's own are.
        make: Makes a machine with a model, where the class alone does not: ``lambda model: Order(model, mailer)``.
        name: What the machine is called in the store; the name of its class if not given.
        version: To be raised when the definition changes in a way that an older process must not go on with.
        effects: Which callbacks are called behind the commit, once: "enter" and "after", or one of them.

    Raises:
        ConfigurationError: It is no such class, or uses what cannot be done before a commit: delayed events,
            ``invoke``, async guards.
    """
    definition = StatechartDefinition(machine, model=model, make=make, name=name, version=version, effects=effects)
    if isinstance(store, AsyncStateStore):
        return AsyncPersistedMachines(definition, store, config)
    return PersistedMachines(definition, store, config)


def machine_from(machine: type[StateChart[Any]], *, name: str | None = None, version: int = 1) -> Machine[Any]:
    """Return a class of python-statemachine as a ``Machine``, to be checked and drawn.

    Guards have their names, and cannot run.

    Raises:
        InvalidMachineError: Something of it has no place in a machine; each is named.
    """
    check_class(machine)
    states = list(machine.states_map.values())
    problems = [problem for state in states for problem in _misfits(state)]
    if problems:
        raise InvalidMachineError(problems)
    rows = [row for state in states if state.is_atomic for row in _rows(state)]
    initial = next(state for state in states if state.initial and state.parent is None)
    final = [state.id for state in states if state.final and state.parent is None]
    return machine_of(name or machine.__name__, version, _status(_entered(initial)), rows, final or None)


def _status(state: State) -> str:
    """Return the status of an innermost state, as it is stored: with those around it."""
    return status_of([state.id, *(outer.id for outer in state.ancestors())])


def _entered(state: State) -> State:
    while state.is_compound:
        state = next(inner for inner in state.states if inner.initial)
    return state


def _misfits(state: State) -> Iterator[MachineProblem]:
    place = f"state {state.id!r}"
    if state.parallel:
        yield MachineProblem("shape", f"{place} is parallel: a machine has one status at a time", place)
    if state.history:
        yield MachineProblem("shape", f"{place} has a history: a machine has no memory beside its data", place)
    for transition in state.transitions:
        if transition.initial:
            continue
        if transition.is_eventless:
            yield MachineProblem("shape", f"{place} has a transition without an event", place)
        if len(transition.targets) > 1:
            yield MachineProblem("shape", f"{place} has a transition to several states at once", place)
        if transition.internal and state.is_compound:
            yield MachineProblem("shape", f"{place} has an internal transition, which leaves what is in it", place)
        for event in map(str, transition.events):
            if event.startswith(_BY_ITSELF):
                yield MachineProblem("shape", f"{place} has event {event!r}, which nobody asks for", place)


_BY_ITSELF = ("done.", "done_state_", "done_invoke_", "error.", "error_")


def _rows(state: State) -> Iterator[Row]:
    """Yield the transitions of an innermost state, and behind them those of the states around it."""
    # What has no guard leaves nothing to those around it.
    closed: set[str] = set()
    for source in (state, *state.ancestors()):
        for transition in source.transitions:
            if transition.initial:
                continue
            names = names_in(transition, CallbackGroup.VALIDATOR) + names_in(transition, CallbackGroup.COND)
            guard = " and ".join(names) or None
            target = state if transition.target is None else _entered(transition.target)
            for event in map(str, transition.events):
                if event not in closed:
                    yield Row(event, _status(state), _status(target), guard)
            closed |= set() if guard else set(map(str, transition.events))
