"""The operator's evening, on a file and on the emulator: each command says what it should, and ends as it should."""

import shlex

import pytest
from click.testing import CliRunner

from tai_state import StateMachinePersister, connect
from tai_state.cli import main
from tests.integration.cli.calls import ROOT
from tests.integration.cli.calls import run as run_process
from tests.integration.recovery import evening_service as service
from tests.integration.recovery.evening import STEPS, evening, unsaid


@pytest.fixture(params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def url(request, tmp_path, monkeypatch):
    """Where the evening takes place, as whoever types the commands has set it."""
    url = "sqlite:///shop.db"
    if request.param == "firestore":
        url = f"firestore://{request.getfixturevalue('tai_state_project')}"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAI_STATE_STORE", url)
    return url


def test_the_page_tells_each_step():
    """In the order of the evening; `make lint` compares what each of them printed, too."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    typed = [line.removeprefix("    $ ") for line in page.splitlines() if line.startswith("    $ tai-state ")]
    assert typed == [f"tai-state {shlex.join(step.words)}" for step in STEPS]


def in_this_process(words):
    done = CliRunner().invoke(main, list(words))
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    return done.exit_code, done.output


def check(url, folder, run):
    """Every step ends with its exit code and says what it should; then the till goes on where it was killed."""
    told = [(step.name, code, unsaid(step, said), said) for step, code, said in evening(url, folder, run)]
    for name, _, missing, said in told:
        assert missing == [], (name, said)
    assert [(name, code) for name, code, _, _ in told] == [(step.name, step.code) for step in STEPS]
    with connect(url) as store:
        states = {one.state_id: one.status for one in store.list_states(service.GOVERNOR)}
        till = StateMachinePersister(store, service.ORDER)
        again = till.transition(service.GOVERNOR, service.FIRST, "deliver", idempotency_key=service.KEY)
    assert states == {service.FIRST: "delivered", service.SECOND: "sent"}
    assert (again.replayed, again.version) == (True, 5)


def test_an_evening_ends_well(url, tmp_path):
    """What was acknowledged is there, what was hurt by hand is as it was, and the lock is free."""
    check(url, tmp_path, in_this_process)


@pytest.mark.more
def test_an_evening_of_processes_ends_well(url, tmp_path):
    """The same, with each command a process of its own."""

    def run(words):
        done = run_process(*words, folder=tmp_path, TAI_STATE_STORE=url)
        return done.returncode, done.stdout + done.stderr

    check(url, tmp_path, run)
