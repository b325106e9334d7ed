"""Spans and metrics by OpenTelemetry's own SDK: what they hold, and that no id is among it."""

import pytest
from opentelemetry.sdk import metrics as sdk_metrics
from opentelemetry.sdk import trace as sdk_trace
from opentelemetry.sdk.metrics import export as metrics_export
from opentelemetry.sdk.trace import export as trace_export
from opentelemetry.sdk.trace.export import in_memory_span_exporter as in_memory

from tai_state import (
    ConfigurationError,
    LockManager,
    Machine,
    MemoryStore,
    SqliteStore,
    StateMachinePersister,
    Transition,
)
from tai_state.telemetry import observe
from tai_state.telemetry.otel import OpenTelemetry
from tests.unit.telemetry.test_canaries import CANARY, KEY, Run, change, look, transact
from tests.unit.telemetry.test_canaries import MACHINE as CANARIES

MACHINE = Machine("m", "on", [Transition("go", "on", "on")])


class Seen:
    """What was exported."""

    def __init__(self, **options):
        self._spans = in_memory.InMemorySpanExporter()
        tracers = sdk_trace.TracerProvider()
        tracers.add_span_processor(trace_export.SimpleSpanProcessor(self._spans))
        self._reader = metrics_export.InMemoryMetricReader()
        meters = sdk_metrics.MeterProvider([self._reader])
        self.tracer = tracers.get_tracer("user")
        self.observer = OpenTelemetry(tracer_provider=tracers, meter_provider=meters, **options)

    @property
    def spans(self):
        return {span.name: span for span in self._spans.get_finished_spans()}

    def points(self):
        data = self._reader.get_metrics_data()
        assert data is not None
        return {
            metric.name: list(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def store():
    """An empty store in memory."""
    with MemoryStore() as store:
        yield store


def test_an_operation_is_a_span_beneath_the_callers(store):
    """With what it cost; the governor is not in it."""
    seen = Seen()
    with observe(store, seen.observer), seen.tracer.start_as_current_span("request"):
        StateMachinePersister(store, MACHINE).start("my-governor", "my-state")
    span, parent = seen.spans["tai_state.start"], seen.spans["request"]
    assert span.parent.span_id == parent.context.span_id
    told = dict(span.attributes)
    assert told["tai_state.backend"] == "Memory"
    assert (told["tai_state.documents_read"], told["tai_state.documents_written"], told["tai_state.commits"]) == (
        2,
        4,
        1,
    )
    assert told["tai_state.bytes_written"] > 0
    assert "my-" not in span.to_json()


def test_a_governor_is_told_by_a_digest_alone(store):
    """Under a salt it is another one."""
    digests = []
    for salt in (b"", b"a", b"a"):
        seen = Seen(governor="hashed", salt=salt)
        with observe(store, seen.observer):
            store.find_state("my-governor", "s")
        digests.append(seen.spans["tai_state.get_state"].attributes["tai_state.governor"])
        assert "my-governor" not in seen.spans["tai_state.get_state"].to_json()
    assert len(digests[0]) == 16
    assert digests[1] == digests[2] != digests[0]


def test_an_error_is_told_by_its_code(store):
    """In the span's status, too."""
    seen = Seen()
    with observe(store, seen.observer), pytest.raises(LookupError):
        StateMachinePersister(store, MACHINE).transition("g", "nobody", "go")
    span = seen.spans["tai_state.transition"]
    assert span.attributes["error.type"] == span.status.description == "state_not_found"
    assert "nobody" not in span.to_json()


def test_metrics_name_operations_and_never_governors(store):
    """Durations, commits, what is billed, sizes, and what locks were waited for and held."""
    seen = Seen(governor="hashed")
    with observe(store, seen.observer):
        StateMachinePersister(store, MACHINE).start("my-governor", "my-state")
        LockManager(store).acquire("r", heartbeat=False).release()
    points = seen.points()
    assert {
        "tai_state.operation.duration",
        "tai_state.commit.size",
        "tai_state.lock.wait",
        "tai_state.lock.hold",
    } <= set(points)
    labels = {name for found in points.values() for point in found for name in point.attributes}
    assert labels == {"tai_state.operation", "tai_state.backend", "error.type", "tai_state.lost"}
    assert sum(point.value for point in points["tai_state.documents_written"]) == 4 + 1 + 1


def test_no_canary_is_in_a_span_or_a_metric(tmp_path):
    """Of all the ways to change and to read a state, transactions and locks included, well and not."""
    seen, run = Seen(governor="hashed"), Run()
    with SqliteStore(tmp_path / "store.db") as store, observe(store, seen.observer):
        persister = StateMachinePersister(store, CANARIES)
        change(run, store, persister)
        look(run, store, persister)
        transact(run, store)
    told = [span.to_json() for span in seen.spans.values()] + [str(seen.points())]
    assert len(told) > 20
    assert [text for text in told if CANARY in text or KEY in text] == []


@pytest.mark.parametrize("options", [{"governor": "plain"}, {"governor": "hashed", "salt": b"x" * 65}])
def test_what_cannot_be_is_refused(options):
    """At once, by what it is."""
    with pytest.raises(ConfigurationError):
        OpenTelemetry(**options)
