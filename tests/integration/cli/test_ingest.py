"""Ingest against real stores: exactly once through kills, conflicts and rivals."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tai_state import ChangeMetadata, SqliteStore, StateMachinePersister
from tai_state.cli import main
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests.data_log import chained, incidents, log_lines, write_log

ROOT = Path(__file__).parents[3]
LINES = log_lines(1_400, seed=7)


def command(url, log, *options):
    return [sys.executable, "-m", "tai_state", "--json", "--store", url, "ingest", str(log), *options]


def start(url, log):
    return subprocess.Popen(command(url, log), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def run(url):
    def run(*arguments, code=0, stdin=None):
        result = CliRunner().invoke(main, ["--json", "--store", url, *map(str, arguments)], input=stdin)
        assert result.exit_code == code, result.output
        return json.loads((result.stderr or "null") if code else result.stdout)

    return run


def path_of(url):
    return url.removeprefix("sqlite:///")


def events_in(url):
    """Return how many events the store holds; 0 while there is no store."""
    if not Path(path_of(url)).exists():
        return 0
    with SqliteStore(path_of(url)) as store:
        return sum(store.stats(governor).events for governor in store.list_governors())


def expected(lines):
    """Return what a store holds once *lines* are applied: the changes of each machine, in order."""
    found: dict[tuple[str, str], list[Any]] = {}
    for line in lines:
        changes = found.setdefault((line["governor"], line["machine"]), [])
        actor, action = line["actor"] or "unknown", line.get("action") or line["to"]
        changes.append((len(changes) + 1, line["from"], line["to"], action, actor, line["at"], line["data"]))
    return found


def held(url):
    """Return what the store holds, in the same form."""
    found: dict[tuple[str, str], list[Any]] = {}
    with SqliteStore(path_of(url)) as store:
        for governor in store.list_governors():
            for state in store.list_states(governor, include_deleted=True):
                found[governor, state.state_id] = [
                    (
                        event.version,
                        event.from_status,
                        event.to_status,
                        event.action,
                        event.metadata.changed_by,
                        event.timestamp.isoformat(),
                        event.to_state,
                    )
                    for event in store.get_events(governor, state.state_id)
                ]
    return found


def consistent(url):
    with SqliteStore(path_of(url)) as store:
        persister = StateMachinePersister(store)
        return all(persister.validate_consistency(governor).is_consistent for governor in store.list_governors())


def wait_for_events(process, url, count):
    """Wait until the store holds *count* events or the process has ended; say whether it still runs."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if events_in(url) >= count:
            return True
        time.sleep(0.005)
    return False


def test_every_line_becomes_its_version(run, url, tmp_path):
    """Status, action, author, time and data are those of the line."""
    summary = run("ingest", write_log(tmp_path / "log.jsonl.gz", LINES[:600]))
    assert (summary["lines"], summary["applied"], summary["already_there"]) == (600, 600, 0)
    assert held(url) == expected(LINES[:600])
    assert consistent(url)


def test_a_second_run_changes_nothing(run, url, tmp_path):
    """Lines that are there are recognised."""
    log = write_log(tmp_path / "log.jsonl", LINES[:300])
    run("ingest", log)
    before = held(url)
    summary = run("ingest", log)
    assert (summary["applied"], summary["already_there"]) == (0, 300)
    assert held(url) == before


def test_a_longer_log_goes_on(run, url, tmp_path):
    """The new lines are applied, the others skipped."""
    run("ingest", write_log(tmp_path / "log.jsonl", LINES[:200]))
    summary = run("ingest", write_log(tmp_path / "log.jsonl", LINES[:500]))
    assert (summary["applied"], summary["already_there"]) == (300, 200)
    assert held(url) == expected(LINES[:500])


def test_standard_input_is_a_log(run, url, tmp_path):
    """- reads from a pipe, compressed or not."""
    raw = write_log(tmp_path / "log.jsonl.gz", LINES[:50]).read_bytes()
    assert run("ingest", "-", stdin=raw)["applied"] == 50
    assert held(url) == expected(LINES[:50])


def test_the_reason_is_recorded(run, url, tmp_path):
    """--reason stands in every change, the line's actor stays its author."""
    run("--reason", "import", "ingest", write_log(tmp_path / "log.jsonl", chained("ab")))
    with SqliteStore(path_of(url)) as store:
        metadata = [event.metadata for event in store.get_events("g", "m")]
    assert [(found.changed_by, found.reason) for found in metadata] == [("ann", "import")] * 2


