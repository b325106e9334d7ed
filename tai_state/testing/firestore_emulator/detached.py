"""One emulator per project folder that outlives whoever started it: start, stop, status."""

import contextlib
import os
import signal
import subprocess
import sys

from tai_state.clock import SystemClock
from tai_state.errors import ConfigurationError, StoreUnavailableError
from tai_state.testing.firestore_emulator.endpoint import EmulatorEndpoint, ask_to_shut_down
from tai_state.testing.firestore_emulator.installation import EmulatorInstallation, find_emulator
from tai_state.testing.firestore_emulator.java import LOOPBACK, MAIN_CLASS, arguments_of, java_command, on_some_port
from tai_state.testing.firestore_emulator.log import log_tail
from tai_state.testing.firestore_emulator.readiness import (
    START_TIMEOUT_SECONDS,
    STOP_STEP_SECONDS,
    wait_until,
    wait_until_ready,
)
from tai_state.testing.firestore_emulator.record import (
    EmulatorRecord,
    open_private,
    project_folder,
    read_record,
    record_lock,
    runtime_file,
    write_record,
)

# A detached Java is handed to init by a parent that exits at once: were it our own child, it would stay a
# zombie of any long-lived process that started it and let somebody else stop it.
_LAUNCHER = """
import os, subprocess, sys
java = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=2, stderr=2, start_new_session=True)
os.write(1, b"%d\\n" % java.pid)
os._exit(0)
"""


def start_detached(port: int | None = None, *, start_timeout_seconds: float = START_TIMEOUT_SECONDS) -> EmulatorRecord:
    """Start an emulator that outlives this process, or return the one that runs: a project folder has one.

    Raises:
        ConfigurationError: The jar or Java is missing, one runs already on another port than *port*, or the
            record is not a private file of ours.
        StoreUnavailableError: It died or did not answer in time; the message holds the end of its log.
    """
    with record_lock():
        if (running := _live_record()) is None:
            installation = find_emulator()
            started: list[EmulatorRecord] = []
            on_some_port(port, lambda chosen: started.append(_detach(installation, chosen, start_timeout_seconds)))
            return started[0]
    if port not in (None, running.port):
        raise ConfigurationError(f"an emulator runs already at {running.host}; stop it first: tai-state emulator stop")
    if not wait_until(EmulatorEndpoint(running.host).answers, start_timeout_seconds):
        raise StoreUnavailableError(f"the emulator at {running.host} (pid {running.pid}) runs but does not answer")
    return running


def stop_detached() -> bool:
    """Stop the detached emulator and wait until it is gone; return False when none was running.

    Raises:
        ConfigurationError: The record is not a private file of ours.
        StoreUnavailableError: It is still there after SIGKILL.
    """
    with record_lock():
        record = _live_record()
        if record is None:
            return False
        _end(record, ready=True)
        runtime_file("json").unlink(missing_ok=True)
    return True


def status() -> EmulatorRecord | None:
    """Return the detached emulator that runs, or None; the record of one that is gone is removed.

    Raises:
        ConfigurationError: The record is not a private file of ours.
    """
    record = read_record()
    if record is not None and _is_running(record):
        return record
    if record is None and not runtime_file("json").exists():
        return None
    with record_lock():
        return _live_record()


def _detach(installation: EmulatorInstallation, port: int, timeout_seconds: float) -> EmulatorRecord:
    log_path = runtime_file("log")
    with os.fdopen(open_private(log_path, os.O_RDWR | os.O_CREAT), "r+b", buffering=0) as raw:
        raw.truncate(0)
        command = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *java_command(installation, port, {})]
        said = subprocess.run(  # noqa: S603  our own argument vector, no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=raw, timeout=30, check=False
        ).stdout
        if not said.strip().isdigit():
            raise StoreUnavailableError(f"Java could not be started:\n{log_tail(raw)}")
        record = EmulatorRecord(
            host=f"{LOOPBACK}:{port}",
            port=port,
            pid=int(said),
            started_at=SystemClock().now().isoformat(timespec="seconds"),
            log_path=str(log_path),
            folder=str(project_folder()),
        )
        try:
            # Before the wait: if we are killed in it, `stop` still finds what we started.
            write_record(record)
            wait_until_ready(
                EmulatorEndpoint(record.host),
                raw,
                alive=lambda: _may_be_starting(record),
                timeout_seconds=timeout_seconds,
            )
        except BaseException:
            _end(record, ready=False)
            runtime_file("json").unlink(missing_ok=True)
            raise
    return record


def _end(record: EmulatorRecord, *, ready: bool) -> None:
    def gone() -> bool:
        return not _is_running(record)

    # As in Emulator.stop(): only one that has answered is known to be the one at its port.
    if ready and not gone():
        ask_to_shut_down(record.host)
        wait_until(gone, STOP_STEP_SECONDS)
    for signum in (signal.SIGTERM, signal.SIGKILL):
        if gone():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, signum)
        wait_until(gone, STOP_STEP_SECONDS)
    if not gone():
        raise StoreUnavailableError(f"the emulator with pid {record.pid} did not end after SIGKILL")


def _is_running(record: EmulatorRecord) -> bool:
    """Say whether the recorded pid is that emulator still, and not a later process that got its number."""
    arguments = arguments_of(record.pid)
    return MAIN_CLASS in arguments and f"--port={record.port}" in arguments


def _may_be_starting(record: EmulatorRecord) -> bool:
    """Say whether the emulator lives, or is a process that has no command line yet, just before its exec."""
    if any(arguments_of(record.pid)):
        return _is_running(record)
    try:
        os.kill(record.pid, 0)
    except ProcessLookupError:
        return False
    return True


def _live_record() -> EmulatorRecord | None:
    """Return the record if its emulator runs, else remove the file. The record lock must be held."""
    record = read_record()
    if record is not None and _is_running(record):
        return record
    runtime_file("json").unlink(missing_ok=True)
    return None
