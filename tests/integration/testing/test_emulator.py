"""The launcher of the Firestore emulator: it starts, it is found again, and it leaves nothing behind."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tai_state.errors import ConfigurationError, StoreUnavailableError
from tai_state.testing import firestore_emulator as launcher
from tai_state.testing.firestore_emulator import (
    Emulator,
    EmulatorRecord,
    emulator,
    find_emulator,
    installation,
    java,
    new_project_id,
)
from tai_state.testing.firestore_emulator.record import write_record

pytestmark = pytest.mark.emulator

REPOSITORY = Path(__file__).parents[3]


def running(pid: int) -> bool:
    """Say whether *pid* is in the process table and not a zombie."""
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return said.stdout.strip() not in {"", "Z", "Zs", "Z+"}


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Poll *condition* until it holds, for *seconds* at most."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def write_document(host: str, project: str, *, token: str | None = "owner") -> int:
    """Create a document over REST and return the HTTP status."""
    connection = http.client.HTTPConnection(host, timeout=10)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        connection.request("POST", f"/v1/projects/{project}/databases/(default)/documents/c", '{"fields": {}}', headers)
        return connection.getresponse().status
    finally:
        connection.close()


def count_documents(host: str, project: str) -> int:
    """Return how many documents ``write_document`` has left."""
    connection = http.client.HTTPConnection(host, timeout=10)
    path = f"/v1/projects/{project}/databases/(default)/documents/c"
    try:
        connection.request("GET", path, headers={"Authorization": "Bearer owner"})
        return len(json.load(connection.getresponse()).get("documents", []))
    finally:
        connection.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    """Run one emulator for the tests that only talk to it, started by a thread that has ended since."""
    rules = REPOSITORY / "emulator" / "firestore.rules"
    one = Emulator(rules=rules)
    thread = threading.Thread(target=one.start)
    thread.start()
    thread.join()
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Hide every emulator and every Java of this machine; return an empty home."""
    for name in ("FIRESTORE_EMULATOR_JAR", "CLOUDSDK_ROOT_DIR", "FIREBASE_EMULATORS_PATH", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(installation, "_SDK_ROOTS", ("~/google-cloud-sdk",))
    monkeypatch.setattr(installation, "_HOMEBREW_CASKROOMS", ())
    monkeypatch.setattr(installation, "_HOMEBREW_JAVAS", ())
    return tmp_path


@pytest.fixture
def runtime_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Keep the record of detached emulators away from the real one, and leave none running."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with contextlib.suppress(ConfigurationError):
        launcher.stop_detached()


def make_java(path: Path, version: str) -> None:
    """Put a program at *path* that says it is Java *version*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2020-01-01' >&2\n")
    path.chmod(0o755)


# --- what is installed


def test_missing_jar_and_java_are_named_with_the_commands_that_install_them(bare: Path) -> None:
    """Everything that is missing stands in one error, with a command per package manager."""
    assert bare.is_dir()
    with pytest.raises(ConfigurationError) as caught:
        find_emulator()
    for command in (
        "apt-get install google-cloud-cli-firestore-emulator",
        "gcloud components install cloud-firestore-emulator",
        "npm i -g firebase-tools && firebase setup:emulators:firestore",
        "apt-get install default-jre-headless",
        "brew install openjdk",
    ):
        assert command in str(caught.value)


def test_starting_without_an_installation_raises_before_anything_runs(bare: Path) -> None:
    """The typed error reaches whoever starts an emulator."""
    assert bare.is_dir()
    with pytest.raises(ConfigurationError, match="cannot run the Firestore emulator"):
        Emulator().start()


def test_old_java_is_refused_and_its_version_named(bare: Path) -> None:
    """Java 8 calls itself 1.8, and is too old."""
    make_java(bare / "bin" / "java", "1.8.0_292")
    with pytest.raises(ConfigurationError, match=r"Java 11 or newer.*bin/java is Java 8"):
        find_emulator()


def test_newer_java_on_the_path_wins_over_an_old_java_home(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old JAVA_HOME does not stand in the way."""
    make_java(bare / "home" / "bin" / "java", "1.8.0_292")
    make_java(bare / "bin" / "java", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(bare / "home"))
    assert launcher.missing_parts() == ("emulator",)


def test_newest_jar_of_the_firebase_cache_is_found(bare: Path) -> None:
    """Versions compare as numbers: 1.19.10 is newer than 1.19.9."""
    make_java(bare / "bin" / "java", "17.0.15")
    cache = bare / ".cache" / "firebase" / "emulators"
    cache.mkdir(parents=True)
    for version in ("1.19.9", "1.19.10", "1.2.11"):
        (cache / f"cloud-firestore-emulator-v{version}.jar").touch()
    assert find_emulator().jar.name == "cloud-firestore-emulator-v1.19.10.jar"


def test_gcloud_is_followed_through_links_to_its_component(bare: Path) -> None:
    """The jar is found beside the gcloud that PATH's link leads to."""
    make_java(bare / "bin" / "java", "17.0.15")
    jar = bare / "sdk" / "platform" / "cloud-firestore-emulator" / "cloud-firestore-emulator.jar"
    gcloud = bare / "sdk" / "bin" / "gcloud"
    for file in (jar, gcloud):
        file.parent.mkdir(parents=True)
        file.touch(mode=0o755)
    (bare / "bin" / "gcloud").symlink_to(gcloud)
    assert find_emulator().jar == jar.resolve()


def test_named_jar_that_is_not_there_is_an_error_not_a_reason_to_take_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was asked for by name is never replaced silently."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_JAR", "/nowhere/emulator.jar")
    with pytest.raises(ConfigurationError, match=r"FIRESTORE_EMULATOR_JAR names /nowhere/emulator\.jar"):
        find_emulator()


