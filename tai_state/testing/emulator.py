"""Find, start and stop Google's Firestore emulator, and never leave its Java behind.

Two ways to run it: ``emulator()`` for tests, whose emulator ends with the process that started it,
and ``start_detached()`` for a person at a terminal, whose emulator runs until ``stop_detached()``.
Both start the jar with Java directly: ``gcloud emulators firestore start`` is a chain of wrappers, and
ending the outermost of them orphans the Java inside. POSIX only. The module needs the standard library
and ``tai_state.errors`` alone, so that it can say what is missing before anything else is installed.
"""

import argparse
import atexit
import contextlib
import errno
import http.client
import json
import logging
import os
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO, Self, TypedDict, Unpack
from urllib.parse import quote

from tai_state.errors import ConfigurationError, StoreUnavailableError

__all__ = [
    "Emulator",
    "EmulatorEndpoint",
    "EmulatorInstallation",
    "EmulatorOptions",
    "EmulatorRecord",
    "emulator",
    "find_emulator",
    "missing_parts",
    "new_project_id",
    "obtain_emulator",
    "start_detached",
    "status",
    "stop_detached",
]

logger = logging.getLogger(__name__)

HOST_VARIABLE = "FIRESTORE_EMULATOR_HOST"
JAR_VARIABLE = "FIRESTORE_EMULATOR_JAR"
JAVA_MAJOR_MIN = 11
MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
START_TIMEOUT_SECONDS = 60.0
HEAP_MIB = 1024

_LOOPBACK = "127.0.0.1"
_JAR_IN_SDK = Path("platform/cloud-firestore-emulator/cloud-firestore-emulator.jar")
_SDK_ROOTS = (
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "~/google-cloud-sdk",
    "/opt/homebrew/share/google-cloud-sdk",
    "/usr/local/share/google-cloud-sdk",
)
_HOMEBREW_CASKROOMS = ("/opt/homebrew/Caskroom", "/usr/local/Caskroom")
# Homebrew installs OpenJDK without linking it into PATH.
_HOMEBREW_JAVAS = ("/opt/homebrew/opt/openjdk/bin/java", "/usr/local/opt/openjdk/bin/java")

_PORT_ATTEMPTS_MAX = 5
_POLL_SECONDS = 0.05
_HTTP_TIMEOUT_SECONDS = 5.0
_PROBE_TIMEOUT_SECONDS = 1.0
_STOP_STEP_SECONDS = 5.0
_LOG_TAIL_BYTES = 4096
# An emulator whose log no longer says that it listens is believed after this many seconds of answering.
_UNCONFIRMED_SECONDS = 20.0

_HOW_TO_GET_JAR = f"""\
the emulator's jar was not found. Install it with one of
    apt-get install google-cloud-cli-firestore-emulator  (Debian and Ubuntu, from Google's repository)
    gcloud components install cloud-firestore-emulator  (a gcloud that was not installed by apt)
    npm i -g firebase-tools && firebase setup:emulators:firestore
  or set {JAR_VARIABLE} to the path of a jar that you have"""
_HOW_TO_GET_JAVA = """\
Install it with one of
    apt-get install default-jre-headless  (Debian and Ubuntu)
    brew install openjdk  (macOS)
  or set JAVA_HOME"""

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

# A detached Java is handed to init by a parent that exits at once: were it our own child, it would stay a
# zombie of any long-lived process that started it and let somebody else stop it.
_LAUNCHER = """
import os, subprocess, sys
java = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=2, stderr=2, start_new_session=True)
os.write(1, b"%d\\n" % java.pid)
os._exit(0)
"""


class _PortTakenError(Exception):
    """Somebody else bound the port between our choice and Java's bind."""


# --- What is installed


@dataclass(frozen=True, slots=True)
class EmulatorInstallation:
    """An emulator that can be started: its jar, a Java new enough for it, and where each was found."""

    jar: Path
    java: Path
    java_major: int
    found_by: str


def find_emulator() -> EmulatorInstallation:
    """Return the emulator to use.

    The jar comes from ``$FIRESTORE_EMULATOR_JAR``, gcloud's component, or the Firebase CLI's cache, the first
    that has one. Java comes from ``$JAVA_HOME``, ``PATH``, or Homebrew, the first that is new enough.

    Raises:
        ConfigurationError: Something is missing; the message says what, and the commands that install it.
    """
    jar, java, problems = _look()
    if jar is None or java is None:
        raise ConfigurationError("cannot run the Firestore emulator:\n- " + "\n- ".join(problems))
    return EmulatorInstallation(jar=jar[0], java=java[0], java_major=java[1], found_by=f"{jar[1]}, {java[2]}")


