"""Each metric counts records that the package really writes, each alert and chart is about a metric that is there."""

import json
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
from tests.unit.infra.terraform import TERRAFORM, local, resources

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


def test_every_alert_is_about_a_metric():
    """Of its own source, whose type it names."""
    alerts = local("alerts")
    assert {alert["metric"] for alert in alerts.values()} <= set(metrics())
    assert {"conflicts", "retries_exhausted", "outcome_unknown", "locks_lost", "findings"} <= {
        alert["metric"] for alert in alerts.values()
    }
    assert all(alert["advice"] and alert["title"] for alert in alerts.values())
    condition = resources("google_monitoring_alert_policy")["counted"]["conditions"][0]["condition_threshold"][0]
    assert "google_logging_metric.counted[each.value.metric].name" in condition["filter"]


def test_every_policy_reaches_those_who_are_named():
    """And says what to do."""
    for policy in resources("google_monitoring_alert_policy").values():
        assert policy["notification_channels"] == "${var.notification_channels}"
        assert policy["documentation"][0]["content"]


def test_every_chart_is_of_a_metric_that_is_there():
    """Of those that are counted each is on the dashboard, and no other."""
    text = (TERRAFORM / "dashboard.json.tftpl").read_text(encoding="utf-8")
    board_file = (TERRAFORM / "dashboard.tf").read_text(encoding="utf-8")
    given = set(re.findall(r"^    (\w+) += var\.", board_file, re.MULTILINE))
    assert set(re.findall(r"\$\{(\w+)\}", text)) == given
    board = json.loads(re.sub(r"\$\{\w+\}", NAME, text))
    kinds: dict[str, set[str]] = {"cloud_run_revision": set(), "cloud_run_job": set()}
    for widget in board["gridLayout"]["widgets"]:
        for series in widget["xyChart"]["dataSets"]:
            asked = series["timeSeriesQuery"]["timeSeriesFilter"]["filter"]
            named = re.search(r'resource\.type="([^"]+)"', asked)
            assert named, asked
            for name in re.findall(rf'"logging\.googleapis\.com/user/{NAME}/(\w+)"', asked):
                kinds[named[1]].add(name)
    sources = local("log_sources")
    for kind, charted in kinds.items():
        assert charted == {name for name, body in metrics().items() if sources[body["source"]]["type"] == kind}
