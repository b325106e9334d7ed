"""What is interrupted, and what must be so afterwards; shared by the tests of interrupts, short and long."""

import gc
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from tai_state import BackendStore, LockManager, StateMachinePersister, TransactionManager
from tai_state._platform import interrupts
from tests._sync.machines import COUNTER
from tests._sync.stores import Place
from tests.integration.locking.heartbeats import heartbeats

CHANGES: dict[str, Callable[[BackendStore], Callable[[], object]]] = {
    "transition": lambda store: lambda: persister(store).transition("g", "s", "add", 1, idempotency_key="k"),
    "start": lambda store: lambda: persister(store).start("g", "new", idempotency_key="k"),
    "log": lambda store: (
        lambda: persister(store).log_transition("g", "s", "a", to_status="shut", data={}, idempotency_key="k")
    ),
    "rollback": lambda store: lambda: persister(store).rollback("g", "s", 1, idempotency_key="k"),
    "save": lambda store: lambda: store.save_state("g", "s", {"n": 7}, idempotency_key="k"),
    "delete": lambda store: lambda: store.delete_state("g", "s", idempotency_key="k"),
    "transaction": lambda store: lambda: TransactionManager(store).run(_two_moves, idempotency_key="k"),
    "guarded transition": lambda store: lambda: _guarded(store),
}
"""Each makes one change of each state that it touches, however often it is called."""

LOCKS: dict[str, Callable[[BackendStore], Callable[[], object]]] = {
    "hold": lambda store: lambda: _hold(store),
    "many": lambda store: lambda: _many(store),
    "renew": lambda store: lambda: _renew(store),
}


def persister(store):
    return StateMachinePersister(store, COUNTER)


def _two_moves(tx):
    tx.save_state("g", "s", {"n": tx.get_state("g", "s")[1]})
    tx.save_state("g", "t", {})


def _guarded(store):
    with LockManager(store).hold("r", owner="a") as lock:
        persister(store).transition("g", "s", "add", 1, idempotency_key="k", lock=lock)


def _hold(store):
    with LockManager(store).hold("r", owner="a"):
        pass


def _many(store):
    with LockManager(store).acquire_many(["r", "r2"], owner="a"):
        pass


def _renew(store):
    with LockManager(store).acquire("r", owner="a") as lock:
        lock.renew()


_EDGES = {f"{name}.{edge}" for name in ("Hold", "Lock", "LockSet") for edge in ("__enter__", "__exit__")}
_EDGES.discard("Hold.__enter__")  # it acquires itself, and lets nothing in behind the grant


_DROPPED = {"WeakSet.__init__.<locals>._remove", "WeakValueDictionary.__init__.<locals>.remove"}


def qualified_names(frame: FrameType | None) -> list[str]:
    """Return the names of the functions that are running, the innermost first."""
    names: list[str] = []
    while frame is not None:
        names.append(frame.f_code.co_qualname)
        frame = frame.f_back
    return names