def missing_parts() -> tuple[str, ...]:
    """Return which of ``"emulator"`` and ``"java"`` are missing here."""
    jar, java, _ = _look()
    return (() if jar else ("emulator",)) + (() if java else ("java",))


def _look() -> tuple[tuple[Path, str] | None, tuple[Path, int, str] | None, list[str]]:
    problems: list[str] = []
    named = os.environ.get(JAR_VARIABLE)
    if named and not Path(named).is_file():
        # A path that was asked for is never silently replaced by another one.
        jar = None
        named_wrongly = (
            f"{JAR_VARIABLE} names {named}, which is not a file; correct it, or unset it. Without it,"
        )
        problems.append(f"{named_wrongly} {_HOW_TO_GET_JAR}")
    else:
        jar = next((found for found in _jar_candidates() if found[0].is_file()), None)
        if jar is None:
            problems.append(_HOW_TO_GET_JAR)
    java, rejected = _find_java()
    if java is None:
        seen = f" (found: {'; '.join(rejected)})" if rejected else ""
        problems.append(f"Java {JAVA_MAJOR_MIN} or newer was not found{seen}. {_HOW_TO_GET_JAVA}")
    return jar, java, problems


def _jar_candidates() -> Iterator[tuple[Path, str]]:
    if named := os.environ.get(JAR_VARIABLE):
        yield Path(named).absolute(), f"jar from {JAR_VARIABLE}"
    for root in _sdk_roots():
        yield root / _JAR_IN_SDK, "jar from gcloud's component"
    folder = Path(os.environ.get("FIREBASE_EMULATORS_PATH") or "~/.cache/firebase/emulators").expanduser()
    for cached in sorted(folder.glob("cloud-firestore-emulator-v*.jar"), key=_version_in_name, reverse=True):
        yield cached, "jar from the Firebase CLI's cache"


def _sdk_roots() -> Iterator[Path]:
    if gcloud := shutil.which("gcloud"):
        yield Path(gcloud).resolve().parent.parent
    if root := os.environ.get("CLOUDSDK_ROOT_DIR"):
        yield Path(root)
    for known in _SDK_ROOTS:
        with contextlib.suppress(RuntimeError):  # expanduser() of a user without a home
            yield Path(known).expanduser()
    for caskroom in _HOMEBREW_CASKROOMS:
        yield from sorted(Path(caskroom).glob("g*cloud*/*/google-cloud-sdk"))


