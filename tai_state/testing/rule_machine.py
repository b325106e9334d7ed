"""The rules of a machine for Hypothesis; what they promise says ``machine_rules``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tai_state import (
    InvalidDataError,
    Machine,
    MemoryStore,
    PersistenceConfig,
    StateMachinePersister,
    StateStore,
    Transition,
    TransitionNotAllowedError,
    TransitionResult,
)
from tai_state.due import DueWorker
from tai_state.machine.payload_type import payload_type
from tai_state.rules.commits.kinds import payload_of
from tai_state.testing.clock import ManualClock
from tai_state.testing.invariants import (
    Invariant,
    Invariants,
    Moved,
    broken,
    check_actions,
    check_machine,
    moved,
    named_invariants,
    stored,
)

if TYPE_CHECKING:
    from tai_state.codec import Payload

_SECONDS_MAX = 86_400

_GOVERNOR = "rules"

StoreOf = Callable[[ManualClock], StateStore]


def made_rules(
    machine: Machine[Any],
    invariants: Invariants,
    *,
    payloads: Mapping[str, Any],
    start_data: Any,
    store: StoreOf | None,
    config: PersistenceConfig | None,
) -> type[RuleBasedStateMachine]:
    """Return the class; see ``machine_rules``."""
    check_machine(machine, "machine_rules")
    check_actions(machine, payloads)
    given = {action: _strategy(some) for action, some in payloads.items()}
    by_action = {
        action: given.get(action, _payloads_of(one for one in machine.transitions if one.action == action))
        for action in machine.actions
    }
    attributes: dict[str, Any] = {
        "machine": machine,
        "invariants_of_data": named_invariants(invariants),
        "config": PersistenceConfig() if config is None else config,
        "start": initialize(data=_starts(machine, start_data))(start),
    }
    if store is not None:
        attributes["make_store"] = lambda _, clock: store(clock)
    for transition in machine.transitions:
        name = _rule_name(transition, attributes)
        drawn = given.get(transition.action, _payloads_of([transition]))
        attributes[name] = _rule_of(machine, transition, name, drawn)
    if machine.actions:
        calls = st.sampled_from(machine.actions).flatmap(lambda one: st.tuples(st.just(one), by_action[one]))
        attributes["any_action"] = rule(call=calls)(any_action)
    return type(f"{_word(machine.name)}_rules", (MachineRules,), attributes)


class MachineRules(RuleBasedStateMachine):
    """A state in a store beside what the machine says that it is."""

    machine: ClassVar[Machine[Any]]
    invariants_of_data: ClassVar[dict[str, Invariant]]
    config: ClassVar[PersistenceConfig]

    def __init__(self) -> None:
        """Make the store of this run."""
        super().__init__()
        self.clock = ManualClock()
        self.store = self.make_store(self.clock)
        self.persister: StateMachinePersister[Any] = StateMachinePersister(self.store, self.machine, self.config)
        self.state_id = uuid4().hex
        self.status = ""
        self.data: Payload | None = None
        self.version = 0
        self._repeatable: tuple[str, Any, str] | None = None
        self._is_checked = True

    def make_store(self, clock: ManualClock) -> StateStore:
        """Return the store of a run."""
        return MemoryStore(clock=clock)

    def act(self, action: str, payload: Any) -> None:
        """Ask for a move, and see that the store decides as the machine does."""
        self._is_checked = False
        assert self.data is not None
        key = f"{action}-{self.version}-{uuid4().hex}"
        try:
            wanted = moved(self.machine, self.status, self.data, action, payload)
        except TransitionNotAllowedError:
            self._expect_refusal(action, payload, key)
            return
        result = self.persister.transition(_GOVERNOR, self.state_id, action, payload, idempotency_key=key)
        assert not result.replayed, f"{action} was told to have been made before"
        self._take(wanted)
        self._compare_told(action, result)
        self._repeatable = (action, payload, key)

    def _expect_refusal(self, action: str, payload: Any, key: str) -> None:
        try:
            result = self.persister.transition(_GOVERNOR, self.state_id, action, payload, idempotency_key=key)
        except TransitionNotAllowedError:
            return
        raise AssertionError(f"{action} from {self.status!r} is not allowed, and led to {result.to_status!r}")

    def _take(self, wanted: Moved) -> None:
        self.status, self.data = wanted.status, wanted.data
        self.version += 1

    @precondition(lambda self: self._repeatable is not None)
    @rule()
    def repeat(self) -> None:
        """Ask for the last move again, under its key: its outcome comes back, and nothing is made."""
        self._is_checked = False
        assert self._repeatable is not None
        action, payload, key = self._repeatable
        result: TransitionResult[Any] = self.persister.transition(
            _GOVERNOR, self.state_id, action, payload, idempotency_key=key
        )
        assert result.replayed, f"{action} was made again under its key"
        self._compare_told(action, result)

    @rule(seconds=st.integers(1, _SECONDS_MAX))
    def time_passes(self, seconds: int) -> None:
        """Let time pass, and have what is due done."""
        self._is_checked = False
        # A key is forgotten some day.
        self._repeatable = None
        self.clock.advance(seconds)
        if not self.machine.timeouts:
            return
        found = self.persister.load_state(_GOVERNOR, self.state_id).snapshot
        DueWorker(self.persister).run_once()
        if found.due_at is None or found.due_at > self.clock.now().astimezone(UTC) or found.due_action is None:
            return
        assert self.data is not None
        try:
            self._take(moved(self.machine, self.status, self.data, found.due_action, None))
        except TransitionNotAllowedError:
            # That it was refused is an event of its own.
            self.version += 1

    @invariant()
    def agrees(self) -> None:
        """What is stored is what the machine decided, in the state, its last event, and its replay."""
        if self.data is None:
            return
        snapshot = self.persister.load_state(_GOVERNOR, self.state_id).snapshot
        self._compare("the stored state", snapshot.status, snapshot.data, snapshot.version)
        replayed = self.persister.replay(_GOVERNOR, self.state_id)
        self._compare("the replay", replayed.status, replayed.data, replayed.version)
        events = list(self.store.get_events(_GOVERNOR, self.state_id, after=self.version - 1))
        assert [event.version for event in events] == [self.version], f"there are events behind {self.version}"
        self._compare("the last event", events[0].to_status, events[0].to_state, self.version)
        for name, one in self.invariants_of_data.items():
            detail = broken(name, one, self.persister.load_state(_GOVERNOR, self.state_id).snapshot)
            if detail is not None:
                raise AssertionError(f"invariant {name!r} does not hold of {snapshot}{detail and f': {detail}'}")
        self._is_checked = True

    def _compare_told(self, action: str, result: TransitionResult[Any]) -> None:
        self._compare(f"what is told of {action}", result.to_status, result.snapshot.data, result.version)

    def _compare(self, what: str, status: str, data: Any, version: int) -> None:
        assert self.data is not None
        told = (status, version)
        assert told == (self.status, self.version), f"{what} is {told}, the machine says {(self.status, self.version)}"
        assert stored(self.machine, data) == self.data, f"the data of {what} is {data}, the machine says {self.data}"

    def teardown(self) -> None:
        """Check the whole log, where no step has failed, and close the store."""
        try:
            if self._is_checked and self.data is not None:
                report = self.persister.validate_consistency(_GOVERNOR)
                assert report.is_consistent, f"the log is not consistent: {report.problems}"
        finally:
            self.store.close()


def start(self: MachineRules, data: Any) -> None:
    """Start the state."""
    self.persister.start(_GOVERNOR, self.state_id, data)
    self.status, self.data, self.version = self.machine.initial, stored(self.machine, data), 1


def any_action(self: MachineRules, call: tuple[str, Any]) -> None:
    """Ask for an action, whether the status allows it or not."""
    self.act(*call)


def _rule_of(machine: Machine[Any], transition: Transition[Any], name: str, drawn: st.SearchStrategy[Any]) -> Any:
    """Return the rule that asks for *transition* where the state is in one of its sources."""
    action = transition.action
    sources = {
        status
        for status in machine.statuses
        if action in machine.allowed(status) and any(one is transition for one in machine.candidates(status, action))
    }

    def step(self: MachineRules, payload: Any) -> None:
        self.act(action, payload)

    step.__name__ = step.__qualname__ = name
    return precondition(lambda self: self.status in sources)(rule(payload=drawn)(step))


def _rule_name(transition: Transition[Any], taken: Mapping[str, object]) -> str:
    name = f"{_word(transition.action)}_to_{_word(transition.target)}"
    while name in taken or hasattr(MachineRules, name):
        name += "_"
    return name


def _word(text: str) -> str:
    word = re.sub(r"\W", "_", text)
    return word if word.isidentifier() else f"_{word}"


def _strategy(given: Any) -> st.SearchStrategy[Any]:
    """Return a strategy: the one given, or one that chooses from those given."""
    return given if isinstance(given, st.SearchStrategy) else st.sampled_from(list(given))


def _starts(machine: Machine[Any], given: Any) -> st.SearchStrategy[Any]:
    if isinstance(given, st.SearchStrategy):
        return given
    if given is not None:
        return st.just(given)
    return st.just({}) if machine.data_type is None else st.from_type(machine.data_type)


def _payloads_of(transitions: Iterable[Transition[Any]]) -> st.SearchStrategy[Any]:
    """Return what is drawn for the functions of *transitions* by their annotations; None where there is none."""
    kinds = [
        kind
        for transition in transitions
        for function in (transition.guard, transition.apply)
        if function is not None and (kind := payload_type(function)) is not None
    ]
    different = [kind for place, kind in enumerate(kinds) if kind not in kinds[:place]]
    if not different:
        return st.none()
    return st.one_of([st.from_type(kind) for kind in different]).filter(_is_storable)


def _is_storable(payload: Any) -> bool:
    """Whether a store takes it: Hypothesis makes of a float NaN, too."""
    try:
        payload_of(payload)
    except InvalidDataError:
        return False
    return True
