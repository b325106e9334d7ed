"""A machine of another library, killed in the middle of its moves: kept by this package, and as people usually keep it.

    python -m tests.chaos.keeping LIBRARY WAY PLACE KILLS SEED

A child makes one move after the other and says before and behind each which one it is; SIGKILL ends it at a random
moment of one, and the next child asks again for the move that nobody heard of. What is left is printed as JSON. The
process forks its children itself, and has opened nothing: so a hundred of them take seconds.
"""

import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from statemachine import State, StateMachine
from transitions import Machine

from tai_state import StateStore, connect
from tai_state.adapters.statemachine import persisted
from tai_state.adapters.transitions import PersistedModel
from tests.children import end_with_parent

ROOT = Path(__file__).parents[2]
PAUSE_SECONDS_MAX = 0.02
CALM = 3


class Pacer(StateMachine):
    """Steps from one foot to the other, and counts."""

    left = State(initial=True)
    right = State()
    step = left.to(right, on="count_step") | right.to(left, on="count_step")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.count = 0
        super().__init__(*args, **kwargs)

    def count_step(self) -> None:
        self.count += 1


class Walker:
    """The same, as a model of transitions."""

    state: str
    step: Any

    def __init__(self) -> None:
        self.count = 0

    def count_step(self) -> None:
        self.count += 1


def walking(model: Walker | None = None, initial: str = "left") -> Machine:
    """Return the machine of walkers."""
    machine = Machine(model, ["left", "right"], initial=initial, auto_transitions=False)
    machine.add_transition("step", "left", "right", before="count_step")
    machine.add_transition("step", "right", "left", before="count_step")
    return machine


class Keeper(Protocol):
    """Keeps one machine somewhere."""

    def step(self, number: int) -> None:
        """Make the move of a *number*, which may have been made already."""

    def reached(self) -> tuple[str, int]:
        """Return the status that the machine is in, and how many steps it counts."""


class Ours:
    """In a store: each move under a key of its own."""

    def __init__(self, store: StateStore, library: str) -> None:
        is_chart = library == "statemachine"
        self._machines = persisted(Pacer, store) if is_chart else PersistedModel(walking(), store, Walker)
        self._machine = self._machines.start("g", "pacer", idempotency_key="start")

    def step(self, number: int) -> None:
        self._machine.fire("step", idempotency_key=f"step-{number}")

    def reached(self) -> tuple[str, int]:
        machine = self._machines.load("g", "pacer")
        report = self._machines.persister.validate_consistency("g")
        assert report.is_consistent, report.problems
        assert machine.version == machine.data["count"] + 1
        assert machine.machine is not None
        return machine.status, machine.data["count"]


class Usual:
    """In a file that each move writes anew, as the libraries' pages show it; one that cannot be read begins anew."""

    def __init__(self, path: Path, library: str, way: str) -> None:
        self._path = path
        self._is_pickle = way == "pickle"
        self._is_chart = library == "statemachine"
        self._thing: Any = self._read()

    def _read(self) -> Any:
        if not self._path.exists():
            return self._made("left", 0)
        try:
            if self._is_pickle:
                return pickle.loads(self._path.read_bytes())
            value = json.loads(self._path.read_text())
            return self._made(value["state"], value["count"])
        except (EOFError, pickle.UnpicklingError, ValueError):
            return self._made("left", 0)

    def _made(self, state: str, count: int) -> Any:
        if self._is_chart:
            machine = Pacer(start_value=state)
            machine.count = count
            return machine
        walker = Walker()
        walker.count = count
        walking(walker, state)
        return walker

    def step(self, number: int) -> None:
        self._thing.step()
        if self._is_pickle:
            with self._path.open("wb") as file:
                pickle.dump(self._thing, file)
        else:
            with self._path.open("w") as file:
                json.dump(dict(zip(("state", "count"), self.reached(), strict=True)), file)

    def reached(self) -> tuple[str, int]:
        thing = self._thing
        return (thing.current_state_value if self._is_chart else thing.state), thing.count