def test_ensure_script_is_silent_where_everything_is_installed() -> None:
    """A bare interpreter suffices: neither the project nor its dependencies are imported."""
    script = REPOSITORY / "emulator" / "ensure.sh"
    said = subprocess.run([script], capture_output=True, text=True, check=False, timeout=30)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


# --- start, talk, stop


def test_stop_leaves_no_java_and_can_be_repeated() -> None:
    """It answers while it runs, and after stop() its process is gone."""
    one = Emulator().start()
    pid = one.pid
    assert one.answers()
    assert running(pid)
    one.stop()
    one.stop()
    assert not running(pid)


def test_clear_deletes_the_documents_of_one_project_only(server: Emulator) -> None:
    """Another project keeps what it has."""
    mine, other = new_project_id(), new_project_id()
    assert write_document(server.host, mine) == http.HTTPStatus.OK
    assert write_document(server.host, other) == http.HTTPStatus.OK
    server.clear(mine)
    assert (count_documents(server.host, mine), count_documents(server.host, other)) == (0, 1)


def test_clear_of_an_emulator_that_is_gone_is_a_typed_error() -> None:
    """No bare socket error reaches the caller."""
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        launcher.EmulatorEndpoint("127.0.0.1:1").clear("tai-project")


def test_shipped_rules_deny_clients_and_let_servers_pass(server: Emulator) -> None:
    """The deny-all rules file is valid and does what it says."""
    project = new_project_id()
    assert write_document(server.host, project, token=None) == http.HTTPStatus.FORBIDDEN
    assert write_document(server.host, project) == http.HTTPStatus.OK


def test_log_is_written_where_it_was_asked_for(tmp_path: Path) -> None:
    """Also the log of an emulator that could not start, which is when one wants it."""
    log = tmp_path / "emulator.log"
    with pytest.raises(StoreUnavailableError), Emulator(import_data=__file__, log_path=log):
        pass
    assert "Exiting due to unexpected exception" in log.read_text()


@pytest.mark.parametrize("option", ["rules", "import_data"])
def test_file_that_is_not_there_is_named(option: str, tmp_path: Path) -> None:
    """Refused before Java is started."""
    missing = tmp_path / "missing"
    options: dict[str, Any] = {option: missing}
    with pytest.raises(ConfigurationError, match="missing, which is not a file"):
        Emulator(**options).start()


def test_java_that_dies_shows_the_end_of_its_log(tmp_path: Path) -> None:
    """An unreadable import ends the start with what the emulator said, and with no Java."""
    broken = tmp_path / "x.overall_export_metadata"
    broken.write_bytes(b"not an export")
    one = Emulator(import_data=broken)
    with pytest.raises(StoreUnavailableError, match="died while starting"):
        one.start()
    with pytest.raises(RuntimeError, match="not running"):
        assert one.pid


