"""Every field of an event and of a state goes everywhere: a name left out of any list of them fails here.

The records below hold in every field a value that is none of the defaults, so that what is forgotten is seen.
"""

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from types import NoneType
from typing import Any

import pytest

from tai_state import Event, StateSnapshot
from tai_state.codec import Payload
from tai_state.config import Encoding
from tai_state.documents import Document, DocumentPath
from tai_state.errors import CorruptLogError
from tai_state.layout import state_layout
from tai_state.rules.history.replay import differing_field
from tai_state.rules.history.segments import build_segment, read_segment
from tai_state.rules.history.snapshots import read_snapshot, snapshot_fields
from tai_state.rules.records.chain import event_hash, make_seal, seal_is_sound, state_digest
from tai_state.rules.records.documents import (
    event_fields,
    event_from,
    read_event,
    read_state,
    state_fields,
    state_put,
)
from tai_state.rules.records.formats import FORMATS
from tai_state.rules.records.occasional import Cause, Due, Foreign, Prepared
from tai_state.rules.records.record import (
    Content,
    EventRecord,
    MachineStamp,
    Marks,
    MetadataRecord,
    Signal,
    StateRecord,
)

NOW = datetime(2024, 2, 29, 12, tzinfo=UTC)
LATER = datetime(2024, 3, 1, 12, tzinfo=UTC)
EVENT = EventRecord(
    governor_id="g",
    state_id="s",
    version=2,
    last_error="broke",
    deleted=True,
    schema_version=3,
    machine=MachineStamp("orders", 4, "f" * 64),
    metadata=MetadataRecord("ann", "why", 1, Payload.of({"ticket": 7})),
    causality={"a": 2},
    fences={"nightly": 7},
    transition_id="t",
    timestamp=LATER,
    created_at=NOW,
    hash="0" * 64,
    depends_on=("other",),
    signals=(Signal("other", "failed"),),
    due=Due(datetime(2024, 3, 2, tzinfo=UTC), "fail", "orders", 1, timedelta(seconds=90.5)),
    labels=("customer=c-7", "region=eu"),
    action="pay",
    kind="transition",
    payload=Payload.of({"amount": 1}),
    idempotency_key="k",
    from_status="new",
    to_status="paid",
    from_state=Payload.of({"n": 1}),
    to_state=Payload.of({"n": 2}),
    origin="a",
    parents=(1,),
    fencing_token=7,
    previous_hash="1" * 64,
    occurred_at=NOW,
    committed_at=LATER,
    cause=Cause("g/other@4", 3),
    foreign_parent=Foreign("b", 7, "2" * 64),
)
EVENT = replace(EVENT, seal=make_seal(EVENT, "5" * 32))
NEWER: dict[str, Any] = {"seal": None, "occurred_at": None, "due": None, "labels": (), "cause": None}
NEWER |= {"foreign_parent": None, "brought": False}
BEFORE = replace(EVENT, **NEWER)
"""One of layout 1, without what came later."""
MARKS = Marks(
    sealed_through=1,
    trimmed_through=1,
    trimmed_hash="h",
    snapshots=(1,),
    dependents={"d": "m"},
    erased_through=1,
    due_key="a:orders:0",
    due_moved_to=datetime(2024, 3, 3, tzinfo=UTC),
    due_tries=2,
    feed_key="a:0",
    prepared=Prepared("d", "sqlite:////srv/orders.db"),
)
STATE = EVENT.state(MARKS)
AS_IT_IS = Encoding()
PATH = DocumentPath("governors/g/states", "s")


def names_of(record: type) -> list[str]:
    return sorted(field.name for field in fields(record))


def leaves(record: Any, prefix: str = "") -> list[str]:
    """Return the dotted names of a record's fields, those of the records inside it in their place."""
    found: list[str] = []
    for field in fields(record):
        if not field.init:
            continue  # it follows from the others
        value = getattr(record, field.name)
        inside = is_dataclass(value) and not isinstance(value, Payload)
        found += leaves(value, f"{prefix}{field.name}.") if inside else [f"{prefix}{field.name}"]
    return found


