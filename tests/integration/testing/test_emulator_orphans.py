"""Whoever dies, the emulator's Java goes; and nobody else's end takes it away."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator

from tai_state.testing.firestore_emulator import Emulator
from tests.integration.testing.emulators import ROOT, running
from tests.waits import eventually

PARENT = """
import os, sys, time
from tai_state.testing.firestore_emulator import Emulator
one = Emulator().start()
print(one.pid, flush=True)
{then}
"""


@contextlib.contextmanager
def parent_process(then: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a Python that starts an emulator and then does *then*; yield it and its Java's pid."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PARENT.format(then=textwrap.dedent(then))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def test_killed_parent_leaves_no_java(java: str) -> None:
    """SIGKILL gives the parent no chance to clean up, and Java goes nevertheless."""
    with parent_process("time.sleep(60)") as (process, pid):
        assert running(pid)
        process.kill()
        assert eventually(lambda: not running(pid))


def test_killed_parent_with_a_forked_child_alive_leaves_no_java(java: str) -> None:
    """A forked child holds a copy of the pipe, which alone would look like a living parent."""
    then = """
    if os.fork() == 0:
        time.sleep(15)
        os._exit(0)
    print("forked", flush=True)
    time.sleep(60)
    """
    with parent_process(then) as (process, pid):
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "forked"
        process.kill()
        assert eventually(lambda: not running(pid))


def test_parent_that_forgets_to_stop_leaves_no_java(java: str) -> None:
    """The interpreter's exit stops the emulator."""
    with parent_process("") as (process, pid):
        process.wait(timeout=20)
        assert not running(pid)


def test_forked_child_that_exits_does_not_stop_the_parents_emulator(java: str) -> None:
    """Exit handlers that a fork inherits leave the emulator alone."""
    then = """
    if os.fork() == 0:
        sys.exit()
    os.wait()
    print(one.answers(), flush=True)
    """
    with parent_process(then) as (process, _):
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "True"


def test_emulator_outlives_the_thread_that_started_it(java: str) -> None:
    """Only the end of the process counts, not that of the thread that forked."""
    one = Emulator()
    thread = threading.Thread(target=one.start)
    thread.start()
    thread.join()
    try:
        time.sleep(0.5)  # more than two looks of the supervisor: it must still be there after them
        assert one.answers()
    finally:
        one.stop()


def test_killed_supervisor_takes_java_along(java: str) -> None:
    """No single process whose death would orphan Java: on Linux it ends at once, elsewhere with whoever started it."""
    one = Emulator().start()
    pid = one.pid
    try:
        os.kill(os.getpgid(pid), signal.SIGKILL)  # the supervisor leads the group
        if sys.platform != "linux":
            one.stop()  # nothing there is like PDEATHSIG; see tai_state/testing/firestore_emulator/process.py
        assert eventually(lambda: not running(pid))
    finally:
        one.stop()