def run(library: str, way: str, place: str, kills: int, seed: int) -> dict[str, Any]:
    """Kill *kills* children in the middle of a move, and return what is left when all is asked for."""
    rng = random.Random(seed)
    _warm_up(library)
    # Some moves that nobody kills: kept in whatever way, they count.
    done = _child(lambda: _opened(library, way, place), 0, CALM)
    _, calm = _reached(lambda: _opened(library, way, place))
    killed, begun_first = 0, done
    while killed < kills:
        acknowledged, begun = _killed_child(lambda: _opened(library, way, place), done, rng)
        killed += begun > acknowledged
        begun_first = max(begun_first, begun)
        done = max(done, acknowledged)
    # What nobody heard of is asked for once more, by one that lives.
    done = _child(lambda: _opened(library, way, place), done, begun_first)
    status, count = _reached(lambda: _opened(library, way, place))
    return {"calm": calm, "killed": killed, "asked": done, "counted": count, "status": status}


def _warm_up(library: str) -> None:
    """Import all that children need, once for all of them."""
    with TemporaryDirectory() as folder, connect(f"sqlite:///{folder}/store.db", actor="pacer") as store:
        keeper = Ours(store, library)
        keeper.step(1)
        keeper.reached()


def _opened(library: str, way: str, place: str) -> Keeper:
    if way == "ours":
        return Ours(connect(place, actor="pacer"), library)
    return Usual(Path(place), library, way)


def _killed_child(opened: Callable[[], Keeper], done: int, rng: random.Random) -> tuple[int, int]:
    """Let a child step on from *done*, and kill it; return what it has said last: that was done, and was begun."""
    pid, reader = _forked(opened, done, None)
    with os.fdopen(reader, "rb") as said:
        first = said.readline()
        time.sleep(rng.uniform(0.0, PAUSE_SECONDS_MAX))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        lines = [first, *said]
    told = [(line[:1], int(line[1:])) for line in lines if line.endswith(b"\n")]
    return max([done, *(n for kind, n in told if kind == b"e")]), max([done, *(n for kind, n in told if kind == b"b")])


def _child(opened: Callable[[], Keeper], done: int, until: int) -> int:
    pid, reader = _forked(opened, done, until)
    with os.fdopen(reader, "rb") as said:
        lines = list(said)
    _, status = os.waitpid(pid, 0)
    assert status == 0, f"a child that nobody killed ended with {status}"
    assert lines[-1:] == ([b"e%d\n" % until] if until > done else [])
    return until


def _reached(opened: Callable[[], Keeper]) -> tuple[str, int]:
    """Return where the machine is, as a child of its own sees it: who forks later opens no store."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            end_with_parent()
            os.write(writer, json.dumps(opened().reached()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as said:
        status, count = json.loads(said.read())
    os.waitpid(pid, 0)
    return status, count


def _forked(opened: Callable[[], Keeper], done: int, until: int | None) -> tuple[int, int]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    code = 1
    try:
        end_with_parent()
        os.close(reader)
        keeper, number = opened(), done
        while until is None or number < until:
            number += 1
            os.write(writer, b"b%d\n" % number)
            keeper.step(number)
            os.write(writer, b"e%d\n" % number)
        code = 0
    finally:
        os._exit(code)


LIBRARIES = ("statemachine", "transitions")


def kept(library: str, way: str, place: str, kills: int, host: str | None = None) -> dict[str, Any]:
    """Return what is left of a machine behind *kills* kills, in a process that forks; *host* is an emulator's."""
    command = [sys.executable, "-m", "tests.chaos.keeping", library, way, place, str(kills), "1"]
    environment = {**os.environ, **({"FIRESTORE_EMULATOR_HOST": host} if host else {})}
    completed = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1_800, check=False
    )
    assert completed.returncode == 0, completed.stderr
    left: dict[str, Any] = json.loads(completed.stdout)
    return left


if __name__ == "__main__":
    _, LIBRARY, WAY, PLACE, KILLS, SEED = sys.argv
    sys.stdout.write(json.dumps(run(LIBRARY, WAY, PLACE, int(KILLS), int(SEED))))