def altered(record: Any, name: str) -> Any:
    """Return *record* with another value in the field of a dotted *name*."""
    first, _, rest = name.partition(".")
    value = getattr(record, first)
    if rest:
        return replace(record, **{first: altered(value, rest)})
    others: dict[type, Any] = {
        str: "another",
        int: 99,
        bool: value is not True,
        datetime: datetime(2031, 1, 1, tzinfo=UTC),
        Payload: Payload.of({"another": 1}),
        timedelta: timedelta(days=1, microseconds=1),
        dict: {"another": 1 if first in {"causality", "fences"} else "m"},
        tuple: (),
        NoneType: datetime(2031, 1, 1, tzinfo=UTC),
    }
    return replace(record, **{first: others[type(value)]})


@pytest.mark.parametrize("record", [EVENT, STATE, MARKS, EVENT.machine, EVENT.metadata, EVENT.due, MARKS.prepared])
def test_the_records_hold_no_default(record):
    """Else a field that is forgotten would come out right by chance."""
    for field in fields(record):
        if field.name == "brought":
            continue  # of an event that tells nothing of due times and fences here
        assert getattr(record, field.name) not in (None, False, 0, "", (), {}, field.default), field.name


@pytest.mark.parametrize("name", leaves(EVENT))
def test_an_event_comes_back_from_its_document(name):
    """Each field by itself, with another value than all the rest."""
    event = altered(EVENT, name)
    assert getattr(event, name.split(".")[0]) != getattr(EVENT, name.split(".")[0])
    assert event_from(event_fields(event, AS_IT_IS), event.committed_at) == event


@pytest.mark.parametrize("name", leaves(STATE))
def test_a_state_comes_back_from_its_document(name):
    """Each field by itself, with another value than all the rest; whose it is apart."""
    state = altered(STATE, name)
    document = Document(PATH, state_fields(state, AS_IT_IS), NOW, NOW)
    assert read_state(document, state.governor_id, state.state_id) == state


@pytest.mark.parametrize("name", leaves(replace(STATE, marks=Marks())))
def test_a_snapshot_keeps_every_field_of_the_content(name):
    """And tells any that was altered by its digest."""
    state = altered(replace(STATE, marks=Marks()), name)
    document = Document(PATH, snapshot_fields(state, AS_IT_IS), NOW, NOW)
    assert read_snapshot(document, state.governor_id, state.state_id) == replace(state, marks=Marks())


@pytest.mark.parametrize("second", [EVENT, BEFORE], ids=["sealed", "from before"])
def test_a_segment_keeps_every_field(second):
    """The events in it come out as they went in, the time of their commit included."""
    first = replace(second, version=1, from_state=Payload.of(None))
    segment = build_segment(state_layout("g", "s"), [first, second])
    assert segment is not None
    assert segment.write is not None
    document = Document(segment.write.path, dict(segment.write.fields), NOW, NOW)
    assert list(read_segment(document, "g", "s").events) == [first, second]


@pytest.mark.parametrize("name", [name for name in leaves(EVENT) if name not in {"hash", "committed_at", "brought"}])
def test_hash_and_digests_cover_each_field(name):
    """Whatever is altered shows in the hash, or in the digests that it covers; in records inside an event, too."""
    event = altered(EVENT, name)
    assert event_hash(event) != event_hash(EVENT) or not seal_is_sound(event)


@pytest.mark.parametrize("name", [name for name in leaves(BEFORE) if name not in NEWER])
def test_the_hash_of_layout_1_covers_each_field(name):
    """Logs that were written before are verified as they were."""
    is_covered = name not in {"hash", "committed_at"}
    assert (event_hash(altered(BEFORE, name)) != event_hash(BEFORE)) is is_covered


@pytest.mark.parametrize("name", [name for name in leaves(STATE) if name not in {"marks.due_key", "marks.feed_key"}])
def test_the_digest_of_a_state_covers_each_field(name):
    """Content and marks."""
    assert state_digest(altered(STATE, name)) != state_digest(STATE)


@pytest.mark.parametrize("name", [name for name in leaves(BEFORE) if name not in NEWER])
def test_an_event_without_a_seal_comes_back_from_its_document(name):
    """As a segment made today holds one that was written before."""
    event = altered(BEFORE, name)
    fields = event_fields(event, AS_IT_IS)
    assert fields["format"] == 1
    assert event_from(fields, event.committed_at) == event


@pytest.mark.parametrize("name", [name for name in leaves(STATE) if not name.startswith("marks.")])
def test_a_field_that_differs_from_the_replay_is_named(name):
    """All of the content counts; the marks are no part of it."""
    field = name.split(".")[0]
    assert differing_field(altered(STATE, name), STATE) == field