def test_start_that_takes_too_long_is_ended() -> None:
    """A bounded wait raises, and what was started so far is stopped."""
    one = Emulator(start_timeout_seconds=0.01)
    with pytest.raises(StoreUnavailableError, match=r"within 0\.01 s"):
        one.start()
    with pytest.raises(RuntimeError, match="not running"):
        assert one.host


def test_wanted_port_that_is_taken_is_named() -> None:
    """A foreign listener on the wanted port is an error, not somebody else's emulator."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StoreUnavailableError, match=f"port {port}: it is taken"):
            Emulator(port=port).start()


def test_port_lost_to_a_race_is_replaced_by_another(server: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """An emulator that answers on the port we chose is not mistaken for ours."""
    taken = int(server.host.rpartition(":")[2])
    choose = java._free_port
    ports = iter([taken])
    monkeypatch.setattr(java, "_free_port", lambda: next(ports, None) or choose())
    with Emulator() as one:
        assert one.host != server.host
        assert one.pid != server.pid
    assert server.answers()


# --- whoever dies, Java goes


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
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", PARENT.format(then=textwrap.dedent(then))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def test_killed_parent_leaves_no_java() -> None:
    """SIGKILL gives the parent no chance to clean up, and Java goes nevertheless."""
    with parent_process("time.sleep(60)") as (process, java):
        assert running(java)
        process.kill()
        assert eventually(lambda: not running(java))


def test_killed_parent_with_a_forked_child_alive_leaves_no_java() -> None:
    """A forked child holds a copy of the pipe, which alone would look like a living parent."""
    then = """
    if os.fork() == 0:
        time.sleep(15)
        os._exit(0)
    print("forked", flush=True)
    time.sleep(60)
    """
    with parent_process(then) as (process, java):
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "forked"
        process.kill()
        assert eventually(lambda: not running(java))


def test_parent_that_forgets_to_stop_leaves_no_java() -> None:
    """The interpreter's exit stops the emulator."""
    with parent_process("") as (process, java):
        process.wait(timeout=20)
        assert not running(java)


def test_forked_child_that_exits_does_not_stop_the_parents_emulator() -> None:
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


def test_emulator_outlives_the_thread_that_started_it(server: Emulator) -> None:
    """Only the end of the process counts, not that of the thread that forked."""
    time.sleep(0.5)  # more than two looks of the supervisor: it must still be there after them
    assert server.answers()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends Java when its supervisor is killed by SIGKILL")
def test_killed_supervisor_takes_java_along() -> None:
    """No single process whose death would orphan Java."""
    one = Emulator().start()
    java = one.pid
    try:
        os.kill(os.getpgid(java), signal.SIGKILL)  # the supervisor leads the group
        assert eventually(lambda: not running(java))
    finally:
        one.stop()


# --- reuse


def test_emulator_sets_the_variable_inside_and_restores_it_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the variable names but that does not answer is replaced for the time of the block."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    with emulator() as one:
        assert os.environ["FIRESTORE_EMULATOR_HOST"] == one.host != "127.0.0.1:1"
    assert os.environ["FIRESTORE_EMULATOR_HOST"] == "127.0.0.1:1"


