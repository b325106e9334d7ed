"""A store's part: kept as it is, and written over what stands under the mark."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tai_state.config import Encoding
from tai_state.documents import (
    Check,
    Delete,
    Document,
    DocumentPath,
    Json,
    MustExist,
    MustNotExist,
    Put,
    UpdatedAt,
    Write,
)
from tai_state.errors import CorruptLogError, PreparedError, SchemaVersionError, StoreError
from tai_state.layout import state_layout
from tai_state.rules.commits.change import Head
from tai_state.rules.distributed.parts import Concerned, lost_marks, placeholder, prepare_writes, settle_writes
from tai_state.rules.distributed.records import Verdict
from tai_state.rules.records.documents import read_state, state_fields, state_put
from tai_state.rules.records.prepared import Closed, Part, read_prepared
from tai_state.rules.records.record import Marks
from tai_state.urls import place_url
from tests.unit.records.test_fields import STATE

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
ENCODING = Encoding()
SEEN, ABSENT = state_layout("g", "s"), state_layout("g", "new")
BASE = replace(STATE, marks=Marks(due_key="a:orders:0"))
AFTER = replace(BASE, version=BASE.version + 1, status="next")
EVENT = {"at": NOW, "raw": b"\0", "data": Json(b'{"n":1.5}'), "of": [{"a": None}]}
WRITES: dict[DocumentPath, Write] = {
    SEEN.state: state_put(SEEN, AFTER, ENCODING, NOW),
    SEEN.event(3): Put(SEEN.event(3), EVENT, MustNotExist()),
    SEEN.snapshot(1): Delete(SEEN.snapshot(1)),
    SEEN.segment(1): Check(SEEN.segment(1), MustNotExist()),
    SEEN.snapshot(2): Delete(SEEN.snapshot(2), MustExist()),
}
PART = Part("t", "stock", "id-1", "sqlite:////srv/orders.db", 30.0, {SEEN.state: BASE.version, ABSENT.state: 0}, WRITES)
CONCERNED = Concerned({SEEN.state: (SEEN, Head(BASE, NOW)), ABSENT.state: (ABSENT, None)}, (), WRITES)
CLOSING = Put(PART.path, Closed("t", "commit").fields(NOW), UpdatedAt(NOW))


def marked(record=BASE, at=LATER, mark=PART.mark):
    fields = state_fields(replace(record, marks=replace(record.marks, prepared=mark)), ENCODING)
    return Document(SEEN.state, fields, at, at)


def held(at=LATER):
    fields = state_fields(placeholder(ABSENT, PART.mark, "ann", NOW), ENCODING)
    return Document(ABSENT.state, fields, at, at)


FOUND = {SEEN.state: marked(), ABSENT.state: held()}


def test_a_part_comes_back_from_its_document():
    """Each write with its fields, loss-free, and what must hold for it; but a state's time, which the mark moves."""
    document = Document(PART.path, PART.fields(ENCODING), NOW, NOW)
    read = read_prepared(document)
    assert isinstance(read, Part)
    state = read.writes[SEEN.state]
    assert isinstance(state, Put)
    assert (state.fields["version"], state.precondition) == (AFTER.version, None)
    event = read.writes[SEEN.event(3)]
    assert isinstance(event, Put)
    assert event.fields == {"at": NOW, "raw": b"\0", "data": {"n": 1.5}, "of": [{"a": None}]}
    others = {path: write for path, write in WRITES.items() if not isinstance(write, Put)}
    assert {path: read.writes[path] for path in others} == others
    assert replace(read, writes=WRITES) == PART


def test_a_closed_part_comes_back():
    """It is thin: nothing of what was to be written is in it."""
    for closed in (Closed("t", "commit"), Closed("t", "abort", is_forced=True)):
        fields = closed.fields(NOW)
        assert "writes" not in fields
        assert read_prepared(Document(closed.path, fields, NOW, NOW)) == closed


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        *(({"writes": None}, StoreError), ({"writes": "[]"}, StoreError), ({"writes": b"x"}, StoreError)),
        *(({"states": [{}]}, StoreError), ({"is_open": 1}, StoreError), ({"name": ""}, StoreError)),
        *(
            ({"transaction_id": "u"}, StoreError),
            ({"lease_seconds": None}, StoreError),
            ({"format": 9}, SchemaVersionError),
        ),
    ],
)
def test_a_damaged_part_is_told(damage, error):
    """Or one that was copied elsewhere; never as an error of Python's own."""
    fields = {**PART.fields(ENCODING), **damage}
    with pytest.raises(error):
        read_prepared(Document(PART.path, fields, NOW, NOW))


