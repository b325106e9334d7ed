"""The jobs call the program as it is, and what they print is what the metrics count."""

import json
import re

import pytest
from click.testing import CliRunner

from tai_state import SqliteStore, StateMachinePersister
from tai_state.cli import main
from tai_state.documents import DocumentPath
from tai_state.layout import GovernorLayout, state_layout
from tests._sync.machines import COUNTER
from tests._sync.stores import plant
from tests.unit.infra.log_filters import matches, of_job
from tests.unit.infra.metrics import NAME, filter_of
from tests.unit.infra.terraform import example, filled, local, resources

JOBS = ("due", "gc", "recover")


def listed(value):
    """Return the list that a value is, or with which an expression that adds to it begins."""
    if isinstance(value, list):
        return value
    found = re.search(r"\[[^]]*\]", value)
    assert found, value
    return json.loads(found[0])


def words_of(key, path):
    """Return what is typed behind the program's name: Terraform's words, those of the example, and a machine there."""
    (container,) = resources("google_cloud_run_v2_job")["upkeep"]["template"][0]["template"][0]["containers"]
    assert container["command"] == ["python", "-m", "tai_state"]
    first = [filled(word, name=NAME, key=key) for word in listed(container["args"])]
    command = local("every_job")[key]["command"]
    words = [*first, *listed(command), *(example()["gc_arguments"] if "var.gc_arguments" in command else [])]
    if "var.due_machines" in command:
        file = path.with_name("counter.json")
        file.write_text(COUNTER.to_json())
        words += ["--machine", str(file)]
    return words


@pytest.fixture
def path(tmp_path):
    """A store with a state."""
    with SqliteStore(tmp_path / "s.db", actor="ann") as store:
        persister = StateMachinePersister(store, COUNTER)
        persister.start("g", "s")
        persister.transition("g", "s", "add", 1)
    return tmp_path / "s.db"


def run(path, key):
    """Run a job as Cloud Run does, and return its exit code and the entries of what it printed."""
    result = CliRunner(env={"TAI_STATE_STORE": f"sqlite:///{path}"}).invoke(main, words_of(key, path))
    return result.exit_code, [of_job(line, f"{NAME}-{key}") for line in result.stdout.splitlines()]


def counted(metric, entries):
    return sum(matches(filter_of(metric), entry) for entry in entries)


@pytest.mark.parametrize("key", JOBS)
def test_a_job_is_a_call_of_the_program(path, key):
    """On a sound store it ends well, asks nobody, and prints objects alone."""
    code, entries = run(path, key)
    assert code == 0
    assert entries
    assert all("jsonPayload" in entry for entry in entries)
    assert (counted("findings", entries), counted("repairs", entries)) == (0, 0)


def test_a_repair_is_counted(path):
    """A governor of which something was mended."""
    with SqliteStore(path) as store:
        plant(store, state_layout("g", "s").state, status="forged")
    code, entries = run(path, "recover")
    assert (code, counted("repairs", entries), counted("findings", entries)) == (0, 1, 0)


def test_a_finding_that_is_left_is_counted(path):
    """And the run fails, which its own alert tells."""
    with SqliteStore(path) as store:
        plant(store, DocumentPath(GovernorLayout("g").states, "not ours"), anything=1)
    code, entries = run(path, "recover")
    assert (code, counted("findings", entries)) == (1, 1)


def test_a_job_is_started_by_its_schedule():
    """By the account that can do nothing else, and not again when it has failed."""
    schedule = resources("google_cloud_scheduler_job")["upkeep"]
    assert schedule["for_each"] == "${local.jobs}"
    assert set(JOBS) == set(local("every_job"))
    assert local("jobs") == "${{for key, job in local.every_job : key => job if job.is_wanted}}"
    assert local("every_job")["due"]["is_wanted"] == "${length(var.due_machines) > 0}"
    assert schedule["schedule"] == "${each.value.schedule}"
    (target,) = schedule["http_target"]
    assert target["uri"].endswith("${google_cloud_run_v2_job.upkeep[each.key].id}:run")
    assert target["oauth_token"] == [{"service_account_email": "${google_service_account.scheduler.email}"}]
    job = resources("google_cloud_run_v2_job")["upkeep"]
    assert job["for_each"] == "${local.jobs}"
    assert job["template"][0]["template"][0]["max_retries"] == 0


def test_every_job_may_be_started_and_its_runs_are_watched():
    """There is one resource of all jobs, which the grant and the alerts name: none is left out."""
    assert set(resources("google_cloud_run_v2_job")) == {"upkeep"}
    start = resources("google_cloud_run_v2_job_iam_member")["start"]
    assert (start["for_each"], start["role"]) == ("${google_cloud_run_v2_job.upkeep}", "roles/run.invoker")
