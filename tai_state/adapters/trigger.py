"""A machine of transitions, run for a commit: ``moving`` says what that is, docs/adapters.md what runs when.

All callbacks of the library go through ``Machine.callbacks``, which tells by the list that it is given what they are.
"""

from __future__ import annotations

import copy
import itertools
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from transitions import Machine, MachineError
from transitions.extensions import HierarchicalMachine
from transitions.extensions.asyncio import AsyncMachine
from transitions.extensions.states import Timeout

from tai_state import ConfigurationError, TransitionNotAllowedError
from tai_state.adapters.moving import (
    EFFECTS,
    Definition,
    Outbox,
    Ran,
    arguments_of,
    attributes_of,
    called,
    digest_of,
    payload_of,
    restore,
)
from tai_state.machine import names_of, status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from transitions import EventData, State

_RUN: Final = "_tai_state_run"
"""The attribute of a model that says which run it is of; it is not stored."""


def check_machine(machine: object) -> None:
    """Refuse what is no machine of transitions that can be run before a commit.

    Raises:
        ConfigurationError: It is none, or an async one, or one of its states has a timeout.
    """
    if not isinstance(machine, Machine):
        message = f"machine must be a machine of transitions, not {machine!r}"
        raise ConfigurationError(message)
    if isinstance(machine, AsyncMachine):
        message = (
            "an async machine waits in the middle of a move; AsyncPersistedModel takes a Machine, and waits behind it"
        )
        raise ConfigurationError(message)
    for path, state in _states(machine):
        if isinstance(state, Timeout) and state.timeout:
            message = f"state {path!r} has a timeout, which ends with its process: use a persister's schedule"
            raise ConfigurationError(message)


class _Run:
    """What a run does with the callbacks of its model."""

    def __init__(self, machine: Machine, effects: frozenset[str]) -> None:
        self.executed = 0
        self.is_behind = False
        self.effects: list[Callable[[], object]] = []
        self.outbox = Outbox()
        self._machine = machine
        self._groups = effects
        self._under_way: set[int] = set()
        self._enters = {
            id(group)
            for _, state in _states(machine)
            for group in (state.on_enter, getattr(state, "on_final", None))
            if group is not None
        }

    def callbacks(self, functions: Iterable[Any], event_data: EventData) -> None:
        """Call callbacks, or keep them for behind the commit."""
        if self.is_behind:
            message = "a trigger would move a copy in memory: a persisted state is moved by fire(trigger, ...)"
            raise ConfigurationError(message)
        machine = self._machine
        if functions is machine.on_exception and event_data.error is not None:
            # Whatever it would do about it, nothing is written.
            raise event_data.error
        if self._group(functions, event_data) in self._groups:
            # The library goes on changing it.
            seen = copy.copy(event_data)
            self.effects += [partial(_call, machine, function, seen) for function in functions]
            return
        for function in functions:
            machine.callback(function, event_data)

    def _group(self, functions: Iterable[Any], event_data: EventData) -> str:
        machine = self._machine
        if functions is machine.finalize_event:
            return "after"
        if id(functions) in self._enters or functions is machine.on_final:
            return "enter"
        if not isinstance(functions, itertools.chain):
            return "before"
        # A transition chains the machine's callbacks and its own twice: before it changes the state, and after.
        transition = id(event_data.transition)
        if transition in self._under_way:
            self._under_way.discard(transition)
            return "after"
        self._under_way.add(transition)
        self.executed += 1
        return "before"


