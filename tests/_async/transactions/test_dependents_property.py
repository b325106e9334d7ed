"""Whatever is started, moved, deleted and brought back: states react as a model of them says, and all is sound.

The model knows no marks and no commits: it looks at every state for whom a change concerns.
"""

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    DependencyCycleError,
    Machine,
    StateExistsError,
    StateNotFoundError,
    TaiStateError,
    Transition,
    TransitionNotAllowedError,
)

EXAMPLES = {"memory": 8, "sqlite": 2, "firestore": 1, "redis": 2}
STEPS = {"memory": 40, "sqlite": 40, "firestore": 20, "redis": 40}
NAMES = [f"state {letter}" for letter in "abcdef"]
STATUSES = ["calm", "busy", "hurt", "stuck"]
REFUSALS = (StateExistsError, StateNotFoundError, TransitionNotAllowedError, DependencyCycleError)


def some_machine(rng: random.Random, name: str) -> Machine[dict[str, Any]]:
    """Draw a machine over the four statuses, and what it does about them."""
    table = {(action, source): rng.choice(STATUSES) for action in ("go", "do", "be") for source in STATUSES}
    kept = {key: target for key, target in table.items() if rng.random() < 0.7}
    ring = zip(STATUSES, [*STATUSES[1:], STATUSES[0]], strict=True)
    moves = [Transition(action, source, target) for (action, source), target in kept.items()]
    moves += [Transition("next", source, target) for source, target in ring]
    actions = sorted({move.action for move in moves})
    reactions = {status: rng.choice(actions) for status in STATUSES if rng.random() < 0.7}
    return Machine(name, "calm", moves, on_dependency=reactions)


@dataclass
class Modelled:
    """A state of the model; ``signals`` are the statuses that put it where it stands, ``past`` its live versions."""

    machine: Machine[dict[str, Any]]
    depends_on: tuple[str, ...]
    past: dict[int, tuple[str, list[str], Machine[dict[str, Any]]]]
    status: str = ""
    version: int = 0
    signals: list[str] = field(default_factory=list)
    alive: bool = True

    def enter(self, status: str, signals: list[str]) -> None:
        self.status, self.signals, self.alive = status, signals, True
        self.version += 1
        self.past[self.version] = (status, signals, self.machine)


class Model:
    """All states of a governor, in memory, by the rules as a user would tell them."""

    def __init__(self) -> None:
        self.states: dict[str, Modelled] = {}

    def start(self, name: str, machine: Machine[dict[str, Any]], depends_on: list[str]) -> bool:
        before = self.states.get(name)
        if (before and before.alive) or not all(self._alive(one) for one in depends_on):
            return False
        if any(name in self._above(one) for one in depends_on):
            return False
        self.states[name] = state = Modelled(machine, tuple(depends_on), before.past if before else {})
        state.version = before.version if before else 0
        state.enter("calm", [])
        any(self._react(state, self.states[one]) for one in depends_on)
        self._spread(name)
        return True

    def move(self, name: str, action: str) -> bool:
        state = self.states.get(name)
        if state is None or not state.alive or action not in state.machine.allowed(state.status):
            return False
        target = state.machine.next(state.status, action)
        stays = target == state.status
        state.enter(target, state.signals if stays else [])
        if not stays:
            self._spread(name)
        return True

    def delete(self, name: str) -> bool:
        if not self._alive(name):
            return False
        self.states[name].version += 1
        self.states[name].alive = False
        return True

    def bring_back(self, name: str, version: int) -> bool:
        state = self.states[name]
        if not state.alive and any(name in self._above(one) for one in state.depends_on):
            return False
        status, signals, state.machine = state.past[version]
        state.enter(status, signals)
        return True

    def _alive(self, name: str) -> bool:
        return name in self.states and self.states[name].alive

    def _above(self, name: str) -> set[str]:
        state = self.states[name]
        above = {name}
        for one in state.depends_on if state.alive else ():
            above |= self._above(one)
        return above

    def _react(self, state: Modelled, source: Modelled) -> bool:
        signals = [source.status, *source.signals]
        for status in signals:
            action = state.machine.on_dependency.get(status)
            if action is not None and action in state.machine.allowed(state.status):
                state.enter(state.machine.next(state.status, action), list(dict.fromkeys(signals)))
                return True
        return False

    def _spread(self, name: str) -> None:
        moved, level = {name}, [name]
        while level:
            following: list[str] = []
            for source in level:
                for other, state in sorted(self.states.items()):
                    if other in moved or not state.alive or source not in state.depends_on:
                        continue
                    if self._react(state, self.states[source]):
                        moved.add(other)
                        following.append(other)
            level = following


