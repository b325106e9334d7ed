"""A process that is sent a signal at one point of a guarded move; run by test_interrupts_processes.py.

Arguments: the store's URL, "sync" or "async", the signal ("INT" or "TERM"), and where it comes: "before", "within" or
"behind" the commit of the move, in a "read" of it, or once it is "acknowledged". With "drain", SIGTERM's handler drains
the store and exits with 0, as on Cloud Run; with "default" it has none; else it exits with 143.
"""

import asyncio
import os
import signal
import sys
import threading

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncStateMachinePersister,
    BackendStore,
    LockManager,
    StateMachinePersister,
    async_connect,
    connect,
)
from tests._async.stores import AsyncWrappedBackend
from tests._sync.machines import COUNTER
from tests._sync.stores import WrappedBackend

MOVE = ("g", "s", "add", 1)


class Aim:
    """Sends this process the signal, once it is armed and the point is reached."""

    def __init__(self, number: int, point: str) -> None:
        self.number = number
        self.point = point
        self.armed = False

    def reached(self, point: str) -> None:
        if not self.armed or point != self.point:
            return
        self.armed = False
        if point == "within":
            # From another thread, while this one is in the commit or on its way there.
            threading.Timer(0.0005, self._send).start()
        else:
            self._send()

    def _send(self) -> None:
        os.kill(os.getpid(), self.number)


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


class SignalledBackend(WrappedBackend):
    def __init__(self, inner, aim: Aim) -> None:
        super().__init__(inner)
        self.aim = aim

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        self.aim.reached("read")
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def commit(self, writes, *, timeout):
        self.aim.reached("before")
        self.aim.reached("within")
        result = super().commit(writes, timeout=timeout)
        self.aim.reached("behind")
        return result


class AsyncSignalledBackend(AsyncWrappedBackend):
    def __init__(self, inner, aim: Aim) -> None:
        super().__init__(inner)
        self.aim = aim

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        self.aim.reached("read")
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    async def commit(self, writes, *, timeout):
        self.aim.reached("before")
        self.aim.reached("within")
        result = await super().commit(writes, timeout=timeout)
        self.aim.reached("behind")
        return result


def main(url: str, aim: Aim, flag: str) -> None:
    with BackendStore(SignalledBackend(connect(url).runtime.access.backend, aim), actor="worker") as store:

        def end(number, frame):
            if flag == "drain":
                say("drained", store.drain(timeout=20))
            sys.exit(0 if flag == "drain" else 128 + number)

        if flag != "default":
            signal.signal(signal.SIGTERM, end)
        with LockManager(store).hold("r", owner="worker", ttl=600) as lock:
            aim.armed = True
            moved = StateMachinePersister(store, COUNTER).transition(*MOVE, idempotency_key="k", lock=lock)
            say("acknowledged", moved.version)
            aim.reached("acknowledged")
            threading.Event().wait(30)


async def async_main(url: str, aim: Aim) -> None:
    async with AsyncBackendStore(
        AsyncSignalledBackend(async_connect(url).runtime.access.backend, aim), actor="worker"
    ) as store:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        async with AsyncLockManager(store).hold("r", owner="worker", ttl=600) as lock:
            aim.armed = True
            persister = AsyncStateMachinePersister(store, COUNTER)
            moved = await persister.transition(*MOVE, idempotency_key="k", lock=lock)
            say("acknowledged", moved.version)
            aim.reached("acknowledged")
            await asyncio.sleep(30)


def run(colour: str, url: str, aim: Aim, flag: str) -> None:
    if colour == "sync":
        main(url, aim, flag)
        return
    try:
        asyncio.run(async_main(url, aim))
    except asyncio.CancelledError:
        sys.exit(128 + aim.number)


if __name__ == "__main__":
    # A process that a shell started in the background ignores Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    numbers: dict[str, int] = {"INT": signal.SIGINT, "TERM": signal.SIGTERM}
    run(sys.argv[2], sys.argv[1], Aim(numbers[sys.argv[3]], sys.argv[4]), (*sys.argv[5:], "")[0])
