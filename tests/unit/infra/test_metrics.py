"""Each metric counts records that the package really writes, each alert and chart is about a metric that is there."""

import logging
import re

import pytest

from tai_state import (
    BackendStore,
    LockLostError,
    LockManager,
    MemoryStore,
    OutcomeUnknownError,
    RetriesExhaustedError,
    RetryPolicy,
)
from tai_state.layout import state_layout
from tests._sync.stores import FaultyBackend, plant
from tests.unit.infra.log_filters import matches, of_service
from tests.unit.infra.metrics import NAME, filter_of, metrics
from tests.unit.infra.terraform import local, resources, texts

OF_JOBS = {"findings", "repairs"}


def conflict(backend, store):
    """Another writer is first."""
    store.save_state("g", "s", {})
    BackendStore(backend.inner, actor="other").save_state("g", "s", {})
    store.save_state("g", "s", {})


def lost_reply(backend, store):
    """A commit's reply does not come."""
    backend.faults = ["reply lost"]
    store.save_state("g", "s", {})


def silence(backend, store):
    """The store does not answer for a moment."""
    store.save_state("g", "s", {})
    backend._unread = 1
    store.get_state("g", "s")


def longer_silence(backend, store):
    """The store does not answer for longer than a call waits."""
    store.save_state("g", "s", {})
    backend._unread = 100
    with pytest.raises(RetriesExhaustedError):
        store.get_state("g", "s")


def nobody_knows(backend, store):
    """A reply is lost, and nothing more is asked."""
    backend.faults = ["request lost"] * 3
    with pytest.raises(OutcomeUnknownError):
        store.save_state("g", "s", {})


def broken_lock(backend, store):
    """Somebody else ends a lock."""
    locks = LockManager(store)
    held = locks.acquire("a", heartbeat=False)
    locks.break_lock("a", held.fencing_token, "its host is gone")
    with pytest.raises(LockLostError):
        held.renew()


def damaged(backend, store):
    """A document is edited by hand."""
    store.save_state("g", "s", {})
    plant(store, state_layout("g", "s").state, version="none")
    store.get_state("g", "s")


HAPPENINGS = {
    "conflicts": conflict,
    "ambiguous_commits": lost_reply,
    "store_retries": silence,
    "retries_exhausted": longer_silence,
    "outcome_unknown": nobody_knows,
    "locks_lost": broken_lock,
    "damage": damaged,
}


@pytest.fixture
def entries(caplog):
    """Return the entries of what was logged while something happened."""
    caplog.set_level(logging.INFO, logger="tai_state")

    def after(happening):
        backend = FaultyBackend(MemoryStore().runtime.access.backend, ())
        retry = RetryPolicy(attempts=3, wait_initial=0.0, wait_max=0.0)
        happening(backend, BackendStore(backend, actor="tester", retry=retry))
        return [of_service(record, NAME) for record in caplog.records if record.name == "tai_state"]

    return after


def counted(metric, entries, **changes):
    return sum(matches(filter_of(metric, **changes), entry) for entry in entries)


def test_every_metric_of_the_service_is_tried():
    """None is left to hope."""
    assert set(HAPPENINGS) == set(metrics()) - OF_JOBS


@pytest.mark.parametrize("metric", HAPPENINGS)
def test_a_metric_counts_what_happens(metric, entries):
    """And nothing where all is well."""
    assert counted(metric, entries(lambda backend, store: store.save_state("g", "s", {}))) == 0
    assert counted(metric, entries(HAPPENINGS[metric])) >= 1


@pytest.mark.parametrize("metric", HAPPENINGS)
def test_a_filter_of_a_field_that_is_not_written_counts_nothing(metric, entries):
    """Nor does one of another service, or of another event."""
    found = entries(HAPPENINGS[metric])
    planted = metrics()[metric]["condition"]
    assert counted(metric, found, condition=planted.replace("event", "kind")) == 0
    assert counted(metric, found, condition=planted.replace('="', '="x')) == 0
    assert counted(metric, found, source="recover") == 0


def test_a_series_is_that_of_its_metric():
    """By its name, and of the type of its source; or the runs of all jobs of this installation, and of no other's."""
    counted, runs = re.findall(r"\{\s*metric += (.*)\n\s*of += (.*)", texts()["metrics.tf"])
    assert counted == (
        '"logging.googleapis.com/user/${google_logging_metric.counted[key].name}"',
        r'"resource.type=\"${local.log_sources[metric.source].type}\""',
    )
    assert runs[0] == '"run.googleapis.com/job/completed_execution_count"'
    assert "job_name=one_of(" in runs[1]
    assert "for job in google_cloud_run_v2_job.upkeep" in runs[1]


def test_every_alert_is_about_a_series():
    """Those of which callers hear nothing, or too late, are all among them; so are the runs that failed, job by job."""
    alerts = local("alerts")
    assert {alert["metric"] for alert in alerts.values()} <= {*metrics(), "runs"}
    assert {"conflicts", "retries_exhausted", "outcome_unknown", "locks_lost", "findings", "runs"} <= {
        alert["metric"] for alert in alerts.values()
    }
    assert all(alert["advice"] and alert["title"] for alert in alerts.values())
    assert alerts["failed_runs"]["only"] == 'metric.labels.result="failed"'
    assert alerts["failed_runs"]["by"] == ["resource.label.job_name"]


def test_every_policy_reaches_those_who_are_named():
    """About its own series, with what to do."""
    (policy,) = resources("google_monitoring_alert_policy").values()
    assert policy["for_each"] == "${local.alerts}"
    assert policy["notification_channels"] == "${var.notification_channels}"
    assert policy["documentation"][0]["content"].endswith(" ${each.value.advice}")
    threshold = policy["conditions"][0]["condition_threshold"][0]
    for part in ("series[each.value.metric].metric", "series[each.value.metric].of", "each.value.only"):
        assert part in threshold["filter"]
    assert threshold["aggregations"][0]["group_by_fields"] == "${try(each.value.by, null)}"


def test_every_chart_is_of_a_series_that_is_there():
    """Each of them is on the dashboard, once."""
    charted = re.findall(r"\blocal\.series\.(\w+)", texts()["dashboard.tf"])
    assert sorted(charted) == sorted({*metrics(), "runs"})
    (board,) = resources("google_monitoring_dashboard").values()
    for part in ("for chart in local.charts", "for line in chart.lines", "${line.metric}", "${line.of}"):
        assert part in board["dashboard_json"]
