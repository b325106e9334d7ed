"""The launcher of the Firestore emulator: it starts, it answers, it stops, and it says why it could not start."""

import http
import socket
from pathlib import Path
from typing import Any

import pytest

from tai_state.errors import ConfigurationError, StoreUnavailableError
from tai_state.testing.firestore_emulator import Emulator, EmulatorEndpoint, new_project_id
from tai_state.testing.firestore_emulator import java as launched
from tests.integration.testing.emulators import ROOT, count_documents, running, write_document


@pytest.mark.emulator
def test_stop_leaves_no_java_and_can_be_repeated() -> None:
    """It answers while it runs, and after stop() its process is gone."""
    one = Emulator().start()
    pid = one.pid
    assert one.answers()
    assert running(pid)
    one.stop()
    one.stop()
    assert not running(pid)


@pytest.mark.emulator
def test_clear_deletes_the_documents_of_one_project_only(tai_state_emulator_server: EmulatorEndpoint) -> None:
    """Another project keeps what it has."""
    server = tai_state_emulator_server
    mine, other = new_project_id(), new_project_id()
    assert write_document(server.host, mine) == http.HTTPStatus.OK
    assert write_document(server.host, other) == http.HTTPStatus.OK
    server.clear(mine)
    assert (count_documents(server.host, mine), count_documents(server.host, other)) == (0, 1)


def test_clear_of_an_emulator_that_is_gone_is_a_typed_error() -> None:
    """No bare socket error reaches the caller."""
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        EmulatorEndpoint("127.0.0.1:1").clear("tai-project")


@pytest.mark.emulator
def test_shipped_rules_deny_clients_and_let_servers_pass() -> None:
    """The deny-all rules file is valid and does what it says."""
    project = new_project_id()
    with Emulator(rules=ROOT / "infra" / "firestore" / "firestore.rules") as server:
        assert write_document(server.host, project, token=None) == http.HTTPStatus.FORBIDDEN
        assert write_document(server.host, project) == http.HTTPStatus.OK


@pytest.mark.emulator
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


@pytest.mark.emulator
def test_java_that_dies_shows_the_end_of_its_log(tmp_path: Path) -> None:
    """An unreadable import ends the start with what the emulator said, and with no Java."""
    broken = tmp_path / "x.overall_export_metadata"
    broken.write_bytes(b"not an export")
    one = Emulator(import_data=broken)
    with pytest.raises(StoreUnavailableError, match="died while starting"):
        one.start()
    with pytest.raises(RuntimeError, match="not running"):
        assert one.pid


@pytest.mark.emulator
def test_start_that_takes_too_long_is_ended() -> None:
    """A bounded wait raises, and what was started so far is stopped."""
    one = Emulator(start_timeout_seconds=0.01)
    with pytest.raises(StoreUnavailableError, match=r"within 0\.01 s"):
        one.start()
    with pytest.raises(RuntimeError, match="not running"):
        assert one.host


@pytest.mark.emulator
def test_wanted_port_that_is_taken_is_named() -> None:
    """A foreign listener on the wanted port is an error, not somebody else's emulator."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StoreUnavailableError, match=f"port {port}: it is taken"):
            Emulator(port=port).start()


def test_port_lost_to_a_race_is_replaced_by_another(java: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An emulator that answers on the port we chose is not mistaken for ours."""
    with Emulator() as other:
        choose = launched._free_port
        ports = iter([int(other.host.rpartition(":")[2])])
        monkeypatch.setattr(launched, "_free_port", lambda: next(ports, None) or choose())
        with Emulator() as one:
            assert one.host != other.host
            assert one.pid != other.pid
        assert other.answers()
