"""The glance at a state document: it tells what the closer look tells, or nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tai_state.codec import EMPTY, Payload
from tai_state.config import Encoding
from tai_state.errors import SchemaVersionError
from tai_state.rules.records import documents
from tai_state.rules.records.documents import state_fields
from tai_state.rules.records.fields import FieldError, check_format
from tai_state.rules.records.formats import FORMAT_NEWEST
from tai_state.rules.records.record import MachineStamp, Marks, MetadataRecord, StateRecord, stamp_of
from tai_state.rules.records.usual import usual_state

NOW = datetime(2024, 2, 29, 12, tzinfo=UTC)
PLAIN = StateRecord(
    governor_id="g",
    state_id="s",
    version=3,
    last_error=None,
    deleted=False,
    schema_version=1,
    machine=MachineStamp("orders", 4, "f" * 64),
    metadata=MetadataRecord("ann", "why", 2, EMPTY),
    causality={"a": 2, "b": 1},
    fences={},
    transition_id="t",
    timestamp=NOW,
    created_at=NOW,
    hash="0" * 64,
    status="new",
    data=Payload.of({"n": 1, "at": NOW}),
    marks=Marks(sealed_through=2, snapshots=(1, 2)),
)
USUAL = {
    "plain": PLAIN,
    "no machine": replace(PLAIN, machine=None),
    "an error": replace(PLAIN, last_error="broke"),
    "the first": replace(PLAIN, version=1, metadata=MetadataRecord("ann", "", None, EMPTY), marks=Marks()),
    "deleted": replace(PLAIN, deleted=True, data=EMPTY),
    "large": replace(PLAIN, data=Payload.of({"text": "x" * 100})),
}
ODD: list[Any] = [None, 0, -1, 1, 99, True, 1.5, "", "text", b"bytes", [], [1], ["a"], [True], {}, {"a": 1}, {"a": "b"}]
ODD += [NOW, {"changed_by": 1, "reason": "", "parent_version": 1, "context": {}}]
ODD += [{"changed_by": "a", "reason": "", "parent_version": None, "context": {"ticket": 7}}]


def fields_of(name: str) -> dict[str, Any]:
    """Return what a document of that state holds when it is read, its data in one of its shapes."""
    record = USUAL[name]
    encoding = Encoding(1, 64) if name == "large" else Encoding()
    fields = state_fields(record, encoding)
    return fields if name == "large" else {**fields, "data": record.data.value()}


def closer(fields: dict[str, Any]) -> StateRecord | None:
    """Return what the closer look tells; None where it refuses."""
    try:
        check_format(fields, "here", newest=FORMAT_NEWEST)
        return documents._state_from(fields)
    except (FieldError, SchemaVersionError):
        return None


@pytest.mark.parametrize("name", USUAL)
def test_a_usual_state_is_read_at_a_glance(name):
    """Each field of it."""
    assert usual_state(fields_of(name), FORMAT_NEWEST) == USUAL[name]
    assert closer(fields_of(name)) == USUAL[name]


@pytest.mark.parametrize("name", USUAL)
def test_a_glance_tells_nothing_that_the_closer_look_refuses(name):
    """Whatever stands in whichever field, or where it is missing."""
    for field in fields_of(name):
        for value in ODD:
            altered = {**fields_of(name), field: value}
            seen = usual_state(altered, FORMAT_NEWEST)
            assert seen is None or seen == closer(altered), (field, value)
        without = fields_of(name)
        del without[field]
        assert usual_state(without, FORMAT_NEWEST) is None


def test_a_field_more_is_for_the_closer_look():
    """It may be one of those that few states have."""
    assert usual_state({**fields_of("plain"), "labels": ["a=b"]}, FORMAT_NEWEST) is None


def test_a_stamp_is_one_object_for_each_machine():
    """Of its own types: what somebody else stored as a bool is no version 1."""
    assert stamp_of("m", 1, "f") is stamp_of("m", 1, "f")
    for version in (True, 1):
        assert type(stamp_of("m", version, "f").version) is type(version)