def _version_in_name(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", path.name))


def _find_java() -> tuple[tuple[Path, int, str] | None, list[str]]:
    rejected: list[str] = []
    for path, source in _java_candidates():
        major = _java_major(path)
        if major is not None and major >= JAVA_MAJOR_MIN:
            return (path, major, f"Java {major} from {source}"), rejected
        rejected.append(f"{path} is Java {major}" if major else f"{path} does not run")
    return None, rejected


def _java_candidates() -> Iterator[tuple[Path, str]]:
    home = os.environ.get("JAVA_HOME")
    if home and (path := Path(home) / "bin" / "java").is_file():
        yield path, "JAVA_HOME"
    if found := shutil.which("java"):
        yield Path(found), "PATH"
    for keg in _HOMEBREW_JAVAS:
        if Path(keg).is_file():
            yield Path(keg), "Homebrew"


def _java_major(java: Path) -> int | None:
    """Return the major version of *java*, or None when it does not run, as the stub that macOS ships."""
    command = [str(java), "-version"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)  # Java 8 calls itself 1.8
    return int(match[1]) if match else None


# --- Talking to a running emulator


def new_project_id() -> str:
    """Return a valid project id of which there is no other, so that tests share neither data nor locks."""
    return f"tai-{uuid.uuid4().hex[:20]}"


class EmulatorEndpoint:
    """An emulator that answers somewhere, whoever started it."""

    def __init__(self, host: str) -> None:
        """Speak to the emulator at *host*, ``"127.0.0.1:8080"``."""
        self._host = host

    @property
    def host(self) -> str:
        """Where it listens, in the form of ``FIRESTORE_EMULATOR_HOST``."""
        return self._host

    def answers(self) -> bool:
        """Say whether an HTTP server answers there now."""
        try:
            return self._request("GET", "/", _PROBE_TIMEOUT_SECONDS)[0] == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    def clear(self, project: str, database: str = "(default)") -> None:
        """Delete every document of *project*'s *database*.

        Raises:
            StoreUnavailableError: The emulator did not answer, or it refused, as it does while a transaction
                that nobody ended holds locks, for up to a minute: give each test a project of its own.
        """
        name = f"projects/{quote(project, safe='')}/databases/{quote(database, safe='()')}"
        try:
            code, body = self._request("DELETE", f"/emulator/v1/{name}/documents")
        except (OSError, http.client.HTTPException) as exc:
            raise StoreUnavailableError(
                f"the Firestore emulator at {self.host} does not answer: {exc!r}"
            ) from exc
        if code != http.HTTPStatus.OK:
            raise StoreUnavailableError(f"the Firestore emulator did not clear {project}: HTTP {code} {body}")

    def _request(
        self, method: str, path: str, timeout_seconds: float = _HTTP_TIMEOUT_SECONDS
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.host, timeout=timeout_seconds)
        try:
            # The bearer "owner" stands above the security rules; the emulator knows no other administrator.
            connection.request(method, path, headers={"Authorization": "Bearer owner"})
            response = connection.getresponse()
            return response.status, response.read(_LOG_TAIL_BYTES).decode(errors="replace")
        finally:
            connection.close()

    def _ask_to_shut_down(self) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            self._request("POST", "/shutdown")


# --- One that ends with us


class EmulatorOptions(TypedDict, total=False):
    """How to start an emulator.

    Keys:
        port: The loopback port; a free one when absent.
        rules: A file of security rules. Server clients bypass rules.
        import_data: An ``*.overall_export_metadata`` file of an earlier export.
        log_path: Where its output goes, truncated first; an unnamed temporary file when absent.
        start_timeout_seconds: How long it may take until it answers, 60 by default.
        heap_mib: The most that Java's heap may grow to, 1024 MiB by default; beyond it the emulator exits.
    """

    port: int
    rules: str | os.PathLike[str]
    import_data: str | os.PathLike[str]
    log_path: str | os.PathLike[str]
    start_timeout_seconds: float
    heap_mib: int


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
        return f"{_LOOPBACK}:{self._running().port}"

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
            _on_some_port(self._options.get("port"), lambda port: self._start_on(installation, port))
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
            self._ask_to_shut_down()
            _wait_until(lambda: not _group_lives(child), _STOP_STEP_SECONDS)
        for signum in (signal.SIGTERM, signal.SIGKILL):
            _signal_group(child, signum)
            if _wait_until(lambda: not _group_lives(child), _STOP_STEP_SECONDS):
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
        with _open_log(self._options.get("log_path")) as log:
            command = _java_command(installation, port, self._options)
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
                _wait_until_ready(
                    self,
                    log,
                    alive=lambda: supervisor.poll() is None,
                    timeout_seconds=self._options.get("start_timeout_seconds", START_TIMEOUT_SECONDS),
                )
            except _PortTakenError:
                self.stop()
                raise
            self._child = replace(self._child, ready=True)


@contextlib.contextmanager
def obtain_emulator(**options: Unpack[EmulatorOptions]) -> Iterator[EmulatorEndpoint]:
    """Yield the emulator that ``FIRESTORE_EMULATOR_HOST`` names if it answers, else one of our own.

    Raises:
        ConfigurationError: One must be started and cannot be.
        StoreUnavailableError: The one started died or did not answer in time.
    """
    named = os.environ.get(HOST_VARIABLE)
    if named:
        endpoint = EmulatorEndpoint(named)
        if endpoint.answers():
            yield endpoint
            return
        logger.warning("%s names %s, where nothing answers; starting another emulator", HOST_VARIABLE, named)
    with Emulator(**options) as own:
        yield own


@contextlib.contextmanager
def emulator(**options: Unpack[EmulatorOptions]) -> Iterator[EmulatorEndpoint]:
    """Yield a running emulator, with ``FIRESTORE_EMULATOR_HOST`` naming it inside the ``with``.

    One that the variable names already and that answers is used as it is, and left running.
    The raised errors are those of ``obtain_emulator``.
    """
    with obtain_emulator(**options) as endpoint:
        before = os.environ.get(HOST_VARIABLE)
        os.environ[HOST_VARIABLE] = endpoint.host
        try:
            yield endpoint
        finally:
            if before is None:
                os.environ.pop(HOST_VARIABLE, None)
            else:
                os.environ[HOST_VARIABLE] = before


def _group_lives(child: _Child) -> bool:
    if child.supervisor.poll() is None:
        return True
    # Our supervisor was killed before its Java. A group keeps its number while a member lives, so a match
    # means that this is still our Java and not a later process with the same pid. A zombie has no arguments.
    try:
        return os.getpgid(child.java_pid) == child.supervisor.pid and bool(_arguments_of(child.java_pid))
    except ProcessLookupError:
        return False


def _signal_group(child: _Child, signum: int) -> None:
    if _group_lives(child):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.supervisor.pid, signum)


