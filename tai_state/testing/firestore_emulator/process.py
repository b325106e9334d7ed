"""An emulator of our own: started, supervised, and ended with this process at the latest."""

import atexit
import contextlib
import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import BinaryIO, Self, Unpack

from tai_state.errors import StoreUnavailableError
from tai_state.testing.firestore_emulator.endpoint import EmulatorEndpoint, ask_to_shut_down
from tai_state.testing.firestore_emulator.installation import EmulatorInstallation, find_emulator
from tai_state.testing.firestore_emulator.java import (
    LOOPBACK,
    EmulatorOptions,
    PortTakenError,
    arguments_of,
    java_command,
    on_some_port,
)
from tai_state.testing.firestore_emulator.log import log_tail, open_log
from tai_state.testing.firestore_emulator.readiness import (
    START_TIMEOUT_SECONDS,
    STOP_STEP_SECONDS,
    wait_until,
    wait_until_ready,
)

# Java must die with us, however we die: a clean stop, Ctrl-C, a failed test, SIGKILL. Linux's PDEATHSIG alone
# would not do: it fires when the *thread* that forked dies, so an emulator started from a worker thread would
# fall with that thread, and other systems lack it. So a small single-threaded interpreter stands between: it
# holds the read end of a pipe whose write end is ours alone, and ends Java on end of file. It looks at its
# parent's pid too, because a process that we forked (not exec'ed) keeps a copy of the write end. Only for its
# own death by SIGKILL it uses PDEATHSIG, safe there because it has one thread. It keeps no signal window:
# handlers set a flag, since an exception inside Popen could lose the pid of a Java just forked.
_SUPERVISOR = """
import os, select, signal, subprocess, sys
told_to_stop = []
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda signum, frame: told_to_stop.append(signum))
try:
    import ctypes
    prctl = ctypes.CDLL(None).prctl
    die_with_me = lambda: prctl(1, 9)
except Exception:
    die_with_me = None
parent = int(sys.argv[1])
java = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=2, stderr=2, preexec_fn=die_with_me)
try:
    os.write(1, b"%d\\n" % java.pid)
except OSError:
    told_to_stop.append(0)
while java.poll() is None and not told_to_stop and os.getppid() == parent:
    if select.select([0], [], [], 0.2)[0]:
        break
if java.poll() is None:
    java.terminate()
    try:
        java.wait(3)
    except subprocess.TimeoutExpired:
        java.kill()
        java.wait()
"""


@dataclass(frozen=True, slots=True)
class _Child:
    """A supervisor, which leads its own process group, and the Java in that group."""

    supervisor: subprocess.Popen[bytes]
    java_pid: int
    port: int
    ready: bool = False


class Emulator(EmulatorEndpoint):
    """An emulator of our own: it runs from ``start()`` to ``stop()``, and never longer than this process."""

    def __init__(self, **options: Unpack[EmulatorOptions]) -> None:
        """Take the options; nothing is started yet."""
        super().__init__("")
        self._options = options
        self._child: _Child | None = None
        self._owner_pid = 0

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    @property
    def host(self) -> str:
        """Where it listens, ``"127.0.0.1:PORT"``."""
        return f"{LOOPBACK}:{self._running().port}"

    @property
    def pid(self) -> int:
        """The process id of its Java."""
        return self._running().java_pid

    def start(self) -> Self:
        """Start it, and return once it answers. Starting one that runs does nothing.

        Raises:
            ConfigurationError: The jar, Java or a file that an option names is missing, or Java is too old.
            StoreUnavailableError: It died or did not answer in time; the message holds the end of its log.
        """
        if self._child is not None:
            return self
        self._owner_pid = os.getpid()
        installation = find_emulator()
        try:
            on_some_port(self._options.get("port"), lambda port: self._start_on(installation, port))
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End Java and wait until it is gone: asked over HTTP, then SIGTERM, then SIGKILL. Safe to repeat."""
        # A process forked from ours inherits this object and our exit handlers, but not the emulator.
        if os.getpid() != self._owner_pid:
            return
        atexit.unregister(self.stop)
        child = self._child
        if child is None:
            return
        # Until ours has answered, its port may be a foreign emulator's, which is not ours to shut down.
        if child.ready:
            ask_to_shut_down(self.host)
            wait_until(lambda: not _group_lives(child), STOP_STEP_SECONDS)
        for signum in (signal.SIGTERM, signal.SIGKILL):
            _signal_group(child, signum)
            if wait_until(lambda: not _group_lives(child), STOP_STEP_SECONDS):
                break
        for pipe in (child.supervisor.stdin, child.supervisor.stdout):
            if pipe is not None:
                pipe.close()
        self._child = None

    def _running(self) -> _Child:
        if self._child is None:
            message = "the emulator is not running: call start(), or use it in a with statement"
            raise RuntimeError(message)
        return self._child

    def _start_on(self, installation: EmulatorInstallation, port: int) -> None:
        with open_log(self._options.get("log_path")) as log:
            command = java_command(installation, port, self._options)
            atexit.register(self.stop)
            supervisor = subprocess.Popen(  # noqa: S603  our own argument vector, no shell
                [sys.executable, "-I", "-S", "-c", _SUPERVISOR, str(os.getpid()), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C at the terminal must reach us alone: we stop it in order
            )
            # Known before the pid is read, so that stop() ends the group even when we are interrupted here.
            self._child = _Child(supervisor, supervisor.pid, port)
            self._child = _Child(supervisor, _read_pid(supervisor, log), port)
            try:
                wait_until_ready(
                    self,
                    log,
                    alive=lambda: supervisor.poll() is None,
                    timeout_seconds=self._options.get("start_timeout_seconds", START_TIMEOUT_SECONDS),
                )
            except PortTakenError:
                self.stop()
                raise
            self._child = replace(self._child, ready=True)


def _group_lives(child: _Child) -> bool:
    if child.supervisor.poll() is None:
        return True
    # Our supervisor was killed before its Java. A group keeps its number while a member lives, so a match
    # means that this is still our Java and not a later process with the same pid. A zombie has no arguments.
    try:
        return os.getpgid(child.java_pid) == child.supervisor.pid and bool(arguments_of(child.java_pid))
    except ProcessLookupError:
        return False


def _signal_group(child: _Child, signum: int) -> None:
    if _group_lives(child):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.supervisor.pid, signum)


def _read_pid(supervisor: subprocess.Popen[bytes], log: BinaryIO) -> int:
    assert supervisor.stdout is not None
    ready, _, _ = select.select([supervisor.stdout], [], [], START_TIMEOUT_SECONDS)
    line = supervisor.stdout.readline() if ready else b""
    if not line.strip().isdigit():
        raise StoreUnavailableError(f"Java could not be started:\n{log_tail(log)}")
    return int(line)