class AsyncWorld:
    """A governor, its model, and what may happen to both."""

    def __init__(self, rng: random.Random, store: Any, governor_id: str) -> None:
        self.rng = rng
        self.store = store
        self.governor_id = governor_id
        self.machines = [some_machine(rng, f"machine {number}") for number in range(3)]
        self.persisters = [AsyncStateMachinePersister(store, one, machines=self.machines) for one in self.machines]
        self.model = Model()
        self.changes = 0
        self.reactions = 0

    async def step(self) -> None:
        """Try one change; what the model takes, the store takes, and nothing else."""
        change, expected = self._draw()
        before = sum(state.version for state in self.model.states.values())
        if expected():
            await change()
            self.changes += 1
            self.reactions += sum(state.version for state in self.model.states.values()) - before - 1
        else:
            with pytest.raises(REFUSALS):
                await change()
        await self.compare()

    def _draw(self) -> Any:
        rng, governor_id = self.rng, self.governor_id
        name, number = rng.choice(NAMES), rng.randrange(3)
        kinds = ("start", "move", "move in a transaction", "delete", "bring back")
        (kind,) = rng.choices(kinds, weights=(5, 9, 2, 2, 1))
        if kind == "start":
            alive = [one for one, state in self.model.states.items() if state.alive and rng.random() < 0.6]
            depends_on = rng.sample(NAMES, 2) if rng.random() < 0.2 else alive
            persister, machine = self.persisters[number], self.machines[number]
            return (
                lambda: persister.start(governor_id, name, depends_on=depends_on),
                lambda: name not in depends_on and self.model.start(name, machine, depends_on),
            )
        if kind == "delete":
            return lambda: self.store.delete_state(governor_id, name), lambda: self.model.delete(name)
        state = self.model.states.get(name)
        if state is None:
            return self._draw()
        persister = self.persisters[self.machines.index(state.machine)]
        if kind == "bring back":
            return self._bring_back(name, state, persister)
        allowed = state.machine.allowed(state.status)
        action = rng.choice(allowed if rng.random() < 0.8 else state.machine.actions)
        if kind == "move":
            return lambda: persister.transition(governor_id, name, action), lambda: self.model.move(name, action)

        async def body(tx: Any) -> None:
            await tx.transition(persister, governor_id, name, action)

        return lambda: AsyncTransactionManager(self.store).run(body), lambda: self.model.move(name, action)

    def _bring_back(self, name: str, state: Modelled, persister: Any) -> Any:
        """Roll back to any version but a tombstone, perhaps one of another machine."""
        version = self.rng.choice(list(state.past))
        return (
            lambda: persister.rollback(self.governor_id, name, version),
            lambda: self.model.bring_back(name, version),
        )

    async def compare(self) -> None:
        """Every state is as the model has it."""
        found = {one.state_id: one async for one in self.store.list_states(self.governor_id, include_deleted=True)}
        assert {
            name: (one.status, one.version, one.depends_on, not one.deleted, one.machine_name)
            for name, one in found.items()
        } == {
            name: (one.status, one.version, one.depends_on, one.alive, one.machine.name)
            for name, one in self.model.states.items()
        }

    async def check(self) -> None:
        """No log is torn, no mark lost, and every state is the fold of its events."""
        for persister in self.persisters:
            assert (await persister.validate_consistency(self.governor_id)).problems == []


@pytest.fixture
def seed(request):
    """The seed of this run, which pytest-randomly prints."""
    return request.config.getoption("randomly_seed", 0)


async def test_dependents_react_as_the_model_says(place, seed):
    """For random machines, random dependencies and random histories."""
    store = place.store()
    worlds = []
    for example in range(EXAMPLES[place.kind]):
        rng = random.Random(f"{seed} {example}")
        world = AsyncWorld(rng, store, f"g{example}")
        try:
            for _ in range(STEPS[place.kind]):
                await world.step()
            await world.check()
        except (AssertionError, TaiStateError) as error:
            error.add_note(f"seed {seed}, example {example}, after {world.changes} changes")
            raise
        worlds.append(world)
    assert sum(world.changes for world in worlds) > 5 * len(worlds), "too few changes to prove anything"
    if place.kind == "memory":
        assert sum(world.reactions for world in worlds) > len(worlds), "too few reactions to prove anything"