@pytest.mark.parametrize("number", [1, 150, 300])
def test_one_bad_line_changes_nothing(run, url, tmp_path, number):
    """Wherever it is: it is named, and the store is not even made."""
    lines = [dict(line) for line in LINES[:300]]
    lines[number - 1]["data"] = None
    error = run("ingest", write_log(tmp_path / "log.jsonl", lines), code=1)
    assert (error["error"], error["count"], error["problems"][0]["line"]) == ("invalid_log", 1, number)
    assert "data" in error["problems"][0]["reason"]
    assert not Path(path_of(url)).exists()


def test_a_truncated_gzip_changes_nothing(run, url, tmp_path):
    """The end is looked for before anything is written."""
    log = write_log(tmp_path / "log.jsonl.gz", LINES[:300])
    log.write_bytes(log.read_bytes()[:-20])
    error = run("ingest", log, code=1)
    assert error["error"] == "damaged_input"
    assert "truncated" in error["message"]
    assert not Path(path_of(url)).exists()


def test_a_log_that_is_not_there_is_bad_usage(run):
    """Exit code 2, as any wrong argument."""
    assert run("ingest", "/no/such/log", code=2)["error"] == "usage"


MACHINE = {
    "name": "m",
    "initial": "a",
    "transitions": [{"action": "go", "source": "a", "target": "b", "guard": "is_ready"}],
}


def test_a_machine_lets_its_moves_through(run, tmp_path):
    """Guards are passed over: they were decided where the log was written."""
    (tmp_path / "m.json").write_text(json.dumps(MACHINE))
    log = write_log(tmp_path / "log.jsonl", chained("ab"))
    assert run("ingest", log, "--machine", tmp_path / "m.json")["applied"] == 2


def test_a_machine_refuses_other_moves(run, url, tmp_path):
    """The line is named, nothing is written."""
    (tmp_path / "m.json").write_text(json.dumps(MACHINE))
    error = run("ingest", write_log(tmp_path / "log.jsonl", chained("aba")), "--machine", tmp_path / "m.json", code=1)
    assert error["problems"][0]["line"] == 3
    assert not Path(path_of(url)).exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"to": "z"}, "status"),
        ({"actor": "eve"}, "actor"),
        ({"action": "x"}, "action"),
        ({"data": {"n": True}}, "data"),
        ({"at": "2026-03-31T15:01:00.000001+00:00"}, "time"),
    ],
    ids=str,
)
def test_another_change_at_a_lines_version_is_a_conflict(run, url, tmp_path, changes, said):
    """It is named by line, state and version; what the store has stays."""
    run("ingest", write_log(tmp_path / "log.jsonl", chained("abcd")))
    before = held(url)
    lines = chained("abcd")
    lines[1] |= changes
    lines[2]["from"] = lines[1]["to"]
    error = run("ingest", write_log(tmp_path / "log.jsonl", lines), code=1)
    assert (error["error"], error["line"], error["state_id"], error["version"]) == ("line_conflict", 2, "m", 2)
    assert said in error["message"]
    assert held(url) == before


def test_a_state_that_somebody_made_is_a_conflict(run, url, tmp_path):
    """A log is not mixed into a life of another origin."""
    with SqliteStore(path_of(url)) as store:
        store.save_state("g", "m", {"mine": True}, ChangeMetadata(changed_by="me"))
    assert run("ingest", write_log(tmp_path / "log.jsonl", chained("ab")), code=1)["line"] == 1


def test_a_deleted_state_is_a_conflict(run, url, tmp_path):
    """Its versions go on, so no line can become version 1 again."""
    with SqliteStore(path_of(url)) as store:
        store.save_state("g", "m", {})
        store.delete_state("g", "m")
    assert run("ingest", write_log(tmp_path / "log.jsonl", chained("ab")), code=1)["line"] == 1


@pytest.mark.parametrize("version", [2, 4])
def test_an_event_that_is_gone_is_a_conflict(run, url, tmp_path, version):
    """A line counts as applied when its event is there, not because the state is past it."""
    log = write_log(tmp_path / "log.jsonl", chained("abcd"))
    run("ingest", log)
    with SqliteStore(path_of(url)) as store:
        store.runtime.access.backend.commit([Delete(state_layout("g", "m").event(version))], timeout=5.0)
    error = run("ingest", log, code=1)
    assert (error["error"], error["line"]) == ("line_conflict", version)


def test_of_several_conflicts_the_first_line_is_named(run, url, tmp_path):
    """Machines go side by side; what is told does not hang on which was faster."""
    with SqliteStore(path_of(url)) as store:
        for machine in ("m", "n"):
            store.save_state("g", machine, {})
    lines = [*chained("ab", machine="n"), *chained("ab", machine="m")]
    error = run("ingest", write_log(tmp_path / "log.jsonl", lines), code=1)
    assert (error["line"], error["state_id"]) == (1, "n")


