"""What a coordinator's store holds: read as it was written, told where it is damaged, cleared away in one go."""

from datetime import UTC, datetime, timedelta

import pytest

from tai_state.authors import Author
from tai_state.codec import EMPTY
from tai_state.documents import Check, Delete, Document, MustNotExist, Put, UpdatedAt
from tai_state.errors import SchemaVersionError, StoreError
from tai_state.rules.distributed.records import (
    Begin,
    Decision,
    Places,
    Verdict,
    begin_put,
    clearing,
    decision_writes,
    read_begin,
    read_decision,
    settled_writes,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AUTHOR = Author("ann", "why", EMPTY)
PLACES = Places("t")
LEASE = timedelta(seconds=30)
PARTIES = {"a/b": "id-1", "outbox": ""}


def stored(put, at=NOW):
    """Return a write as the store gives it back."""
    return Document(put.path, dict(put.fields), at, at)


def decided(verdict, at=NOW):
    put, _ = decision_writes("t", Decision(verdict, "who"), NOW, AUTHOR, NOW)
    assert isinstance(put, Put)
    return stored(put, at)


def told(at=NOW):
    return [stored(one, at) for one in settled_writes("t", [*PARTIES], Verdict.COMMIT, NOW) if isinstance(one, Put)]


BEGIN = stored(begin_put("t", PARTIES, LEASE, AUTHOR, NOW))


def test_a_begin_comes_back():
    """Its time is that of the document: no clock but the store's."""
    assert read_begin(BEGIN) == Begin("t", PARTIES, NOW, LEASE)


def test_a_lease_counts_to_its_very_end():
    """As every other one does."""
    begin = read_begin(BEGIN)
    assert not begin.is_over(NOW + LEASE)
    assert begin.is_over(NOW + LEASE + timedelta(microseconds=1))


@pytest.mark.parametrize("verdict", Verdict)
def test_a_decision_comes_back(verdict):
    """Whoever made it is told from another one."""
    assert read_decision(decided(verdict), "t") == Decision(verdict, "who")


def test_a_decision_is_made_once_and_only_where_it_was_begun():
    """That begin, unchanged; and no decision before it."""
    put, check = decision_writes("t", Decision(Verdict.ABORT, "who"), NOW, AUTHOR, NOW)
    assert (put.path, put.precondition) == (PLACES.decision, MustNotExist())
    assert check == Check(PLACES.begin, UpdatedAt(NOW))


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        *(({"parties": 1}, StoreError), ({"parties": [{"name": ""}]}, StoreError), ({"lease_seconds": 1}, StoreError)),
        *(
            ({"transaction_id": "u"}, StoreError),
            ({"transaction_id": None}, StoreError),
            ({"format": 9}, SchemaVersionError),
        ),
    ],
)
def test_a_damaged_begin_is_told(damage, error):
    """As one that was copied elsewhere is; never as an error of Python's own."""
    document = Document(BEGIN.path, {**BEGIN.fields, **damage}, NOW, NOW)
    with pytest.raises(error):
        read_begin(document)


@pytest.mark.parametrize("damage", [{"verdict": "perhaps"}, {"verdict": 1}, {"transaction_id": "u"}, {"decided_by": 1}])
def test_a_damaged_decision_is_told(damage):
    """It decides nothing."""
    found = decided(Verdict.COMMIT)
    with pytest.raises(StoreError):
        read_decision(Document(found.path, {**found.fields, **damage}, NOW, NOW), "t")


def test_the_decision_of_another_transaction_is_none():
    """Though it is sound."""
    with pytest.raises(StoreError):
        read_decision(decided(Verdict.COMMIT), "u")


def test_all_is_cleared_away_in_one_commit_a_day_behind_the_last_settlement():
    """Each document as it was read; at the very moment nothing goes yet."""
    decision, settled = decided(Verdict.COMMIT), told()
    day = NOW + timedelta(hours=24)
    assert clearing(BEGIN, decision, settled, day) is None
    writes = clearing(BEGIN, decision, settled, day + timedelta(microseconds=1))
    assert writes == [Delete(one.path, UpdatedAt(NOW)) for one in (BEGIN, decision, *settled)]


@pytest.mark.parametrize("missing", ["decision", "one settlement", "a day"])
def test_nothing_is_cleared_away_of_what_somebody_may_need(missing):
    """However old the rest is."""
    decision = None if missing == "decision" else decided(Verdict.COMMIT)
    settled = told()[1:] if missing == "one settlement" else told()
    if missing == "a day":
        settled[1] = Document(settled[1].path, settled[1].fields, NOW + timedelta(days=299), NOW)
    later = NOW + timedelta(days=299, hours=3)
    assert clearing(BEGIN, decision, settled, later) is None


def test_names_never_meet_other_documents():
    """Whatever a user calls a store."""
    names = ["decision", "settled@decision", "a@b", "a/b", "@", "__x__"]
    assert len({PLACES.decision, *map(PLACES.settled, names)}) == len(names) + 1