# --- Starting Java


def _java_command(installation: EmulatorInstallation, port: int, options: EmulatorOptions) -> list[str]:
    # Measured on two cores: with the serial collector it starts in 1.2 s rather than 1.4 s, and takes 330 MB
    # at work rather than 640 MB. C1 alone (TieredStopAtLevel=1) would start 0.1 s sooner still, but it stays
    # at 1,250 commits/s where C2 reaches 2,150.
    command = [
        str(installation.java),
        "-XX:+UseSerialGC",
        f"-Xmx{options.get('heap_mib', HEAP_MIB)}m",
        "-XX:+ExitOnOutOfMemoryError",  # better gone than answering no one
        "-Duser.language=en",  # the emulator supports English messages only
        "-cp",
        str(installation.jar),
        MAIN_CLASS,
        f"--host={_LOOPBACK}",
        f"--port={port}",
    ]
    for name, path in (("rules", options.get("rules")), ("import-data", options.get("import_data"))):
        if path is not None:
            if not Path(path).is_file():
                raise ConfigurationError(f"{name} names {os.fspath(path)}, which is not a file")
            command.append(f"--{name}={Path(path).absolute()}")
    return command


def _on_some_port(wanted: int | None, start: Callable[[int], None]) -> None:
    """Run *start* on the *wanted* port, or on free ones until one stays free until Java has bound it."""
    for _ in range(1 if wanted else _PORT_ATTEMPTS_MAX):
        port = wanted or _free_port()
        try:
            return start(port)
        except _PortTakenError:
            logger.info("port %d was taken before the emulator bound it", port)
    if wanted:
        raise StoreUnavailableError(f"the Firestore emulator cannot listen on port {wanted}: it is taken")
    raise StoreUnavailableError(f"no free port stayed free, {_PORT_ATTEMPTS_MAX} times in a row")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


def _open_log(path: str | os.PathLike[str] | None) -> BinaryIO:
    # Unnamed: it vanishes with its last descriptor, also when we are killed.
    return tempfile.TemporaryFile("w+b", buffering=0) if path is None else Path(path).open("w+b", buffering=0)


def _log_text(log: BinaryIO) -> str:
    # pread: Java writes through the same open file, and its offset must not move.
    return os.pread(log.fileno(), 1_000_000, 0).decode(errors="replace")


def _read_pid(supervisor: subprocess.Popen[bytes], log: BinaryIO) -> int:
    assert supervisor.stdout is not None
    ready, _, _ = select.select([supervisor.stdout], [], [], START_TIMEOUT_SECONDS)
    line = supervisor.stdout.readline() if ready else b""
    if not line.strip().isdigit():
        raise StoreUnavailableError(f"Java could not be started:\n{_log_text(log)[-_LOG_TAIL_BYTES:]}")
    return int(line)


def _wait_until_ready(
    endpoint: EmulatorEndpoint, log: BinaryIO, *, alive: Callable[[], bool], timeout_seconds: float
) -> None:
    """Return once the emulator that writes *log* answers at *endpoint*.

    Raises:
        _PortTakenError: Its port belongs to somebody else.
        ConfigurationError: Its jar needs a newer Java.
        StoreUnavailableError: It died, or *timeout_seconds* passed.
    """
    started = time.monotonic()
    answered_since: float | None = None
    while time.monotonic() - started < timeout_seconds:
        if not alive():
            _raise_for_dead(_log_text(log))
        if endpoint.answers():
            answered_since = answered_since or time.monotonic()
            # An answer alone may be a foreign server's that took our port, while our Java has yet to fail.
            confirmed = f"http://{endpoint.host}" in _log_text(log)
            if confirmed or time.monotonic() - answered_since > _UNCONFIRMED_SECONDS:
                return
        time.sleep(_POLL_SECONDS)
    tail = _log_text(log)[-_LOG_TAIL_BYTES:]
    raise StoreUnavailableError(
        f"the Firestore emulator did not answer within {timeout_seconds:g} s:\n{tail}"
    )