@pytest.mark.parametrize("signal", [Signal("another", "failed"), Signal("other", "another")])
def test_both_parts_of_a_signal_are_covered(signal):
    """By the hash in both layouts, and by the digest of the state."""
    for event in (EVENT, BEFORE):
        assert event_hash(replace(event, signals=(signal,))) != event_hash(event)
    assert state_digest(replace(STATE, signals=(signal,))) != state_digest(STATE)


def test_the_digest_of_a_state_leaves_out_where_it_is_looked_for():
    """That is another place in a copy, and says nothing of the state."""
    for name in ("marks.due_key", "marks.feed_key"):
        assert state_digest(altered(STATE, name)) == state_digest(STATE)


def test_marks_are_no_difference():
    """No event tells of them."""
    assert differing_field(replace(STATE, marks=Marks()), STATE) is None


@pytest.mark.parametrize("name", names_of(Content))
def test_an_event_rebuilds_its_state(name):
    """What state and event have in common is the same in both."""
    assert getattr(STATE, name) == getattr(EVENT, name)


def test_an_event_rebuilds_the_rest_of_its_state():
    """Status and data are those that it led to, and the marks are those given."""
    rest = set(names_of(StateRecord)) - set(names_of(Content))
    assert rest == {"status", "data", "marks"}
    assert (STATE.status, STATE.data, STATE.marks) == (EVENT.to_status, EVENT.to_state, MARKS)


PUBLIC = {
    "machine_name": "orders",
    "machine_version": 4,
    "machine_fingerprint": "f" * 64,
    "data": {"n": 2},
    "status": "paid",
    "payload": {"amount": 1},
    "from_state": {"n": 1},
    "to_state": {"n": 2},
    "recovered": False,
    "due_action": "fail",
    "labels": {"customer": "c-7", "region": "eu"},
    "cause": "g/other@4",
    "depth": 3,
    "prepared_by": "d",
    "foreign_parent": {"origin": "b", "version": 7, "hash": "2" * 64},
}


@pytest.mark.parametrize(("record", "model"), [(EVENT, Event), (STATE, StateSnapshot)], ids=["event", "state"])
def test_a_public_model_shows_every_field(record, model):
    """The model is made without validation, so a field that is not given would be missing."""
    shown = record.public(Payload.value)
    assert set(vars(shown)) == set(model.model_fields)
    dumped = shown.model_dump()
    # When it is due is what is in force, of a state, and what it said, of an event.
    assert dumped["due_at"] == (STATE.marks.due_moved_to if record is STATE else datetime(2024, 3, 2, tzinfo=UTC))
    for name in set(model.model_fields) - {"metadata", "causality", "due_at"}:
        assert dumped[name] == PUBLIC.get(name, getattr(record, name, None)), name
    assert dumped["causality"] == {"a": 2}
    assert dumped["metadata"] == {
        "changed_by": "ann",
        "reason": "why",
        "parent_version": 1,
        "context": {"ticket": 7},
    }


def test_no_field_is_kept_from_users():
    """Save what tells no user anything: the digest's parts, marks, and what is another field's."""
    hidden = {"machine", "fences", "signals", "seal", "brought"}
    shown = set(Event.model_fields) - {"machine_name", "machine_version", "machine_fingerprint"}
    assert shown - {"due_at", "due_action", "depth"} == set(names_of(EventRecord)) - hidden - {"due"}
    # Whether it was rebuilt is told by the read, not by the record.
    shown = set(StateSnapshot.model_fields) - {"machine_name", "machine_version", "recovered", "prepared_by"}
    hidden |= {"due", "transition_id", "hash", "marks"}
    assert shown - {"due_at", "due_action"} == set(names_of(StateRecord)) - hidden


PLAIN: dict[str, Any] = {"due": None, "labels": (), "cause": None, "foreign_parent": None}


@pytest.mark.parametrize(("used", "number"), [(name, FORMATS.get(name, 7)) for name in PLAIN] + [("none", 3)])
def test_what_few_events_have_makes_a_new_format_of_those_alone(used, number):
    """An older build would wipe it, or miss it in the hash; alone or in a segment, listed or packed."""
    event = replace(EVENT, **{name: value for name, value in PLAIN.items() if name != used}, version=1)
    event = replace(event, seal=make_seal(event, "5" * 32), previous_hash="0" * 64)
    event = replace(event, hash=event_hash(event))
    assert event_fields(event, AS_IT_IS)["format"] == number
    segment = build_segment(state_layout("g", "s"), [event])
    assert segment is not None
    assert segment.write is not None
    assert (segment.write.fields["format"], segment.write.fields.get("packed")) == (max(number, 6), True)


