"""The emulator that outlives whoever started it, and the record by which it is found again."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tai_state.errors import ConfigurationError
from tai_state.testing import firestore_emulator as launcher
from tai_state.testing.firestore_emulator import EmulatorRecord
from tai_state.testing.firestore_emulator.record import runtime_file, write_record
from tests.integration.testing.emulators import running
from tests.waits import eventually


@pytest.fixture
def runtime_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Keep the record of detached emulators away from the real one, and leave none running."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with contextlib.suppress(ConfigurationError):
        launcher.stop_detached()


def test_detached_emulator_is_started_once_and_found_until_stopped(java: str, runtime_folder: Path) -> None:
    """A second start returns the first; the record is private; stop ends Java and says that it did."""
    record = launcher.start_detached()
    assert launcher.status() == record == launcher.start_detached()
    assert launcher.EmulatorEndpoint(record.host).answers()
    assert runtime_file("json").stat().st_mode & 0o777 == 0o600
    assert launcher.stop_detached()
    # It has given up its memory and its port by then; the kernel may still be clearing away the process itself.
    assert eventually(lambda: not running(record.pid))
    assert launcher.status() is None
    assert not launcher.stop_detached()


def test_stale_record_is_removed_and_its_pid_is_not_touched(runtime_folder: Path) -> None:
    """The pid was given to another process, which is none of our business."""
    record = EmulatorRecord("127.0.0.1:1", 1, 0, "", "", "")
    with subprocess.Popen(["sleep", "60"]) as bystander:
        stale = EmulatorRecord(
            record.host, record.port, bystander.pid, record.started_at, record.log_path, record.folder
        )
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
    record = runtime_file("json")
    record.write_text(content)
    record.chmod(0o600)
    assert launcher.status() is None
    assert not record.exists()


def test_record_that_is_not_private_is_refused(runtime_folder: Path) -> None:
    """Whoever could write the record could choose which process we end."""
    record = runtime_file("json")
    record.write_text("{}")
    record.chmod(0o666)
    with pytest.raises(ConfigurationError, match="not a private file of yours"):
        launcher.status()


def test_record_that_is_a_link_is_refused(runtime_folder: Path) -> None:
    """A link in a folder where anybody may write could lead anywhere."""
    (runtime_folder / "elsewhere").write_text("{}")
    runtime_file("json").symlink_to(runtime_folder / "elsewhere")
    with pytest.raises(ConfigurationError, match="not a private file of yours"):
        launcher.stop_detached()
