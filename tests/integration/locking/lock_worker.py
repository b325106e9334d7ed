"""One process of workers that want the same lock: run by exclusion.py.

Argument: a JSON object with the store's ``url``, the ``folder`` for this process's witness file, a ``seed``, whether
the writes are ``guarded``, the number of ``threads``, the ``ttl`` and the ``skew`` of this client's clocks in seconds.
Works until its standard input ends. The witness file gets a JSON line for each thing that happened, flushed at once,
so that it tells the truth also of a process that was killed.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

from tai_state import (
    BackendStore,
    LockConfig,
    LockManager,
    Machine,
    StateMachinePersister,
    SystemClock,
    TaiStateError,
    Transition,
    connect,
)
from tai_state._sync.locking.lock import handle_of
from tests.children import end_with_parent

FREEZES = 0.06
"""How often a worker stops its whole process between its check and its write."""

MACHINE = Machine("tokens", "open", [Transition("write", "open", "open", apply=lambda _, payload: {"token": payload})])
"""Keeps the token of its last writer."""

host = SystemClock()


class SkewedClock:
    """A client's clock that is wrong: its wall clock by *skew* seconds, its elapsed time from another origin."""

    def __init__(self, skew):
        self._skew = skew

    def now(self):
        return host.now() + timedelta(seconds=self._skew)

    def monotonic(self):
        return host.monotonic() + 1e6 + 7 * self._skew


class Witness:
    """Writes down what happened, in the host's boot clock, which all processes share."""

    def __init__(self, path):
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def tell(self, kind, **facts):
        with self._lock:
            self._file.write(json.dumps({"kind": kind, **facts}) + "\n")
            self._file.flush()


class Worker:
    """Takes the lock, writes under it, and lets it go, until it is told to stop."""

    def __init__(self, store, witness, options, number):
        self._locks = LockManager(store, LockConfig(ttl=options["ttl"]))
        self._persister = StateMachinePersister(store, MACHINE)
        self._witness = witness
        self._guarded = options["guarded"]
        self._rng = random.Random(f"{options['seed']}/{number}")
        self._owner = f"{options['seed']}-{number}"

    def run(self, stopped):
        while not stopped.is_set():
            try:
                self._turn()
            except TaiStateError as error:
                self._witness.tell("refused", owner=self._owner, error=type(error).__name__)

    def _turn(self):
        with self._locks.hold("r", owner=self._owner, timeout=30.0) as lock:
            try:
                for _ in range(self._rng.randint(1, 3)):
                    lock.check()
                    self._trusts(lock)
                    if self._rng.random() < FREEZES:
                        os.kill(os.getpid(), signal.SIGSTOP)
                    guard = lock if self._guarded else None
                    self._persister.transition("g", "s", "write", lock.fencing_token, lock=guard)
            finally:
                # Before the release: who is killed right behind it must not seem to have trusted it for longer.
                self._witness.tell("left", token=lock.fencing_token, at=host.monotonic())

    def _trusts(self, lock):
        # In this order, so that a pause between the two makes the trust shorter, never longer.
        left, now = handle_of(lock).remaining(), host.monotonic()
        if left:
            self._witness.tell("trusts", token=lock.fencing_token, since=now, until=min(now, host.monotonic()) + left)


def main(options):
    # Also one that is frozen when the test run is killed.
    end_with_parent()
    witness = Witness(Path(options["folder"]) / f"{options['seed']}.jsonl")
    opened = connect(options["url"])
    clock = SkewedClock(options["skew"])
    store = BackendStore(opened.runtime.access.backend, clock=clock, actor=options["seed"])
    stopped = threading.Event()
    workers = [Worker(store, witness, options, number) for number in range(options["threads"])]
    threads = [threading.Thread(target=worker.run, args=(stopped,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    stopped.set()
    deadline = time.monotonic() + 45
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    sys.exit(any(thread.is_alive() for thread in threads))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
