"""A class of python-statemachine, run for a commit: ``moving`` says what that is, docs/adapters.md what runs when.

It leans on parts of the library that are not public, for which it has no other place: how callbacks are kept, and which
engine a machine has. They are the same in all of its releases 3, which the extra names.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from statemachine import StateChart
from statemachine.callbacks import CallbackGroup
from statemachine.engines.sync import SyncEngine
from statemachine.exceptions import TransitionNotAllowed
from statemachine.model import Model
from statemachine.orderedset import OrderedSet
from statemachine.state import InstanceState

from tai_state import (
    ConfigurationError,
    InvalidDataError,
    TransitionNotAllowedError,
)
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

    from statemachine.callbacks import CallbackSpec, CallbackWrapper
    from statemachine.event_data import TriggerData
    from statemachine.state import HistoryState, State
    from statemachine.transition import Transition

_GROUPS: Final = {"enter": CallbackGroup.ENTER, "after": CallbackGroup.AFTER}
_LIBRARYS: Final = frozenset({"model", "history_values", "state_field", "start_configuration_values"})
_HISTORY: Final = "_history"
_OWN: Final = "_machine"
_RESERVED_DATA: Final = frozenset({_HISTORY, _OWN})
# What the library gives to callbacks by these names wins over what was sent, silently; the last is of ``send`` itself.
_RESERVED: Final = frozenset(
    {"event_data", "machine", "event", "model", "transition", "state", "source", "target", "send_id"}
)


class _Engine(SyncEngine):
    """The library's engine: begins when it is told to, counts what it does, and runs nothing beside or later.

    Before the commit it takes what callbacks send, as ever; behind it that is kept for whoever made the commit.
    """

    def __init__(self, machine: StateChart[Any], outbox: Outbox) -> None:
        super().__init__(machine)
        self.steps = 0
        self.is_behind = False
        self.outbox = outbox
        self.refused: ConfigurationError | None = None

    def start(self, **_: Any) -> None:
        """Leave the beginning to who asked for the machine."""

    def put(self, trigger_data: TriggerData, internal: bool = False) -> None:  # noqa: FBT001, FBT002 - the library's own
        """Take an event.

        Raises:
            ConfigurationError: It is to come later, when nobody is here any more.
        """
        event = trigger_data.event
        if event is not None and event.delay:
            message = f"event {str(event)!r} is delayed, and nothing waits for it: schedule it with the persister"
            # Raised again at the end of the run: statecharts make events of errors, and go on.
            self.refused = ConfigurationError(message)
            raise self.refused
        if not self.is_behind:
            super().put(trigger_data, internal)
        elif event is not None:
            self.outbox.put(str(event), payload_of(trigger_data.args, trigger_data.kwargs))

    def processing_loop(self) -> Any:
        """Do what was put; nothing behind the commit."""
        return None if self.is_behind else super().processing_loop()  # type: ignore[no-untyped-call]

    def microstep(self, *args: Any, **kwargs: Any) -> Any:
        """Take one step, and count it."""
        self.steps += 1
        return super().microstep(*args, **kwargs)


class StatechartDefinition(Definition):
    """A class of python-statemachine, as a ``Mover``."""

    refusals = (TransitionNotAllowed,)

    def __init__(
        self,
        machine: type[StateChart[Any]],
        *,
        model: Callable[[], Any] | None = None,
        make: Callable[..., StateChart[Any]] | None = None,
        name: str | None = None,
        version: int = 1,
        effects: Iterable[str] = EFFECTS,
    ) -> None:
        """Take a class; see ``persisted``.

        Raises:
            ConfigurationError: It cannot be one.
        """
        check_class(machine)
        super().__init__(name or machine.__name__, version, effects)
        self._class = machine
        self._model = model
        self._make: Callable[..., StateChart[Any]] = make or machine
        self._states: Final = {state.id: state for state in machine.states_map.values()}
        self._histories: Final = frozenset(one.id for one in _histories(machine.states))
        self._taken: Final = _LIBRARYS | frozenset(self._states)
        self._events: Final = frozenset(str(event) for event in machine._events)  # noqa: SLF001
        # Looked at once, so that what cannot be is told when the program begins.
        self._check(self._made({}))
        self.fingerprint = digest_of(_form(machine))

    def begin(self, data: dict[str, Any]) -> Ran:
        """Return the machine in its initial states, the effects of entering them kept."""
        machine = self._made(data)
        effects = self._kept_effects(machine)
        _engine_of(machine).activate_initial_state()  # type: ignore[no-untyped-call]
        return self._ran(machine, effects)

    def run(self, status: str, data: dict[str, Any], action: str, payload: Any) -> Ran:
        """Return what *action* comes to, with all that the machine does by itself behind it."""
        if action not in self._events:
            reason = f"machine {self.name!r} has no such event"
            raise TransitionNotAllowedError(status, action, None, reason)
        args, kwargs = arguments_of(payload)
        for name in _RESERVED.intersection(kwargs):
            message = f"is a name that python-statemachine gives to callbacks itself: {name!r}"
            raise InvalidDataError(message, path=f"payload.{name}")
        machine = self._in(status, data, action)
        effects = self._kept_effects(machine)
        getattr(machine, action)(*args, **kwargs)
        if not _engine_of(machine).steps:
            reason = "no transition is enabled by it"
            raise TransitionNotAllowedError(status, action, None, reason)
        return self._ran(machine, effects)

    def at(self, status: str, data: dict[str, Any]) -> Ran:
        """Return the machine in *status*."""
        machine = self._in(status, data, "load")
        _engine_of(machine).is_behind = True
        return Ran(status, data, machine, machine.model)

    def _made(self, data: dict[str, Any]) -> StateChart[Any]:
        """Return a machine with *data* that is in no state yet."""
        with _engines(self._class, Outbox()):
            machine = self._make() if self._model is None else self._make(self._model())
        if not isinstance(machine, self._class) or not isinstance(machine._engine, _Engine):  # noqa: SLF001
            message = f"make must return a new {self._class.__name__}, not {machine!r}"
            raise ConfigurationError(message)
        machine.current_state_value = None
        plain = {name: value for name, value in data.items() if name not in _RESERVED_DATA}
        if _has_model(machine):
            restore(machine.model, plain, frozenset({machine.state_field}))
            plain = data.get(_OWN, {})
        restore(machine, plain, self._taken)
        machine.history_values = {
            history: [self._states[one] for one in ids] for history, ids in data.get(_HISTORY, {}).items()
        }
        return machine

    def _in(self, status: str, data: dict[str, Any], action: str) -> StateChart[Any]:
        names = set(names_of(status))
        unknown = sorted(names.difference(self._states))
        known_history = data.get(_HISTORY, {})
        unknown += [one for one in known_history if one not in self._histories]
        unknown += [one for ids in known_history.values() for one in ids if one not in self._states]
        self.check_known(unknown, status, action)
        machine = self._made(data)
        # In the order of the definition, as the engine keeps them.
        values = [state.value for state in self._states.values() if state.id in names]
        machine.current_state_value = values[0] if len(values) == 1 else OrderedSet(values)
        return machine

    def _kept_effects(self, machine: StateChart[Any]) -> list[Callable[[], object]]:
        """Return the list that keeps the callbacks which are effects, when the machine would call them."""
        effects: list[Callable[[], object]] = []
        groups = {_GROUPS[one] for one in self.effects}
        for wrapper in _callbacks(machine):
            if wrapper.meta.group in groups:
                wrapper._callback = partial(_kept, effects, wrapper._callback)  # noqa: SLF001
        return effects

    def _check(self, machine: StateChart[Any]) -> None:
        groups = {_GROUPS[one] for one in self.effects}
        for wrapper in _callbacks(machine):
            what = f"{wrapper} of {self._class.__name__}"
            if wrapper.meta.group is CallbackGroup.INVOKE:
                message = f"{what} is invoked: what runs beside a machine ends with its process, and is not stored"
                raise ConfigurationError(message)
            if wrapper._iscoro and wrapper.meta.group not in groups:  # noqa: SLF001
                message = f"{what} is async, and is called before the commit, where nothing is waited for"
                raise ConfigurationError(message)
        for event in self._class._events:  # noqa: SLF001
            if event.delay:
                message = f"event {str(event)!r} of {self._class.__name__} is delayed: use a persister's schedule"
                raise ConfigurationError(message)

    def _ran(self, machine: StateChart[Any], effects: list[Callable[[], object]]) -> Ran:
        engine = _engine_of(machine)
        if engine.refused is not None:
            raise engine.refused
        engine.is_behind = True
        own = {
            name: value
            for name, value in attributes_of(machine, _LIBRARYS).items()
            if not isinstance(value, InstanceState)
        }
        data = own
        if _has_model(machine):
            data = attributes_of(machine.model, frozenset({machine.state_field}))
            data |= {_OWN: own} if own else {}
        history = {one: [state.id for state in states] for one, states in machine.history_values.items()}
        data = {**data, **({_HISTORY: history} if history else {})}
        status = status_of(state.id for state in machine.configuration)
        return Ran(status, data, machine, machine.model, effects, engine.outbox)


def _engine_of(machine: StateChart[Any]) -> _Engine:
    return cast("_Engine", machine._engine)  # noqa: SLF001


def _has_model(machine: StateChart[Any]) -> bool:
    """Whether the data stands on a model of the user's."""
    return type(machine.model) is not Model


