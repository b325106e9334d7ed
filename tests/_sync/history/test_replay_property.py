# Generated from tests/_async/history/test_replay_property.py by .ci/generate_sync.py; do not edit.
"""Whatever happened to a state: every version is the fold of its events, and the log is sound.

Machines and histories are drawn at random; the model is a list of the states as they were after each change.
"""
import random
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tai_state import (
    StateMachinePersister,
    Encoding,
    Machine,
    PersistenceConfig,
    StateExistsError,
    StateNotFoundError,
    TaiStateError,
    Transition,
    TransitionNotAllowedError,
    VersionConflictError,
)
from tai_state.codec import Payload
from tai_state.layout import state_layout

EXAMPLES = {"memory": (12, 60), "sqlite": (6, 25), "firestore": (2, 4), "redis": (6, 25)}
"""How many histories: in `make test`, and in `make test-more`."""
STEPS = 40
REFUSALS = (StateExistsError, StateNotFoundError, TransitionNotAllowedError, VersionConflictError)


def some_value(rng: random.Random, level: int = 0) -> Any:
    """Draw a value of data, small and now and then large."""
    kind = rng.randrange(10 if level < 3 else 7)
    if kind < 7:
        text = "".join(rng.choices("aé🙂\0$", k=rng.choice((0, 1, 5, 500))))
        return rng.choice((None, True, rng.getrandbits(63), -rng.random(), rng.randbytes(3), text, {"$map": text}))
    if kind == 7:
        return [some_value(rng, level + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(("a", "", "__x__", "é", "$time")): some_value(rng, level + 1) for _ in range(3)}


def merged(data: dict[str, Any], payload: Any) -> dict[str, Any]:
    return {**dict(list(data.items())[-3:]), "last": payload}


def counted(data: dict[str, Any], payload: Any) -> dict[str, Any]:
    n = data.get("n")
    return {**data, "n": n + 1 if isinstance(n, int) and n < 2**62 else 0}


def has_text(data: dict[str, Any], payload: Any) -> bool:
    return isinstance(payload, str)


def was_counted(data: dict[str, Any], payload: Any) -> bool:
    return "n" in data


def some_machine(rng: random.Random) -> Machine[dict[str, Any]]:
    """Draw a machine of one to five statuses: a path through all of them, and moves across."""
    statuses = [f"status {number}" for number in range(rng.randint(1, 5))]
    moves: list[Transition[dict[str, Any]]] = []
    taken: set[tuple[str, str]] = set()
    pairs = list(pairwise(statuses))
    pairs += [(rng.choice(statuses), rng.choice(statuses)) for _ in range(rng.randrange(6))]
    for source, target in pairs:
        apply: Any = rng.choice((None, merged, counted))
        action = f"action {rng.randrange(4)}"
        while (source, action) in taken:
            action += "'"
        taken.add((source, action))
        if rng.random() < 0.4:
            guard = rng.choice((has_text, was_counted))
            moves.append(Transition(action, source, rng.choice(statuses), guard=guard, apply=apply))
        moves.append(Transition(action, source, target, apply=apply))
    return Machine(f"machine {rng.randrange(100)}", statuses[0], moves)


class Life:
    """One state, its machine, what may happen to it, and how it was after each change."""

    def __init__(self, rng, store, governor_id):
        self.rng = rng
        self.store = store
        self.ids = (governor_id, "s")
        config = PersistenceConfig(rng.choice((1, 3, 7, 100)), rng.choice((1, 2, 5)))
        self.machine = some_machine(rng)
        self.persister = StateMachinePersister(store, self.machine, config)
        self.states: list[Any] = []

    @property
    def version(self):
        return len(self.states)

    def step(self):
        """Try one change; note the state that it made."""
        before = self.version
        try:
            self._change()
        except REFUSALS:
            assert self.store.find_state(*self.ids) == self._live()
            return
        (state,) = [one for one in self.store.list_states(self.ids[0], include_deleted=True)]
        assert state.version == before + 1
        self.states.append(state)

    def _live(self):
        return self.states[-1] if self.states and not self.states[-1].deleted else None

    def _change(self):  # noqa: PLR0911 - one return for each kind of change
        rng, persister, ids = self.rng, self.persister, self.ids
        kind = rng.choices(range(8), weights=(3, 12, 2, 1, 1, 1, 1, 1))[0]
        expected = self.version if rng.random() < 0.3 else None
        if kind == 0:
            return persister.start(*ids, {"start": some_value(rng)})
        if kind == 1:
            action = rng.choice(self.machine.actions or ("none",))
            error = rng.choice((None, "broke"))
            return persister.transition(*ids, action, some_value(rng), expected_version=expected, error=error)
        if kind == 2:
            status = rng.choice((None, *self.machine.statuses, "elsewhere"))
            data = {"saved": some_value(rng)}
            return self.store.save_state(*ids, data, status=status, expected_version=expected)
        if kind == 3:
            return self.store.update_state(*ids, {"updated": some_value(rng)}, rng.choice((self.version, 1)))
        if kind == 4:
            return self.store.delete_state(*ids, expected)
        if kind == 5 and self.states:
            alive = [state.version for state in self.states if not state.deleted]
            return persister.rollback(*ids, rng.choice(alive))
        if kind == 6:
            status = rng.choice(self.machine.statuses)
            last = self.states[-1].timestamp if self.states else None
            at = last + timedelta(microseconds=rng.randrange(3)) if last else None
            access = self.store.runtime.access
            if at is not None and at > access.server_time(access.begin(None)):
                at = None  # the host's clock, which gave the last one its time, was set since
            data = {"logged": some_value(rng)}
            return persister.log_transition(*ids, "log", to_status=status, data=data, timestamp=at)
        if self.states:
            persister.create_snapshot(*ids)
        raise StateNotFoundError(*ids)  # no change was made

    def check(self):
        """Every version replays to what it was; the log is whole; it can be rebuilt without its state."""
        report = self.persister.validate_consistency(self.ids[0])
        assert report.problems == []
        assert report.events == self.version
        if not self.states:
            return
        versions = [event.version for event in self.store.get_events(*self.ids)]
        assert versions == list(range(1, self.version + 1))
        for state in self.states:
            assert self.persister.replay(*self.ids, until_version=state.version) == state
        assert self.persister.replay(*self.ids) == self.states[-1]
        self._check_times()
        rebuilt = self.store.runtime.history.rebuild(state_layout(*self.ids))
        assert rebuilt.public(Payload.value) == self.states[-1]

    def _check_times(self):
        times = [state.timestamp for state in self.states]
        assert times == sorted(times)
        at = self.rng.choice(times)
        expected = [state for state in self.states if state.timestamp <= at][-1]
        assert self.persister.replay(*self.ids, until_time=at) == expected


ENCODINGS = (Encoding(), Encoding(0, 10**9), Encoding(0, 0), Encoding(10**9, 10**9))


@pytest.fixture
def seed(request):
    """The seed of this run, which pytest-randomly prints."""
    return request.config.getoption("randomly_seed", 0)


def test_every_state_is_the_fold_of_its_events(place, seed, scale):
    """For random machines and random histories, whatever the encoding that they are stored in."""
    examples = scale(*EXAMPLES[place.kind])
    stores = [place.store(encoding=encoding) for encoding in ENCODINGS]
    changes = 0
    for example in range(4 * examples):
        rng = random.Random(f"{seed} {example}")
        life = Life(rng, rng.choice(stores), f"g{example}")
        try:
            for _ in range(STEPS if place.kind != "firestore" else STEPS // 2):
                life.step()
            life.check()
        except (AssertionError, TaiStateError) as error:
            error.add_note(f"seed {seed}, example {example}, after {life.version} changes")
            raise
        changes += life.version
        if example >= examples - 1 and changes > 5 * examples:
            break
    assert changes > 5 * examples, "the histories drawn are too short to prove anything"
