"""The public values: frozen, strict, copyable, and as JSON."""

import copy
import pickle
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel, ValidationError

from tai_state import (
    KEEP,
    BatchResult,
    ChangeMetadata,
    ConsistencyReport,
    Event,
    Machine,
    MemoryStore,
    Problem,
    StateMachinePersister,
    StateSnapshot,
    Transition,
    TransitionRequest,
    TransitionResult,
)
from tai_state.clock import Deadline, SystemClock
from tai_state.codec import Payload
from tai_state.models.results import result_of
from tai_state.rules.records.chain import event_hash, make_seal
from tai_state.rules.records.record import EventRecord, MachineStamp, MetadataRecord, Signal
from tai_state.testing.clock import ManualClock


@pytest.fixture
def result():
    """A real result, from a store in memory."""
    machine = Machine("m", "new", [Transition("go", "new", "done")])
    with MemoryStore(actor="ann") as store:
        persister = StateMachinePersister(store, machine)
        persister.start("g", "s", {"at": datetime(2024, 1, 1, tzinfo=UTC), "raw": b"x", "n": [1]})
        return persister.transition("g", "s", "go", {"p": 1}, idempotency_key="k")


def test_results_are_frozen(result):
    """Nobody changes what happened."""
    for model, field in ((result, "replayed"), (result.event, "version"), (result.snapshot, "status")):
        with pytest.raises((ValidationError, AttributeError)):
            setattr(model, field, None)


def test_results_are_valid_models(result):
    """Made without validation inside, they pass it."""
    for model in (result.event, result.snapshot, result.snapshot.metadata):
        assert type(model).model_validate(model.model_dump()) == model


def test_results_survive_pickling_and_copying(result):
    """Equal, and with data of their own."""
    for again in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert again == result
        again.snapshot.data["n"].append(2)
        assert result.snapshot.data["n"] == [1]


def test_a_result_is_made_when_it_is_looked_at(result):
    """Once, and what it tells of the move needs none of it."""
    looks = []

    def both():
        looks.append(1)
        return result.event, result.snapshot

    later = result_of(result.event, both)
    assert (later.version, later.from_status, later.to_status, later.replayed) == (2, "new", "done", False)
    assert looks == []
    assert later.snapshot is later.snapshot is result.snapshot
    assert looks == [1]
    assert later == result
    assert hash(later) == hash(result)
    assert later != TransitionResult(result.event, result.snapshot, replayed=True)


def test_a_result_dumps_as_json(result):
    """Times as text; what JSON cannot hold is the caller's to avoid."""
    shown = result.event.model_copy(update={"to_state": {"n": 1}, "from_state": None}).model_dump(mode="json")
    assert (shown["action"], shown["version"], shown["to_state"]) == ("go", 2, {"n": 1})
    assert shown["timestamp"].endswith("Z")


def test_a_result_tells_the_move(result):
    """Version and statuses are those of its event."""
    assert isinstance(result, TransitionResult)
    assert (result.version, result.from_status, result.to_status) == (2, "new", "done")


@pytest.mark.parametrize("model", [ChangeMetadata, StateSnapshot, Event, BatchResult, Problem])
def test_unknown_names_are_refused(model):
    """A misspelt field is an error, not nothing."""
    with pytest.raises(ValidationError, match="colour"):
        model(colour="red")


def test_a_report_is_consistent_without_problems():
    """And only then."""
    sound = ConsistencyReport(governor_id="g", problems=[], states=1, events=1)
    problem = Problem(kind="state_mismatch", state_id="s", version=1, message="why")
    assert sound.is_consistent
    assert not sound.model_copy(update={"problems": [problem]}).is_consistent


def test_keep_is_one_value():
    """It survives pickling as itself, and shows its name."""
    assert pickle.loads(pickle.dumps(KEEP)) is KEEP
    assert copy.deepcopy(KEEP) is KEEP
    assert repr(KEEP) == "KEEP"


def test_a_request_has_the_defaults_of_a_transition():
    """So that it may be as short."""
    request = TransitionRequest("g", "s", "go")
    assert (request.payload, request.expected_version, request.idempotency_key) == (None, None, None)
    assert request.error is KEEP