def check_class(machine: object) -> None:
    """Refuse what is no class of python-statemachine with states.

    Raises:
        ConfigurationError: It is none.
    """
    if not (isinstance(machine, type) and issubclass(machine, StateChart)):
        message = f"machine must be a class of python-statemachine, not {machine!r}"
        raise ConfigurationError(message)
    if not machine.states_map:
        message = f"{machine.__name__} has no states"
        raise ConfigurationError(message)


_made_for: ContextVar[Outbox | None] = ContextVar("tai_state_statechart", default=None)


@contextmanager
def _engines(machine: type[StateChart[Any]], outbox: Outbox) -> Iterator[None]:
    """Let machines of the class that are made here have our engine; those that others make have their own."""
    if "_tai_state_engine" not in vars(machine):
        theirs = machine._get_engine  # noqa: SLF001

        def engine_of(self: StateChart[Any]) -> Any:
            made_for = _made_for.get()
            if made_for is not None:
                return _Engine(self, made_for)
            return theirs(self)  # type: ignore[no-untyped-call]

        machine._get_engine = engine_of  # type: ignore[method-assign]  # noqa: SLF001
        machine._tai_state_engine = True  # type: ignore[attr-defined]  # noqa: SLF001
    token = _made_for.set(outbox)
    try:
        yield
    finally:
        _made_for.reset(token)