class Strike:
    """Interrupts a call at one of the moments at which Python may run a signal's handler.

    These are the entry of a function and the return of a call into C. The handler of the moment is called there, as
    Python would call it.
    """

    def __init__(self, at: int) -> None:
        self.at = at
        self.seen = 0
        self.path: list[str] = []
        self.was_let_in = False
        self.interrupted = False
        self.leaves_a_handler = False

    @property
    def has_struck(self) -> bool:
        return self.seen >= self.at

    def _notice(self, frame: FrameType, event: str, _: Any) -> None:
        if event not in {"call", "c_return"}:
            return
        self.seen += 1
        if self.seen == self.at:
            path = qualified_names(frame)
            if any(name in _DROPPED for name in path):
                # The next moment instead: what is raised in a callback of a weak reference is dropped.
                self.seen -= 1
                return
            sys.setprofile(None)
            self.path += path
            handler = signal.getsignal(signal.SIGINT)
            assert callable(handler)
            self.was_let_in = handler is signal.default_int_handler
            handler(signal.SIGINT, frame)

    def during(self, call: Callable[[], object]) -> None:
        """Make the call, and note whether it was interrupted."""
        # A process that a shell started in the background ignores Ctrl-C.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        # What is raised in a callback of the collector is dropped; other tools than ours have such callbacks.
        collects = gc.isenabled()
        gc.disable()
        # Held here: the interpreter only borrows it while it calls it, and we may take it back in that very call.
        notice = self._notice
        sys.setprofile(notice)
        try:
            call()
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            sys.setprofile(None)
            if collects:
                gc.enable()
            self.leaves_a_handler = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
            signal.signal(signal.SIGINT, before)

    @property
    def came_between(self) -> bool:
        """Whether it came in the first steps of entering or leaving a block, where nothing can keep it out.

        The lock is held then until its store is drained, as leaving the store does.
        """
        return self.was_let_in and any(name in _EDGES for name in self.path)


def moments(place: Place, prepare: Callable[[BackendStore], Callable[[], object]], *, is_known: bool = False) -> int:
    """Count the moments of a call; where the store *is_known* it has fewer."""
    begin(place)
    store = place.store()
    if is_known:
        store.save_state("g", "warm", {})
    strike = Strike(sys.maxsize)
    strike.during(prepare(store))
    return strike.seen


def begin(place: Place) -> None:
    """Have a state there, and a store that is known."""
    persister(place.store()).start("g", "s")


def left_by(store: BackendStore, strike: Strike) -> list[str]:
    """Return what a call that has ended left behind in the process, which should be nothing."""
    traces = {
        "a handler": strike.leaves_a_handler,
        "a guard": interrupts._door.is_guarded,
        "a pending signal": bool(interrupts._door.pending),
        "a call under way": bool(store.runtime.inflight.doors[0].calls),
        "a turn": bool(store.runtime.writer.lines._lines),
        "a line": bool(store.runtime.locks.lines._lines),
    }
    return [name for name, is_there in traces.items() if is_there]


def events_of(store: BackendStore, state_id: str) -> int:
    return len(list(store.get_events("g", state_id)))


def check_change(place: Place, prepare: Callable[[BackendStore], Callable[[], object]], at: int) -> Strike:
    """Interrupt a change at one moment, and make it again under its key.

    Whoever was interrupted left nothing behind, and there is one event of it.
    """
    begin(place)
    store = place.store()
    if at % 2:
        store.save_state("g", "warm", {})  # half of them begin with the store known, half without
    call, strike = prepare(store), Strike(at)
    strike.during(call)
    where = f"interrupted ({strike.was_let_in}, {strike.interrupted}) at moment {at}, in {strike.path[:12]}"
    assert left_by(store, strike) == [], where
    if strike.came_between:
        assert store.drain(timeout=10), where
    prepare(place.store())()
    counts = [events_of(place.store(), state_id) for state_id in ("s", "t", "new")]
    # "s" had one event before, and is left alone by a start of another state.
    assert counts in ([2, 0, 0], [2, 1, 0], [1, 0, 1]), where
    assert persister(place.store()).validate_consistency("g").is_consistent, where
    return strike


def check_locks(place: Place, prepare: Callable[[BackendStore], Callable[[], object]], at: int) -> Strike:
    """Interrupt a call with locks at one moment; nobody holds them afterwards."""
    before = heartbeats()
    begin(place)
    store = place.store()
    strike = Strike(at)
    strike.during(prepare(store))
    where = f"interrupted ({strike.was_let_in}, {strike.interrupted}) at moment {at}, in {strike.path[:12]}"
    assert left_by(store, strike) == [], where
    if strike.came_between:
        assert store.drain(timeout=10), where
    others = LockManager(place.store())
    assert [one.resource for one in others.list() if one.held] == [], where
    assert heartbeats() <= before, where
    return strike