def test_the_types_of_a_request_can_be_read():
    """By whatever makes forms or documents of signatures."""
    hints = get_type_hints(TransitionRequest)
    assert set(hints) == set(TransitionRequest._fields)
    assert hints["metadata"] == ChangeMetadata | None


def test_a_snapshot_may_hold_a_model():
    """Typed by the machine's data."""

    class Order(BaseModel):
        n: int

    snapshot = StateSnapshot[Order].model_validate({
        "governor_id": "g", "state_id": "s", "status": "new", "data": {"n": 1}, "version": 1,
        "timestamp": "2024-01-01T00:00:00Z", "created_at": "2024-01-01T00:00:00Z",
        "metadata": {"changed_by": "ann"}, "causality": {},
    })  # fmt: skip
    assert snapshot.data == Order(n=1)


GOLDEN = EventRecord(
    governor_id="g/é",
    state_id="s",
    version=2,
    last_error="broke",
    deleted=False,
    schema_version=1,
    machine=MachineStamp("orders", 3, "f" * 64),
    metadata=MetadataRecord("ann", "why", 1, Payload.of({"ticket": 7})),
    causality={"b" * 32: 1, "a" * 32: 2},
    transition_id="0" * 32,
    timestamp=datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=UTC),
    created_at=datetime(2024, 1, 1, tzinfo=UTC),
    hash="",
    action="pay",
    kind="transition",
    payload=Payload.of({"amount": 12.5, "small": 5e-324, "raw": b"\x00", "at": datetime(2024, 1, 1, tzinfo=UTC)}),
    idempotency_key="k",
    from_status="new",
    to_status="paid",
    from_state=Payload.of({"n": 1}),
    to_state=Payload.of({"n": 2, "list": [[1.0, -0.0, 1e-7]]}),
    origin="a" * 32,
    parents=(1,),
    fencing_token=None,
    fences={"nightly run": 7},
    previous_hash="1" * 64,
)
GOLDEN_HASH = "b67d1f80406b47113464bf0acbbe0f1c154b9bf7ee0d835bd1812aa32169124c"  # pragma: allowlist secret


SEALED_HASH = "c95d316d7d8a734e98f1999ddca97c512a00a53d96dd8584aeacc459de3329a8"  # pragma: allowlist secret


def test_the_hash_of_an_event_never_changes():
    """Logs that were written are checked by it, in both of its layouts."""
    assert event_hash(GOLDEN) == GOLDEN_HASH
    assert event_hash(replace(GOLDEN, seal=make_seal(GOLDEN, "0" * 32))) == SEALED_HASH


NOT_COVERED = {"hash", "committed_at", "seal", "brought"}
YOUNGER = {"cause", "due", "foreign_parent", "labels", "occurred_at"}
"""Fields that events of the first layout do not have."""


@pytest.mark.parametrize("name", sorted({field.name for field in fields(EventRecord)} - NOT_COVERED - YOUNGER))
def test_the_hash_covers_every_field(name):
    """Whatever is changed shows."""
    changed: dict[str, Any] = {
        "deleted": True,
        "machine": None,
        "metadata": replace(GOLDEN.metadata, reason="other"),
        "causality": {},
        "fences": {},
        "payload": Payload.of(None),
        "from_state": Payload.of({}),
        "to_state": Payload.of({}),
        "parents": (2,),
        "timestamp": GOLDEN.created_at,
        "created_at": GOLDEN.timestamp,
        "version": 3,
        "schema_version": 2,
        "fencing_token": 1,
        "depends_on": ("other",),
        "signals": (Signal("other", "failed"),),
    }
    assert event_hash(replace(GOLDEN, **{name: changed.get(name, "other")})) != GOLDEN_HASH


def test_the_hash_leaves_out_itself_and_the_commit_time():
    """Both are known only later."""
    later = replace(GOLDEN, hash="x", committed_at=datetime(2030, 1, 1, tzinfo=UTC))
    assert event_hash(later) == GOLDEN_HASH


def test_the_system_clock_is_aware_and_goes_on():
    """UTC, and elapsed time that does not run back."""
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


def test_a_deadline_counts_elapsed_time():
    """A step of the wall clock does not move it."""
    clock = ManualClock()
    deadline = Deadline(clock, 5)
    clock.step_wall(3600)
    assert not deadline.passed
    clock.advance(5)
    assert deadline.passed