def _raise_for_dead(said: str) -> None:
    if "BindException" in said or "Address already in use" in said:
        raise _PortTakenError
    tail = said[-_LOG_TAIL_BYTES:]
    if "UnsupportedClassVersionError" in said:
        raise ConfigurationError(
            f"this Firestore emulator needs a newer Java. {_HOW_TO_GET_JAVA}\nIt said:\n{tail}"
        )
    raise StoreUnavailableError(f"the Firestore emulator died while starting:\n{tail}")


def _wait_until(condition: Callable[[], bool], timeout_seconds: float) -> bool:
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


# --- One that outlives us


@dataclass(frozen=True, slots=True)
class EmulatorRecord:
    """A detached emulator: where it listens, its Java's pid, when it was started in Unix seconds."""

    host: str
    port: int
    pid: int
    started_at: float
    log_path: str


def start_detached(
    port: int | None = None, *, start_timeout_seconds: float = START_TIMEOUT_SECONDS
) -> EmulatorRecord:
    """Start an emulator that outlives this process, or return the one that runs: there is one per user.

    Raises:
        ConfigurationError: The jar or Java is missing, one runs already on another port than *port*, or the
            record is not a private file of ours.
        StoreUnavailableError: It died or did not answer in time; the message holds the end of its log.
    """
    with _record_lock():
        if (running := _live_record()) is None:
            installation = find_emulator()
            started: list[EmulatorRecord] = []
            _on_some_port(
                port, lambda chosen: started.append(_detach(installation, chosen, start_timeout_seconds))
            )
            return started[0]
    if port not in (None, running.port):
        raise ConfigurationError(
            f"an emulator runs already at {running.host}; stop it first: tai-state emulator stop"
        )
    if not _wait_until(EmulatorEndpoint(running.host).answers, start_timeout_seconds):
        raise StoreUnavailableError(
            f"the emulator at {running.host} (pid {running.pid}) runs but does not answer"
        )
    return running


def stop_detached() -> bool:
    """Stop the detached emulator and wait until it is gone; return False when none was running.

    Raises:
        ConfigurationError: The record is not a private file of ours.
        StoreUnavailableError: It is still there after SIGKILL.
    """
    with _record_lock():
        record = _live_record()
        if record is None:
            return False
        _end(record, ready=True)
        _runtime_file("json").unlink(missing_ok=True)
    return True


def status() -> EmulatorRecord | None:
    """Return the detached emulator that runs, or None; the record of one that is gone is removed.

    Raises:
        ConfigurationError: The record is not a private file of ours.
    """
    record = _read_record()
    if record is not None and _is_running(record):
        return record
    if record is None and not _runtime_file("json").exists():
        return None
    with _record_lock():
        return _live_record()


def _detach(installation: EmulatorInstallation, port: int, timeout_seconds: float) -> EmulatorRecord:
    log_path = _runtime_file("log")
    with os.fdopen(_open_private(log_path, os.O_RDWR | os.O_CREAT), "r+b", buffering=0) as raw:
        raw.truncate(0)
        command = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *_java_command(installation, port, {})]
        said = subprocess.run(  # noqa: S603  our own argument vector, no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=raw, timeout=30, check=False
        ).stdout
        if not said.strip().isdigit():
            raise StoreUnavailableError(f"Java could not be started:\n{_log_text(raw)[-_LOG_TAIL_BYTES:]}")
        record = EmulatorRecord(f"{_LOOPBACK}:{port}", port, int(said), time.time(), str(log_path))
        try:
            # Before the wait: if we are killed in it, `stop` still finds what we started.
            _write_record(record)
            _wait_until_ready(
                EmulatorEndpoint(record.host),
                raw,
                alive=lambda: _is_running(record),
                timeout_seconds=timeout_seconds,
            )
        except BaseException:
            _end(record, ready=False)
            _runtime_file("json").unlink(missing_ok=True)
            raise
    return record


