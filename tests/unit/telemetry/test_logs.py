"""Records as JSON for Cloud Logging: its special fields, the package's own, the trace, and nobody else's texts."""

import ast
import json
import logging
from pathlib import Path

import pytest
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

import tai_state
from tai_state import Machine, MemoryStore, StateMachinePersister, StateNotFoundError, Transition
from tai_state.telemetry.logs import FIELDS, CloudLoggingFormatter

MACHINE = Machine("m", "on", [Transition("go", "on", "on")])


def record(level=logging.WARNING, **options):
    return logging.LogRecord("tai_state", level, __file__, 1, "attempt %d", (2,), **{"exc_info": None, **options})


@pytest.mark.parametrize(("level", "severity"), [(10, "DEBUG"), (30, "WARNING"), (50, "CRITICAL"), (33, "DEFAULT")])
def test_a_record_is_one_line_with_its_severity(level, severity):
    """Under the names that Cloud Logging knows."""
    line = CloudLoggingFormatter().format(record(level))
    told = json.loads(line)
    assert "\n" not in line
    assert (told["severity"], told["message"], told["logger"]) == (severity, "attempt 2", "tai_state")
    assert told["time"].endswith("+00:00")


def test_a_change_is_told_with_its_fields(caplog):
    """Those of the package, each under its own name."""
    with caplog.at_level(logging.DEBUG, "tai_state"), MemoryStore() as store:
        StateMachinePersister(store, MACHINE).start("g", "s")
    told = [json.loads(CloudLoggingFormatter().format(one)) for one in caplog.records]
    (change,) = [one for one in told if one.get("event") == "change"]
    assert (change["governor_id"], change["state_id"], change["version"], change["action"]) == ("g", "s", 1, "start")


def test_every_field_that_the_package_writes_is_known():
    """Whoever adds one to a record adds it there, and decides that it holds no data."""
    package = Path(tai_state.__file__).parent
    written = {
        key.value
        for room in ("_async", "_platform", "adapters", "backends")
        for path in (package / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Dict)
        and any(isinstance(key, ast.Constant) and key.value == "event" for key in node.keys)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    assert {"event", "attempt"} <= written
    assert written - set(FIELDS) == set()


def test_a_record_that_wants_no_traceback_has_none():
    """Where a caller says ``exc_info=False``, the record has just that."""
    one = record()
    one.exc_info = False
    assert "stack_trace" not in json.loads(CloudLoggingFormatter().format(one))


def test_fields_of_others_are_not_written():
    """What a filter or an adapter put on a record may be anything."""
    one = record()
    one.note_of_others = "canary"
    assert "canary" not in CloudLoggingFormatter().format(one)


@pytest.mark.parametrize(("project", "prefix"), [(None, ""), ("p", "projects/p/traces/")])
def test_the_trace_under_way_is_joined(project, prefix):
    """By the project, where one is named; without a trace nothing is said of one."""
    formatter = CloudLoggingFormatter(project)
    context = SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    with use_span(NonRecordingSpan(context)):
        told = json.loads(formatter.format(record()))
    assert told["logging.googleapis.com/trace"] == f"{prefix}{0xABC:032x}"
    assert told["logging.googleapis.com/spanId"] == f"{0xDEF:016x}"
    assert told["logging.googleapis.com/trace_sampled"] is True
    assert not any("googleapis" in name for name in json.loads(formatter.format(record())))


def test_of_an_exception_the_frames_are_told_and_no_text_but_ours():
    """What a user's guard says of its data is the user's."""
    with pytest.raises(StateNotFoundError) as caught:
        raise StateNotFoundError("g", "s") from RuntimeError("canary")
    told = json.loads(CloudLoggingFormatter().format(record(exc_info=(caught.type, caught.value, caught.tb))))
    frames = told["stack_trace"].replace('from RuntimeError("canary")', "")
    assert "canary" not in frames
    assert "builtins.RuntimeError\n" in frames
    assert "state 's' of governor 'g' does not exist" in frames


def test_errors_that_are_each_others_cause_are_told_once():
    """As Python does it, where a chain of causes has no end."""
    first, second = StateNotFoundError("g", "first"), StateNotFoundError("g", "second")
    first.__cause__, second.__cause__ = second, first
    told = json.loads(CloudLoggingFormatter().format(record(exc_info=(type(first), first, None))))
    assert [told["stack_trace"].count(name) for name in ("'first'", "'second'")] == [1, 1]
    assert told["stack_trace"].index("'second'") < told["stack_trace"].index("'first'")