def test_a_prepare_marks_what_was_read_and_checks_what_is_to_be_made():
    """A placeholder stands for what is not there; no event is written."""
    writes = {write.path: write for write in prepare_writes(PART, CONCERNED, "ann", ENCODING, NOW)}
    assert set(writes) == {PART.path, SEEN.state, ABSENT.state, SEEN.event(3), SEEN.segment(1), SEEN.snapshot(2)}
    assert writes[SEEN.event(3)] == Check(SEEN.event(3), MustNotExist())
    assert writes[SEEN.state].precondition == UpdatedAt(NOW)
    assert writes[ABSENT.state].precondition == MustNotExist()
    seen, absent = writes[SEEN.state], writes[ABSENT.state]
    assert isinstance(seen, Put)
    assert isinstance(absent, Put)
    record = read_state(Document(seen.path, dict(seen.fields), NOW, NOW), "g", "s")
    assert record == replace(BASE, marks=replace(BASE.marks, prepared=PART.mark))
    empty = read_state(Document(absent.path, dict(absent.fields), NOW, NOW), "g", "new")
    assert (empty.version, empty.deleted, empty.is_made) == (0, True, False)


def test_a_prepare_gives_up_where_another_one_has_a_state_in_hand():
    """Or the same one: it is prepared once."""
    other = replace(BASE, marks=replace(BASE.marks, prepared=PART.mark))
    with pytest.raises(PreparedError):
        prepare_writes(PART, replace(CONCERNED, states={SEEN.state: (SEEN, Head(other, NOW))}), "ann", ENCODING, NOW)


def test_a_commit_writes_over_the_mark_as_it_stands_by_now():
    """A state that was only read loses its mark, and a place that was only held is free again."""
    closing, *writes = settle_writes(PART, CLOSING, FOUND, Verdict.COMMIT, ENCODING)
    assert closing == CLOSING
    by_path = {write.path: write for write in writes}
    assert by_path[SEEN.state] == state_put(SEEN, AFTER, ENCODING, LATER)
    assert by_path[ABSENT.state] == Delete(ABSENT.state, UpdatedAt(LATER))
    assert {path: by_path[path] for path in WRITES if path != SEEN.state} == {
        path: write for path, write in WRITES.items() if path != SEEN.state
    }


def test_an_abort_takes_the_marks_away():
    """And leaves all else as it was; a state without its mark is as it is to be."""
    _, *writes = settle_writes(PART, CLOSING, FOUND, Verdict.ABORT, ENCODING)
    assert writes == [state_put(SEEN, BASE, ENCODING, LATER), Delete(ABSENT.state, UpdatedAt(LATER))]
    assert settle_writes(PART, CLOSING, {}, Verdict.ABORT, ENCODING) == [CLOSING]


@pytest.mark.parametrize("mark", [None, replace(PART.mark, transaction="another")])
def test_a_commit_needs_its_own_mark(mark):
    """A state that has lost it, or has another one's, may be another by now."""
    found = {**FOUND, SEEN.state: marked(mark=mark)}
    with pytest.raises(CorruptLogError, match="lost the mark"):
        settle_writes(PART, CLOSING, found, Verdict.COMMIT, ENCODING)


def test_a_key_that_was_given_to_the_marked_state_is_kept():
    """The store was made to feed between the prepare and the settlement."""
    record = replace(BASE, marks=replace(BASE.marks, feed_key="a:0"))
    writes = settle_writes(PART, CLOSING, {**FOUND, SEEN.state: marked(record)}, Verdict.COMMIT, ENCODING)
    put = next(write for write in writes if write.path == SEEN.state)
    assert isinstance(put, Put)
    assert (put.fields["feed_key"], put.stamped) == ("a:0", "changed_at")
    assert read_state(Document(put.path, dict(put.fields), NOW, NOW), "g", "s").version == AFTER.version


def test_lost_marks_are_given_back_to_states_at_the_version_of_the_prepare():
    """One that is absent again gets its placeholder; one that has moved, or is damaged, gets nothing."""
    assert lost_marks(PART, FOUND, "ann", ENCODING, NOW) == ([], [])
    puts, left = lost_marks(PART, {SEEN.state: marked(mark=None)}, "ann", ENCODING, NOW)
    assert [(put.path, put.precondition) for put in puts] == [
        (SEEN.state, UpdatedAt(LATER)),
        (ABSENT.state, MustNotExist()),
    ]
    assert left == []
    for found in (marked(AFTER, mark=None), Document(SEEN.state, {"format": 1}, NOW, NOW)):
        assert lost_marks(PART, {**FOUND, SEEN.state: found}, "ann", ENCODING, NOW) == ([], [SEEN.state])


@pytest.mark.parametrize(
    ("place", "url"),
    [
        (("sqlite", "/srv/a b#.db"), "sqlite:////srv/a%20b%23.db"),
        (("firestore", "projects/p/databases/(default)/documents"), "firestore://p/(default)"),
        (("firestore", "projects/p/databases/d/documents/apps/x"), "firestore://p/d?root=apps%2Fx"),
        *((("memory", 7), ""), (7, "")),
    ],
)
def test_a_place_has_a_url_where_another_process_could_open_it(place, url):
    """Which names the same place."""
    assert place_url(place) == url