def test_what_an_event_says_of_another_store_counts_in_no_state_here():
    """A brought one comes back with that, makes no due time, fence or dependency, and is sealed as it is."""
    event = replace(EVENT, brought=True, version=1, previous_hash="0" * 64)
    event = replace(event, hash=event_hash(event))
    state = event.state()
    assert (state.due, state.fences, state.depends_on, state.signals) == (None, {}, (), ())
    assert replace(state, due=EVENT.due, fences=EVENT.fences, depends_on=EVENT.depends_on, signals=EVENT.signals) == (
        replace(event, brought=False).state()
    )
    fields = event_fields(event, AS_IT_IS)
    assert (fields["format"], event_from(fields, event.committed_at)) == (FORMATS["brought"], event)
    segment = build_segment(state_layout("g", "s"), [event])
    assert segment is not None
    assert segment.write is not None
    document = Document(segment.write.path, dict(segment.write.fields), NOW, NOW)
    assert list(read_segment(document, "g", "s").events) == [event]


@pytest.mark.parametrize(("used", "number"), [("due", 7), ("labels", 7), ("prepared", 8), ("none", 5)])
def test_what_few_states_have_makes_a_new_format_of_those_alone(used, number):
    """And a state without it has no field of it, which an engine would index."""
    kept: dict[str, Any] = {
        name: value for name, value in PLAIN.items() if name not in {used, "cause", "foreign_parent"}
    }
    marks = replace(MARKS, due_key="", due_moved_to=None, due_tries=0, feed_key="")
    marks = marks if used == "prepared" else replace(marks, prepared=None)
    state = replace(STATE, **kept, marks=marks)
    fields = state_fields(state, AS_IT_IS)
    assert fields["format"] == number
    assert any(name.startswith("due_") for name in fields) is (used == "due")
    assert ("labels" in fields) is (used == "labels")
    assert ("prepared" in fields) is (used == "prepared")
    assert "feed_key" not in fields


def test_a_state_that_is_looked_for_by_its_key_is_stamped():
    """It is of the new format, since an older build would write it without; any other has no stamp."""
    marks = replace(MARKS, due_key="", due_moved_to=None, due_tries=0, prepared=None)
    state = replace(STATE, due=None, labels=(), marks=marks)
    for key, format_number, stamped in (("a:0", 7, "changed_at"), ("", 5, None)):
        keyed = replace(state, marks=replace(state.marks, feed_key=key))
        put = state_put(state_layout("g", "s"), keyed, AS_IT_IS, None)
        assert (put.fields["format"], put.stamped) == (format_number, stamped)


@pytest.mark.parametrize(
    "damage",
    [
        *({"due_at": 1}, {"due_after": 1}, {"due_after": 1e99}, {"due_version": 0}, {"due_action": None}),
        *({"due_event_at": "x"}, {"due_tries": 1.0}, {"due_key": 1}, {"labels": "a=b"}, {"labels": [1]}),
        {"prepared": "d"},
    ],
)
def test_what_few_states_have_is_told_where_it_is_damaged(damage):
    """As all else is: by name, never as an error of Python's own."""
    document = Document(PATH, {**state_fields(STATE, AS_IT_IS), **damage}, NOW, NOW)
    with pytest.raises(CorruptLogError, match=next(iter(damage))):
        read_state(document, "g", "s")


class Frozen(datetime):
    """As tools that freeze time make them."""


def test_times_of_any_kind_of_datetime_are_read():
    """A test that freezes time puts its own into what a store gives back."""
    moment = Frozen(2024, 3, 1, 12, tzinfo=UTC)
    paths = state_layout("g", "s")
    sealed = replace(EVENT, occurred_at=moment, seal=make_seal(EVENT, "a" * 32))
    fields = {**event_fields(sealed, Encoding()), "committed_at": moment}
    document = Document(paths.event(2), fields, NOW, NOW)
    read = read_event(document, "g", "s")
    assert (read.occurred_at, read.committed_at) == (moment, moment)