def test_emulator_reuses_one_that_answers_and_leaves_it_running(
    server: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever started it stops it."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
    with emulator() as found:
        assert found.host == server.host
    assert server.answers()


def run_pytest(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run the tests in *folder* with the plugin and return what pytest printed."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    variables.pop("FIRESTORE_EMULATOR_HOST", None)
    variables |= {"PYTHONPATH": str(REPOSITORY), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | (environment or {})
    command = [sys.executable, "-m", "pytest", "-p", "tai_state.testing.fixtures", "-p", "no:cacheprovider"]
    said = subprocess.run(
        [*command, "--rootdir", str(folder), str(folder), *arguments],
        capture_output=True,
        text=True,
        env=variables,
        cwd=folder,
        timeout=90,
        check=False,
    )
    return said.stdout + said.stderr


SUITE = """
import os, pathlib, pytest
@pytest.mark.parametrize("n", range(8))
def test_project(n, tai_state_project, tai_state_emulator_server, worker_or_main):
    assert os.environ["FIRESTORE_EMULATOR_HOST"] == tai_state_emulator_server.host
    assert tai_state_emulator_server.answers()
    seen = f"{tai_state_project} {tai_state_emulator_server.host}"
    pathlib.Path(f"{worker_or_main}-{n}.txt").write_text(seen)
@pytest.fixture
def worker_or_main():
    return os.environ.get("PYTEST_XDIST_WORKER", "main")
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_one_emulator_serves_a_run_and_each_test_gets_its_own_project(tmp_path: Path, workers: int) -> None:
    """With and without workers of pytest-xdist; afterwards nothing answers there."""
    if workers:
        pytest.importorskip("xdist")
    (tmp_path / "test_suite.py").write_text(SUITE)
    said = run_pytest(tmp_path, *(["-p", "xdist", "-n", str(workers)] if workers else []))
    assert "8 passed" in said
    seen = [file.read_text().split() for file in tmp_path.glob("*.txt")]
    hosts = {host for _, host in seen}
    assert (len({project for project, _ in seen}), len(hosts)) == (8, 1)
    assert len({file.name.partition("-")[0] for file in tmp_path.glob("*.txt")}) == max(workers, 1)
    assert not launcher.EmulatorEndpoint(hosts.pop()).answers()


def test_missing_emulator_fails_the_tests_that_need_it_and_says_why(tmp_path: Path) -> None:
    """Never a skip: a run without its database must not look green."""
    (tmp_path / "test_suite.py").write_text(SUITE)
    said = run_pytest(tmp_path, environment={"FIRESTORE_EMULATOR_JAR": "/nowhere/emulator.jar"})
    assert "8 errors" in said
    assert "FIRESTORE_EMULATOR_JAR names /nowhere/emulator.jar" in said


# --- detached


def test_detached_emulator_is_started_once_and_found_until_stopped(runtime_folder: Path) -> None:
    """A second start returns the first; the record is private; stop ends Java and says that it did."""
    record = launcher.start_detached()
    assert launcher.status() == record == launcher.start_detached()
    assert launcher.EmulatorEndpoint(record.host).answers()
    assert (runtime_folder / f"tai-state-emulator-{os.getuid()}.json").stat().st_mode & 0o777 == 0o600
    assert launcher.stop_detached()
    # It has given up its memory and its port by then; the kernel may still be clearing away the process itself.
    assert eventually(lambda: not running(record.pid))
    assert launcher.status() is None
    assert not launcher.stop_detached()


def test_stale_record_is_removed_and_its_pid_is_not_touched(runtime_folder: Path) -> None:
    """The pid was given to another process, which is none of our business."""
    record = EmulatorRecord("127.0.0.1:1", 1, 0, 0.0, "")
    with subprocess.Popen(["sleep", "60"]) as bystander:
        stale = EmulatorRecord(record.host, record.port, bystander.pid, record.started_at, record.log_path)
        write_record(stale)
        try:
            assert not launcher.stop_detached()
            write_record(stale)
            assert launcher.status() is None
            assert list(runtime_folder.glob("*.json")) == []
            assert bystander.poll() is None
        finally:
            bystander.kill()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}'])
def test_unreadable_record_counts_as_not_running(runtime_folder: Path, content: str) -> None:
    """Half a record, or none, is cleaned away."""
    record = runtime_folder / f"tai-state-emulator-{os.getuid()}.json"
    record.write_text(content)
    record.chmod(0o600)
    assert launcher.status() is None
    assert not record.exists()


def test_record_that_is_not_private_is_refused(runtime_folder: Path) -> None:
    """Whoever could write the record could choose which process we end."""
    record = runtime_folder / f"tai-state-emulator-{os.getuid()}.json"
    record.write_text("{}")
    record.chmod(0o666)
    with pytest.raises(ConfigurationError, match="not a private file of yours"):
        launcher.status()


def test_record_that_is_a_link_is_refused(runtime_folder: Path) -> None:
    """A link in a folder where anybody may write could lead anywhere."""
    (runtime_folder / "elsewhere").write_text("{}")
    (runtime_folder / f"tai-state-emulator-{os.getuid()}.json").symlink_to(runtime_folder / "elsewhere")
    with pytest.raises(ConfigurationError, match="not a private file of yours"):
        launcher.stop_detached()