def _callbacks(machine: StateChart[Any]) -> Iterator[CallbackWrapper]:
    for executor in machine._callbacks._registry.values():  # noqa: SLF001
        yield from executor


def _histories(states: Iterable[State]) -> Iterator[HistoryState]:
    for state in states:
        yield from state.history
        yield from _histories(state.states)


def names_in(transition: Transition, group: CallbackGroup) -> list[str]:
    """Return what the callbacks of a group are called that a transition was given."""
    return [str(spec) for spec in transition._specs if spec.group is group and not spec.is_convention]  # noqa: SLF001


def _form(machine: type[StateChart[Any]]) -> list[Any]:
    """Return the definition for its fingerprint: functions by their names alone."""
    flags = [machine.allow_event_without_transition, machine.enable_self_transition_entries]
    flags += [machine.atomic_configuration_update, machine.catch_errors_as_events]
    return [flags, [_state_form(machine, state) for state in machine.states_map.values()]]


def _state_form(machine: type[StateChart[Any]], state: State) -> list[Any]:
    head = [state.id, state.parent.id if state.parent else None, state.initial, state.final, state.parallel]
    histories = [
        [one.id, one.type.value, [_transition_form(machine, move) for move in one.transitions]] for one in state.history
    ]
    moves = [_transition_form(machine, transition) for transition in state.transitions]
    return [*head, repr(state.value), _specs(machine, state._specs), histories, moves]  # noqa: SLF001


def _transition_form(machine: type[StateChart[Any]], transition: Transition) -> list[Any]:
    targets = [target.id for target in transition.targets]
    events = [str(event) for event in transition.events]
    return [targets, events, transition.internal, transition.initial, _specs(machine, transition._specs)]  # noqa: SLF001


def _specs(machine: type[StateChart[Any]], specs: Iterable[CallbackSpec]) -> list[list[str]]:
    # What goes by its name counts where the class has it; models and listeners may have more.
    return [
        [spec.group.name, called(spec.attr_name), str(spec.expected_value)]
        for spec in specs
        if not spec.is_convention or hasattr(machine, spec.attr_name)
    ]


def _kept(effects: list[Callable[[], object]], callback: Callable[..., object], *args: Any, **kwargs: Any) -> None:
    effects.append(partial(callback, *args, **kwargs))
