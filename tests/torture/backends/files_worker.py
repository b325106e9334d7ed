"""A process that changes states under keys in several threads, holds a lock, and forks whenever it likes.

Each acknowledged key is a line of the journal before the next call. A store whose file was replaced is opened anew.
"""

import faulthandler
import os
import random
import sys
import threading
import time
import traceback
from pathlib import Path

from tai_state import (
    FencedOutError,
    Lock,
    LockLostError,
    LockManager,
    Machine,
    SqliteStore,
    StateMachinePersister,
    StoreReplacedError,
    TaiStateError,
    Transition,
)

MACHINE = Machine("n", "on", [Transition("add", "on", "on", apply=lambda data, _: {"n": data.get("n", 0) + 1})])
STATES = ("a", "b", "guarded")
CHILD_SECONDS_MAX = 30
THREADS = 2
BAD_EXIT = 7


class Journal:
    """Lines that survive the process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, *what: object) -> None:
        os.write(self._file, (" ".join(map(str, what)) + "\n").encode())


class Worker:
    """What the threads of one process share."""

    def __init__(self, path: Path, name: str, seconds: float, journal: Journal) -> None:
        self.path = path
        self.name = name
        self.ends = time.monotonic() + seconds
        self.journal = journal
        self.store = SqliteStore(path, actor=name)
        self.opening = threading.Lock()
        self.lock: Lock | None = None
        self.failures: list[str] = []

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.ends and not self.failures

    def reopen(self, replaced: SqliteStore) -> None:
        """Open the file that is there now, unless another thread did."""
        with self.opening:
            if self.store is replaced:
                while not self.path.exists():
                    time.sleep(0.001)
                self.store = SqliteStore(self.path, actor=self.name)

    def change(self, state: str, key: str, lock: Lock | None = None) -> None:
        """Make one change until it is told as done or as not done."""
        while True:
            store = self.store
            try:
                persister = StateMachinePersister(store, MACHINE)
                if store.find_state("g", state) is None:
                    store.save_state("g", state, {"n": 0}, status="on")
                moved = persister.transition("g", state, "add", idempotency_key=key, lock=lock, timeout=20)
            except StoreReplacedError:
                self.journal.note("told", key)
                if lock is not None:
                    return
                self.reopen(store)
            except (FencedOutError, LockLostError):
                return
            except TaiStateError as error:
                if not error.retryable:
                    raise
            else:
                self.journal.note("acked", key, state, moved.version)
                return

    def run(self, number: int) -> None:
        turn = 0
        try:
            while self.goes_on:
                turn += 1
                self.change(STATES[number % 2], f"{self.name}.{os.getpid()}.{number}.{turn}")
        except BaseException as error:
            self.failures.append(repr(error))
            raise

    def guard(self) -> None:
        turn = 0
        try:
            while self.goes_on:
                turn += 1
                store = self.store
                try:
                    with LockManager(store).hold("r", ttl=2.0, timeout=20) as lock:
                        self.lock = lock
                        self.change("guarded", f"{self.name}.{os.getpid()}.lock.{turn}", lock)
                except StoreReplacedError:
                    self.reopen(store)
                except TaiStateError as error:
                    if not error.retryable and not isinstance(error, LockLostError):
                        raise
        except BaseException as error:
            self.failures.append(repr(error))
            raise

    def child(self, turn: int) -> None:
        """Hold nothing, and make changes of its own over the inherited store."""
        # A child that hangs tells where.
        faulthandler.dump_traceback_later(CHILD_SECONDS_MAX / 2)
        lock = self.lock
        if lock is not None and lock.held:
            os._exit(BAD_EXIT)
        self.opening = threading.Lock()
        for number in range(3):
            self.change("a", f"{self.name}.{os.getpid()}.child.{turn}.{number}")
        os._exit(0)


def main() -> None:
    path, name, seconds, seed = sys.argv[1:]
    rng = random.Random(seed)
    worker = Worker(Path(path), name, float(seconds), Journal(Path(path).with_name(f"{name}.journal")))
    threads = [threading.Thread(target=worker.run, args=(number,)) for number in range(THREADS)]
    threads.append(threading.Thread(target=worker.guard))
    for thread in threads:
        thread.start()
    turn = 0
    while worker.goes_on:
        turn += 1
        time.sleep(rng.uniform(0, 0.2))
        pid = os.fork()
        if not pid:
            try:
                worker.child(turn)
            except BaseException:  # noqa: BLE001 - the child must not go on as its parent
                traceback.print_exc()
            finally:
                os._exit(1)
        ends = time.monotonic() + CHILD_SECONDS_MAX
        while (done := os.waitpid(pid, os.WNOHANG)) == (0, 0):
            if time.monotonic() > ends:
                os.kill(pid, 9)
                worker.failures.append("a child hangs")
                break
            time.sleep(0.005)
        else:
            worker.journal.note("forked", done[1])
            if done[1]:
                worker.failures.append(f"a child ended with {os.waitstatus_to_exitcode(done[1])}")
    for thread in threads:
        thread.join()
    if worker.failures:
        sys.exit("; ".join(worker.failures))


if __name__ == "__main__":
    main()