def _fired(run: _Run, trigger: str, native: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Take the trigger of a model: before the commit it is the library's, behind it one for the handle."""
    if not run.is_behind:
        return native(*args, **kwargs)
    run.outbox.put(trigger, payload_of(args, kwargs))
    return True


def _named(run: _Run, native: Callable[..., Any], trigger: str, *args: Any, **kwargs: Any) -> Any:
    return _fired(run, trigger, partial(native, trigger), *args, **kwargs)


def _call(machine: Machine, function: Any, event_data: EventData) -> object:
    """Call a callback as the library does, and return what it returns, which may have to be waited for."""
    function = machine.resolve_callable(function, event_data)
    return function(event_data) if machine.send_event else function(*event_data.args, **event_data.kwargs)


class TriggerDefinition(Definition):
    """A machine of transitions, as a ``Mover``."""

    refusals = (MachineError,)

    def __init__(
        self,
        machine: Machine,
        model: Callable[[], Any],
        *,
        name: str,
        version: int = 1,
        effects: Iterable[str] = EFFECTS,
    ) -> None:
        """Take a machine; see ``PersistedModel``.

        Raises:
            ConfigurationError: It cannot be one.
        """
        check_machine(machine)
        super().__init__(name, version, effects)
        self._machine = machine
        self._model = model
        self._nested = machine if isinstance(machine, HierarchicalMachine) else None
        self._lock = _listen(machine)
        with self._lock:
            # What the library does to a model, it does to the machine, too, the first time that it sees its class.
            _, self._given = self._made()
        self._names = [path for path, _ in _states(machine)]
        self._triggers = frozenset(machine.events) | frozenset(_nested_triggers(machine.states.values()))
        self.fingerprint = digest_of(_form(machine))

    def begin(self, data: dict[str, Any]) -> Ran:
        """Return a model in the initial state; the library calls nothing for that."""
        with self._lock:
            model, run = self._with(data)
            return self._ran(model, run)

    def run(self, status: str, data: dict[str, Any], action: str, payload: Any) -> Ran:
        """Return what *action* comes to."""
        if action not in self._triggers:
            reason = f"machine {self.name!r} has no such trigger"
            raise TransitionNotAllowedError(status, action, None, reason)
        args, kwargs = arguments_of(payload)
        with self._lock:
            model, run = self._in(status, data, action)
            if self._nested is not None:
                self._nested.trigger_event(model, action, *args, **kwargs)
            else:
                self._machine.events[action].trigger(model, *args, **kwargs)
            if not run.executed:
                reason = "no condition of its transitions holds"
                raise TransitionNotAllowedError(status, action, None, reason)
            return self._ran(model, run)

    def at(self, status: str, data: dict[str, Any]) -> Ran:
        """Return a model in *status*."""
        with self._lock:
            model, run = self._in(status, data, "load")
            run.is_behind = True
        return Ran(status, data, self._machine, model)

    def _made(self) -> tuple[Any, frozenset[str]]:
        """Return a new model, and the names that the library gave it."""
        model, machine = self._model(), self._machine
        before = frozenset(attributes_of(model, frozenset()))
        machine.add_model(model)
        # The machine is to hold no model of ours: there is a new one for each move.
        machine.models[:] = [one for one in machine.models if one is not model]
        return model, frozenset(attributes_of(model, before))

    def _with(self, data: dict[str, Any]) -> tuple[Any, _Run]:
        model, _ = self._made()
        run = _Run(self._machine, self.effects)
        own = vars(model)
        own[_RUN] = run
        restore(model, data, self._given | {self._machine.model_attribute})
        for trigger in self._given & self._triggers:
            own[trigger] = partial(_fired, run, trigger, own[trigger])
        if "trigger" in self._given:
            own["trigger"] = partial(_named, run, own["trigger"])
        return model, run

    def _in(self, status: str, data: dict[str, Any], action: str) -> tuple[Any, _Run]:
        names = set(names_of(status))
        self.check_known(sorted(names.difference(self._names)), status, action)
        model, run = self._with(data)
        # In the order of the definition, in which the library enters and leaves them.
        ordered = [name for name in self._names if name in names]
        if self._nested is None:
            self._machine.set_state(ordered[0], model)
        else:
            tree = self._nested.build_state_tree(ordered, self._nested.state_cls.separator)
            self._nested.set_state(_listed(tree, self._nested.state_cls.separator), model)
        return model, run

    def _ran(self, model: Any, run: _Run) -> Ran:
        run.is_behind = True
        machine = self._machine
        value = getattr(model, machine.model_attribute)
        if self._nested is None:
            names = [machine.get_state(value).name]
        else:
            separator = self._nested.state_cls.separator
            names = list(_leaves(self._nested.build_state_tree(value, separator), separator))
        data = attributes_of(model, self._given | {machine.model_attribute})
        return Ran(status_of(names), data, machine, model, run.effects, run.outbox)


_guard = threading.Lock()


def _listen(machine: Machine) -> threading.RLock:
    """Let the callbacks of models of ours come to their runs; return the lock under which the machine is used.

    Those of other models stay as they are. The machine of nested states is used by one thread at a time, and so is
    every one while a model is added.
    """
    with _guard:
        known = vars(machine).get("_tai_state_lock")
        if known is not None:
            return known  # type: ignore[no-any-return]
        theirs = machine.callbacks

        def callbacks(functions: Iterable[Any], event_data: EventData) -> None:
            run = getattr(event_data.model, "__dict__", {}).get(_RUN)
            if run is None:
                theirs(functions, event_data)
            else:
                run.callbacks(functions, event_data)

        lock = threading.RLock()
        vars(machine)["callbacks"] = callbacks
        vars(machine)["_tai_state_lock"] = lock
        return lock


def _states(machine: Machine) -> Iterator[tuple[str, State]]:
    """Yield every state with its full name, those within others behind them."""
    separator = machine.state_cls.separator if isinstance(machine, HierarchicalMachine) else ""

    def within(states: Iterable[Any], prefix: list[str]) -> Iterator[tuple[str, State]]:
        for state in states:
            path = [*prefix, state.name]
            yield separator.join(path), state
            yield from within(getattr(state, "states", {}).values(), path)

    yield from within(machine.states.values(), [])


def _nested_triggers(states: Iterable[Any]) -> Iterator[str]:
    for state in states:
        yield from getattr(state, "events", {})
        yield from _nested_triggers(getattr(state, "states", {}).values())


def _leaves(tree: dict[str, Any], separator: str, prefix: tuple[str, ...] = ()) -> Iterator[str]:
    for name, within in tree.items():
        path = (*prefix, name)
        if within:
            yield from _leaves(within, separator, path)
        else:
            yield separator.join(path)


def _listed(tree: dict[str, Any], separator: str, prefix: tuple[str, ...] = ()) -> Any:
    """Return a tree of states as the library writes it on a model: a name, or a list for what is parallel."""
    listed = [
        _listed(within, separator, (*prefix, name)) if within else separator.join((*prefix, name))
        for name, within in tree.items()
    ]
    return listed if len(listed) > 1 else listed[0]


def _form(machine: Machine) -> list[Any]:
    """Return the definition for its fingerprint: functions by their names alone."""
    flags = [str(machine.initial), machine.send_event, machine.has_queue, bool(machine.ignore_invalid_triggers)]
    groups = (machine.prepare_event, machine.before_state_change, machine.after_state_change)
    more = (machine.finalize_event, machine.on_final)
    calls = [[called(one) for one in group] for group in (*groups, *more)]
    states = [_state_form(path, state) for path, state in _states(machine)]
    return [flags, calls, states, _events_form(machine.events)]


def _state_form(path: str, state: Any) -> list[Any]:
    calls = [
        [called(one) for one in group] for group in (state.on_enter, state.on_exit, getattr(state, "on_final", []))
    ]
    within = _events_form(getattr(state, "events", {}))
    return [path, state.final, bool(state.ignore_invalid_triggers), str(getattr(state, "initial", None)), calls, within]


def _events_form(events: dict[str, Any]) -> list[Any]:
    return [
        [name, [_transition_form(one) for moves in event.transitions.values() for one in moves]]
        for name, event in events.items()
    ]


def _transition_form(transition: Any) -> list[Any]:
    conditions = [[called(one.func), one.target] for one in transition.conditions]
    groups = (transition.prepare, transition.before, transition.after)
    return [transition.source, transition.dest, conditions, [[called(one) for one in group] for group in groups]]