def test_changes_behind_the_log_are_left_alone(run, url, tmp_path):
    """A state that went on after an ingest is still that log's."""
    log = write_log(tmp_path / "log.jsonl", chained("ab"))
    run("ingest", log)
    with SqliteStore(path_of(url)) as store:
        store.save_state("g", "m", {}, status="c")
    assert run("ingest", log)["already_there"] == 2


def test_a_state_that_was_deleted_is_still_that_logs(run, url, tmp_path):
    """The deletion is one more change behind the log; every line is found where it was."""
    log = write_log(tmp_path / "log.jsonl", chained("ab"))
    run("ingest", log)
    with SqliteStore(path_of(url)) as store:
        store.delete_state("g", "m")
    assert run("ingest", log)["already_there"] == 2


def test_an_empty_log_is_applied_at_once(run, tmp_path):
    """Nothing to do is no error."""
    assert run("ingest", write_log(tmp_path / "log.jsonl", []))["lines"] == 0


def test_memory_takes_a_log(tmp_path):
    """Every backend does, also one that forgets."""
    log = write_log(tmp_path / "log.jsonl", LINES[:100])
    result = CliRunner().invoke(main, ["--json", "--store", "memory://", "ingest", str(log)])
    assert json.loads(result.stdout)["applied"] == 100


def test_killed_at_any_point_it_ends_with_every_line_once(url, tmp_path, scale):
    """SIGKILL at seeded points, and again: the last run finds or applies the rest."""
    lines = LINES[: scale(700, 1_400)]
    log = write_log(tmp_path / "log.jsonl.gz", lines)
    kills = 0
    for count in sorted(random.Random(11).sample(range(1, scale(500, 1_000)), scale(3, 4))):
        process = start(url, log)
        if wait_for_events(process, url, count):
            process.kill()
        process.communicate(timeout=60)
        kills += process.returncode == -signal.SIGKILL
    partly = events_in(url)
    done = subprocess.run(command(url, log), cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    summary = json.loads(done.stdout)
    assert kills >= 2
    assert summary["already_there"] == partly
    assert summary["applied"] + summary["already_there"] == len(lines)
    assert held(url) == expected(lines)
    assert consistent(url)


def test_interrupted_it_says_how_far_it_came(url, tmp_path):
    """Ctrl-C: exit code 130, no traceback, and the next run goes on."""
    log = write_log(tmp_path / "log.jsonl.gz", LINES)
    process = start(url, log)
    assert wait_for_events(process, url, 100)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    error = json.loads(said)
    assert error["error"] == "interrupted"
    assert "of 1,400 lines" in error["message"]
    subprocess.run(command(url, log), cwd=ROOT, capture_output=True, timeout=60, check=True)
    assert held(url) == expected(LINES)


def test_two_at_once_apply_each_line_once(url, tmp_path):
    """Each takes what the other wrote for what it is."""
    log = write_log(tmp_path / "log.jsonl.gz", LINES[:1_000])
    rivals = [start(url, log) for _ in range(2)]
    outcomes = [rival.communicate(timeout=60) for rival in rivals]
    assert [rival.returncode for rival in rivals] == [0, 0], outcomes
    summaries = [json.loads(out) for out, _ in outcomes]
    assert sum(summary["applied"] for summary in summaries) == 1_000
    assert held(url) == expected(LINES[:1_000])


def test_a_log_of_incidents_begins_well(run, tmp_path):
    """Its first 1,000 lines, and then the same again."""
    log = write_log(tmp_path / "log.jsonl", incidents(1_000))
    assert run("ingest", log)["applied"] == 1_000
    assert run("ingest", log)["already_there"] == 1_000


@pytest.mark.emulator
def test_firestore_takes_a_log(tai_state_project, tmp_path):
    """The same lines, the same summary, and the second run finds them all."""
    log = write_log(tmp_path / "log.jsonl", LINES[:300])
    summaries = [
        json.loads(
            subprocess.run(
                command(f"firestore://{tai_state_project}", log),
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            ).stdout
        )
        for _ in range(2)
    ]
    assert [(summary["applied"], summary["already_there"]) for summary in summaries] == [(300, 0), (0, 300)]


MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_memory(url, log):
    """Return the peak resident size of an ingest, in the unit of the system."""
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, *command(url, log)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return int(measured.stdout)


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_memory_does_not_grow_with_the_log(tmp_path):
    """65,533 lines take at most 1.2 times the memory of 10,000."""
    lines = log_lines(65_533)
    few = peak_memory(f"sqlite:///{tmp_path}/few.db", write_log(tmp_path / "few.gz", lines[:10_000]))
    many = peak_memory(f"sqlite:///{tmp_path}/many.db", write_log(tmp_path / "many.gz", lines))
    assert many <= 1.2 * few
