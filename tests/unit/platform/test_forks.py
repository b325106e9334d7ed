"""A fork's child: no lock of a thread that it does not have, and nothing of the calls that its parent has under way."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from tai_state import LockManager, MemoryStore, observers
from tai_state._sync.access.turns import Lines
from tai_state._sync.feeds.under_way import UnderWay as WorkUnderWay
from tai_state._sync.locking.registry import LockRegistry
from tai_state.backends.firestore.channels import Channels
from tai_state.backends.firestore.client import Source
from tai_state.backends.memory import MemoryEngine
from tai_state.clock import Deadline, SystemClock
from tai_state.documents import DocumentPath
from tai_state.heads import HeadCache
from tai_state.rules.commits.change import Head
from tai_state.testing.faults import FaultPlan, Faults, Kind, UnderWay
from tests.forking import IGNORED, in_child

pytestmark = pytest.mark.filterwarnings(IGNORED)

PATH = DocumentPath("c", "d")
SOON = Deadline(SystemClock(), 60.0)


def _take_turn(lines: Lines) -> None:
    with lines.turn("key", SOON):
        pass


def _heads() -> HeadCache[Head]:
    return MemoryStore().runtime.writer.heads


GUARDED: dict[str, tuple[Callable[[], Any], str, Callable[[Any], object]]] = {
    "turns": (Lines, "_guard", _take_turn),
    "locks": (LockRegistry, "_guard", lambda one: one.held()),
    "heads": (_heads, "_lock", lambda one: one.get(PATH)),
    "memory": (lambda: MemoryEngine(SystemClock()), "_lock", lambda one: one.read([PATH])),
    "channel": (lambda: Channels(Source("p", "", None), ""), "_lock", lambda one: one.close()),
    "client": (lambda: Source("p", "", None), "_lock", lambda one: one._lock.acquire()),
    "fates": (lambda: FaultPlan(1, Faults()), "_lock", lambda one: one.next(Kind.READ)),
    "under_way": (UnderWay, "_lock", lambda one: one.take()),
    "observers": (lambda: observers, "_guard", lambda one: one.Observers().remove(None)),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", GUARDED)
def test_a_lock_that_was_taken_at_the_fork_is_free_in_the_child(name):
    """Another thread may have been inside it, which the child does not have."""
    make, guard, use = GUARDED[name]
    one = make()
    with getattr(one, guard):
        pid = os.fork()
        if not pid:
            signal.alarm(10)
            use(one)
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.fixture
def busy(monkeypatch):
    """A store with a call under way in another thread, which has the turn of a state."""
    store, entered, leave = MemoryStore(actor="tester"), threading.Event(), threading.Event()
    commit = store.runtime.access.backend.commit

    def slow(writes, *, timeout):
        entered.set()
        assert leave.wait(30)
        return commit(writes, timeout=timeout)

    monkeypatch.setattr(store.runtime.access.backend, "commit", slow)
    call = threading.Thread(target=store.save_state, args=("g", "s", {}))
    call.start()
    assert entered.wait(30)
    monkeypatch.undo()
    yield store
    leave.set()
    call.join()


def test_a_child_takes_the_turn_that_a_call_of_its_parent_has(busy):
    """A state that a thread was about to change at the fork can be changed in the child."""
    assert in_child(lambda: busy.save_state("g", "s", {}, timeout=5)) == 0


def test_a_child_does_not_wait_for_calls_of_its_parent(busy):
    """A drain there has nothing to wait for; in the parent the call goes on."""

    def drain():
        assert busy.drain(timeout=0.05)

    assert in_child(drain) == 0
    assert not busy.drain(timeout=0.05)


def test_a_call_that_forked_ends_in_the_child_too(monkeypatch):
    """The thread that forks is the one that goes on: it leaves its turn and its count there without a trace."""
    store = MemoryStore(actor="tester")
    commit = store.runtime.access.backend.commit
    children = []

    def forking(writes, *, timeout):
        monkeypatch.undo()
        children.append(os.fork())
        return commit(writes, timeout=timeout)

    monkeypatch.setattr(store.runtime.access.backend, "commit", forking)
    try:
        store.save_state("g", "s", {})
        store.save_state("g", "s", {})
        store.drain()
    except BaseException:
        if not children[0]:
            os._exit(1)
        raise
    if not children[0]:
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0


def test_a_child_has_locks_of_its_own():
    """What it acquires itself it holds, and its drain releases, the parent's apart."""
    store = MemoryStore(actor="tester")
    locks = LockManager(store)
    locks.acquire("parents", heartbeat=False)

    def hold():
        locks.acquire("childs", heartbeat=False)
        assert [lock.resource for lock in store.runtime.locks.held()] == ["childs"]
        assert store.drain(timeout=5.0)
        assert store.runtime.locks.held() == []

    assert in_child(hold) == 0


def test_what_is_on_its_way_arrives_once():
    """A commit that a faulty store delays is the parent's to deliver."""
    under_way = UnderWay()
    under_way.send([], arrives=1)

    def look():
        assert under_way.take() is None

    assert in_child(look) == 0
    assert under_way.take() == ()


def test_a_child_waits_for_nobody_whose_work_is_the_parents():
    """A subscription that is drained there has nothing under way, and what was under way ends in both."""
    under_way = WorkUnderWay()
    began, go_on = threading.Event(), threading.Event()

    def work():
        with under_way.work():
            began.set()
            go_on.wait(60.0)

    worker = threading.Thread(target=work)
    worker.start()
    began.wait(60.0)

    def look():
        assert under_way.ended(0.0)

    with under_way.work():
        assert in_child(look) == 0
        assert not under_way.ended(0.0)
    go_on.set()
    worker.join()
    assert under_way.ended(0.0)


def test_a_child_of_another_thread_can_be_interrupted():
    """Forked while the main thread keeps signals out of a call, a child does not keep them out for ever."""
    program = """
        import os, signal, threading
        from tai_state._platform.interrupts import Deferral
        signals = [signal.SIGINT, signal.SIGTERM]
        signal.signal(signal.SIGTERM, lambda *_: None)
        before = [signal.getsignal(one) for one in signals]
        status = []

        def fork():
            pid = os.fork()
            if not pid:
                os._exit([signal.getsignal(one) for one in signals] != before)
            status.append(os.waitpid(pid, 0)[1])

        with Deferral():
            thread = threading.Thread(target=fork)
            thread.start()
            thread.join()
        assert status == [0], status
        assert [signal.getsignal(one) for one in signals] == before
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=60)


BEGUN = threading.Event()
SLOW_MODULE = f"""
import time
from {__name__} import BEGUN
BEGUN.set()
time.sleep(0.5)
WHOLE = True
"""


def test_a_child_has_each_module_whole(tmp_path, monkeypatch):
    """What another thread was importing is imported before the fork: the child would wait for that thread for ever."""
    (tmp_path / "imported_slowly.py").write_text(SLOW_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    importing = threading.Thread(target=import_module, args=("imported_slowly",))
    importing.start()
    assert BEGUN.wait(20)
    assert in_child(lambda: import_module("imported_slowly").WHOLE) == 0
    importing.join()
    monkeypatch.delitem(sys.modules, "imported_slowly")
