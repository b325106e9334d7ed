"""One emulator for a run: the one that answers is used, by every worker of pytest-xdist; none is a failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tai_state.testing.firestore_emulator import Emulator, EmulatorEndpoint, emulator
from tests.integration.testing.emulators import ROOT


def test_emulator_sets_the_variable_inside_and_restores_it_after(java: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the variable names but that does not answer is replaced for the time of the block."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    with emulator() as one:
        assert os.environ["FIRESTORE_EMULATOR_HOST"] == one.host != "127.0.0.1:1"
    assert os.environ["FIRESTORE_EMULATOR_HOST"] == "127.0.0.1:1"


def test_emulator_reuses_one_that_answers_and_leaves_it_running(java: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever started it stops it."""
    with Emulator() as other:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", other.host)
        with emulator() as found:
            assert found.host == other.host
        assert other.answers()


def run_pytest(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run the tests in *folder* with the plugin and return what pytest printed."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    variables.pop("FIRESTORE_EMULATOR_HOST", None)
    variables |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | (environment or {})
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
def test_one_emulator_serves_a_run_and_each_test_gets_its_own_project(java: str, tmp_path: Path, workers: int) -> None:
    """With and without workers of pytest-xdist; afterwards nothing answers there."""
    (tmp_path / "test_suite.py").write_text(SUITE)
    said = run_pytest(tmp_path, *(["-p", "xdist", "-n", str(workers)] if workers else []))
    assert "8 passed" in said
    seen = [file.read_text().split() for file in tmp_path.glob("*.txt")]
    hosts = {host for _, host in seen}
    assert (len({project for project, _ in seen}), len(hosts)) == (8, 1)
    assert len({file.name.partition("-")[0] for file in tmp_path.glob("*.txt")}) == max(workers, 1)
    assert not EmulatorEndpoint(hosts.pop()).answers()


def test_missing_emulator_fails_the_tests_that_need_it_and_says_why(tmp_path: Path) -> None:
    """Never a skip: a run without its database must not look green."""
    (tmp_path / "test_suite.py").write_text(SUITE)
    said = run_pytest(tmp_path, environment={"FIRESTORE_EMULATOR_JAR": "/nowhere/emulator.jar"})
    assert "8 errors" in said
    assert "FIRESTORE_EMULATOR_JAR names /nowhere/emulator.jar" in said
