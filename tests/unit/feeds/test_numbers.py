"""Numbers: the next ones go to the versions that have none, in batches that fit into a commit."""

from datetime import UTC, datetime

import pytest

from tai_state.documents import Document, DocumentPath, MustNotExist, UpdatedAt
from tai_state.errors import SchemaVersionError, StoreError
from tai_state.layout import FORMAT, state_layout
from tai_state.rules.feeds.discovery import Found
from tai_state.rules.feeds.numbers import NUMBERS_MAX, STATES_MAX, NumberLayout, batch, number_id, read_entry, read_last
from tai_state.rules.feeds.positions import StatePosition, key_of

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
LAYOUT = NumberLayout()


def found(state_id, version):
    """Return a state that was found to have changed."""
    paths = state_layout("g", state_id)
    return Found(paths, key_of(paths), version, NOON)


def numbered(given):
    """Return what was given out, as number, key and version."""
    return [(entry.number, entry.key, entry.version) for entry in given.entries]


def test_the_next_numbers_go_to_the_versions_that_have_none():
    """Those of one state in their order; what is numbered already is left out, and guarded by what was read."""
    known = {"g/a": StatePosition(epoch=1, update_time=NOON, key="g/a", version=2)}
    last = read_last(None, 1)
    given = batch([found("a", 4), found("b", 2), found("a", 2)], known, last)
    assert numbered(given) == [(1, "g/a", 3), (2, "g/a", 4), (3, "g/b", 1), (4, "g/b", 2)]
    assert [(one.key, one.version) for one in given.positions] == [("g/a", 4), ("g/b", 2)]
    assert [one.precondition() for one in given.positions] == [UpdatedAt(NOON), MustNotExist()]
    assert (given.last.number, given.last.precondition()) == (4, MustNotExist())


@pytest.mark.parametrize("versions", [1, 3, NUMBERS_MAX, 3 * NUMBERS_MAX])
def test_a_batch_fits_into_a_commit_and_the_next_one_goes_on(versions):
    """However long the histories are, and however many states there are."""
    states = [found(f"s{number}", versions) for number in range(2 * STATES_MAX)]
    known: dict[str, StatePosition] = {}
    last, numbers = read_last(None, 1), []
    for _ in range(4):
        given = batch(states, known, last)
        assert 0 < len(given.entries) <= NUMBERS_MAX
        assert len(given.positions) <= STATES_MAX
        known |= {one.key: one for one in given.positions}
        last = given.last
        numbers += numbered(given)
        states = [one for one in states if one.key not in known or known[one.key].version < one.version]
        if not states:
            break
    assert [number for number, _, _ in numbers] == list(range(1, len(numbers) + 1))
    assert len({(key, version) for _, key, version in numbers}) == len(numbers)


def test_nothing_is_given_out_twice():
    """Where all is numbered, there is nothing to write."""
    known = {"g/a": StatePosition(epoch=1, update_time=NOON, key="g/a", version=2)}
    given = batch([found("a", 2)], known, read_last(None, 1))
    assert (given.entries, given.positions, given.last.number) == ([], [], 0)


def test_a_number_names_a_version_of_a_state():
    """What is written is read again; ids ascend as numbers do."""
    (entry,) = batch([found("ä/b", 1)], {}, read_last(None, 1)).entries
    put = entry.put(LAYOUT, "commit")
    assert put.precondition == MustNotExist()
    assert read_entry(Document(put.path, dict(put.fields), NOON, NOON)) == entry
    assert (entry.paths.governor_id, entry.paths.state_id) == ("g", "ä/b")
    assert [number_id(number) for number in (9, 10, 10**18)] == sorted(number_id(number) for number in (10**18, 10, 9))


def test_the_last_number_is_read_again():
    """With the time by which it is guarded."""
    given = batch([found("a", 3)], {}, read_last(None, 1))
    put = given.last.put(LAYOUT.last, "commit")
    last = read_last(Document(put.path, dict(put.fields), NOON, NOON), 1)
    assert (last.number, last.precondition()) == (3, UpdatedAt(NOON))


def test_what_is_no_number_of_ours_is_refused():
    """Somebody else's document, a damaged one, and one of a newer release."""
    fields = {"format": FORMAT, "state": "g/a", "version": 1, "commit": "c"}
    with pytest.raises(StoreError, match="its id is no number"):
        read_entry(Document(DocumentPath(LAYOUT.numbers, "x"), dict(fields), NOON, NOON))
    with pytest.raises(StoreError, match="version"):
        read_entry(Document(LAYOUT.number(1), {**fields, "version": "1"}, NOON, NOON))
    with pytest.raises(SchemaVersionError):
        read_entry(Document(LAYOUT.number(1), {**fields, "format": FORMAT + 1}, NOON, NOON))