def _end(record: EmulatorRecord, *, ready: bool) -> None:
    def gone() -> bool:
        return not _is_running(record)

    # As in Emulator.stop(): only one that has answered is known to be the one at its port.
    if ready and not gone():
        EmulatorEndpoint(record.host)._ask_to_shut_down()  # noqa: SLF001  our own class
        _wait_until(gone, _STOP_STEP_SECONDS)
    for signum in (signal.SIGTERM, signal.SIGKILL):
        if gone():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, signum)
        _wait_until(gone, _STOP_STEP_SECONDS)
    if not gone():
        raise StoreUnavailableError(f"the emulator with pid {record.pid} did not end after SIGKILL")


def _is_running(record: EmulatorRecord) -> bool:
    """Say whether the recorded pid is that emulator still, and not a later process that got its number."""
    arguments = _arguments_of(record.pid)
    return MAIN_CLASS in arguments and f"--port={record.port}" in arguments


def _arguments_of(pid: int) -> list[str]:
    """Return the command line of *pid*; empty when it is gone or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/cmdline").exists():
            return []
    command = [shutil.which("ps") or "/bin/ps", "-ww", "-o", "args=", "-p", str(pid)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    return said.stdout.split()


def _runtime_file(suffix: str) -> Path:
    return Path(tempfile.gettempdir()) / f"tai-state-emulator-{os.getuid()}.{suffix}"


def _open_private(path: Path, flags: int) -> int:
    """Open *path*, in a folder where anybody may write, only as a regular file that is ours alone."""
    try:
        # NONBLOCK: opening a FIFO that somebody put there must not hang. It does nothing to a regular file.
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        if exc.errno not in (errno.ELOOP, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENXIO):
            raise
        raise ConfigurationError(
            f"{path} is not a private file of yours; see who made it, and remove it"
        ) from exc
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
        return descriptor
    os.close(descriptor)
    raise ConfigurationError(f"{path} is not a private file of yours; see who made it, and remove it")


@contextlib.contextmanager
def _record_lock() -> Iterator[None]:
    import fcntl  # noqa: PLC0415  absent on Windows, where the rest of this module can still be imported

    descriptor = _open_private(_runtime_file("lock"), os.O_RDWR | os.O_CREAT)

    def taken() -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        if not _wait_until(taken, 2 * START_TIMEOUT_SECONDS):
            raise StoreUnavailableError(
                "another process is starting or stopping the emulator and does not finish"
            )
        yield
    finally:
        os.close(descriptor)  # releases the lock


def _live_record() -> EmulatorRecord | None:
    """Return the record if its emulator runs, else remove the file. The record lock must be held."""
    record = _read_record()
    if record is not None and _is_running(record):
        return record
    _runtime_file("json").unlink(missing_ok=True)
    return None


def _read_record() -> EmulatorRecord | None:
    try:
        descriptor = _open_private(_runtime_file("json"), os.O_RDONLY)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        try:
            stored = json.load(file)
            return EmulatorRecord(
                host=str(stored["host"]),
                port=int(stored["port"]),
                pid=int(stored["pid"]),
                started_at=float(stored["started_at"]),
                log_path=str(stored["log_path"]),
            )
        except (ValueError, TypeError, KeyError):
            return None


def _write_record(record: EmulatorRecord) -> None:
    path = _runtime_file("json")
    # mkstemp creates it with mode 0600; the rename shows readers a whole record or none.
    descriptor, temporary = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(record), file)
    Path(temporary).replace(path)


# --- `python -m tai_state.testing.emulator`, used by emulator/ensure.sh


def main(arguments: Sequence[str] | None = None) -> int:
    """Say what is installed, or which parts are missing, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tai_state.testing.emulator", description=main.__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument(
        "--check", action="store_true", help="print what was found; exit 1 with the remedy if incomplete"
    )
    choice.add_argument(
        "--missing", action="store_true", help="print the missing parts, 'emulator' and 'java', one a line"
    )
    if parser.parse_args(arguments).missing:
        sys.stdout.write("".join(f"{part}\n" for part in missing_parts()))
        return 0
    try:
        found = find_emulator()
    except ConfigurationError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    sys.stdout.write(f"{found.jar} ({found.found_by}: {found.java})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
