"""What an import writes of one document, given what is there, and when it shows that a state goes on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tai_state.documents import Document, MustNotExist, Put, UpdatedAt
from tai_state.errors import HistoryConflictError
from tai_state.layout import state_layout
from tai_state.rules.history.segments import build_segment
from tai_state.rules.recovery.export_lines import Carried
from tai_state.rules.recovery.joining import Item, Joining, Run
from tests.unit.commits.made import PATHS as LIVED
from tests.unit.commits.made import lived

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATHS = state_layout("g", "s")


def fields(version, digest="a"):
    return {"version": version, "hash": f"{digest}{version}"}


def there(version, digest="a"):
    """Return the document of the state as it stands there by now."""
    return Document(PATHS.state, fields(version, digest), NOW, NOW + timedelta(seconds=version))


def item(base=None):
    return Item(Carried(2, PATHS.state, fields(5), 100), base)


def test_a_state_that_is_not_there_is_created():
    """And is not to be there by then."""
    assert item().writes(None) == [Put(PATHS.state, fields(5), MustNotExist())]


def test_a_state_goes_on_from_what_was_compared():
    """As it was seen last, whatever it carries beside its history."""
    found = there(3)
    assert item(there(3)).writes(found) == [Put(PATHS.state, fields(5), UpdatedAt(found.update_time))]


@pytest.mark.parametrize("base", [None, there(3)], ids=["that was to be new", "that went on"])
@pytest.mark.parametrize("found", [there(4), there(3, "b"), there(6)], ids=["moved", "another", "further"])
def test_a_state_that_somebody_else_wrote_meanwhile_is_refused(base, found):
    """Nothing was compared with that, and nothing takes its place."""
    with pytest.raises(HistoryConflictError, match="another one is there"):
        item(base).writes(found)


def test_a_state_that_is_there_as_in_the_file_is_left():
    """It is what was to be there in the end."""
    assert item().writes(there(5)) == item(there(3)).writes(there(5)) == []


def joining(there, *ours):
    """Return what is decided of a state that is *there*, and stands in a file as each of *ours*, one after another."""
    run = Run(PATHS.governor.states.removesuffix("/states"), PATHS.stored_id)
    joined = Joining(run, there)
    for line, told in enumerate(ours, start=2):
        joined.begin(Carried(line, PATHS.state, told, 100))
        joined.compare(None if joined.beyond is None else Document(joined.beyond, told, NOW, NOW))
    return joined


@pytest.mark.parametrize(("ours", "goes_on"), [(1000, True), (999, False), (1001, False), (0, False)])
def test_what_was_trimmed_is_trimmed_alike_in_both(ours, goes_on):
    """However long the histories are: of what is missing here or there nothing can be put together."""
    found = Document(PATHS.state, {**fields(1003), "trimmed_through": int("1000")}, NOW, NOW)
    told = {**fields(1005), **({"trimmed_through": ours} if ours else {})}
    if goes_on:
        assert joining(found, told).meet(event(1004)) == [Item(event(1004))]
    else:
        with pytest.raises(
            HistoryConflictError, match=f"trimmed up to version 1000, and in the file up to version {ours} "
        ):
            joining(found, told)


def event(version, digest="a", before="a"):
    told = {"hash": f"{digest}{version}", "previous_hash": f"{before}{version - 1}"}
    return Carried(9, PATHS.event(version), told, 100)


def test_what_a_file_held_first_does_not_show_that_it_goes_on():
    """A state that moved while it was exported stands twice there: both have the first part, and not the same rest."""
    joined = joining(there(12, "b"), fields(10), fields(20))
    assert joined.meet(event(11)) == []
    with pytest.raises(HistoryConflictError, match="it is there with another history"):
        joined.meet(event(12))


def test_an_event_goes_on_from_what_is_there_if_it_follows_that():
    """The last one of both need not be in the file."""
    assert joining(there(3), fields(5)).meet(event(4)) == [Item(event(4))]
    with pytest.raises(HistoryConflictError, match="it is there with another history"):
        joining(there(3), fields(5)).meet(event(4, before="b"))


EVENTS = [one.event for one in lived(9)]


def sealed(events) -> dict[str, Any]:
    """Return the fields of a segment."""
    segment = build_segment(LIVED, events)
    assert segment is not None
    assert segment.write is not None
    return dict(segment.write.fields)


SEALED = sealed(EVENTS[3:6])


def sealed_behind(version, digest=None):
    """Return what is decided of a state that is there with so many of the events, or another one with that hash."""
    run = Run(LIVED.governor.states.removesuffix("/states"), LIVED.stored_id)
    told = {"version": version, "hash": digest or EVENTS[version - 1].hash}
    joined = Joining(run, Document(run.state, told, NOW, NOW))
    joined.begin(Carried(2, run.state, {"version": 9, "hash": EVENTS[8].hash}, 100))
    joined.compare(None)
    return joined


@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_segment_gives_the_place_of_the_next_event_first(version):
    """Before itself, and what was held."""
    joined = sealed_behind(version)
    tail, segment = Carried(3, LIVED.event(9), {}, 100), Carried(4, LIVED.segment(4), SEALED, 100)
    assert joined.meet(tail) == []
    first, *rest = joined.meet(segment)
    assert (first.path, first.carried.fields["hash"]) == (LIVED.event(version + 1), EVENTS[version].hash)
    assert (first.is_sealed, rest) == (True, [Item(tail), Item(segment)])


def test_a_segment_that_ends_with_what_is_there_waits_for_the_next_event():
    """Else nothing would hold its place."""
    joined = sealed_behind(6)
    segment, after = Carried(3, LIVED.segment(4), SEALED, 100), sealed(EVENTS[6:8])
    assert joined.meet(segment) == []
    found = joined.meet(Carried(4, LIVED.segment(7), after, 100))
    assert [item.path for item in found] == [LIVED.event(7), LIVED.segment(4), LIVED.segment(7)]


@pytest.mark.parametrize(
    "altered",
    [{"events": b"x"}, {"digest": 1}, {"last": 2**70}, {"last": "6"}, {"first": 5}, {"state_id": "t"}, {"format": 99}],
    ids=str,
)
def test_a_segment_that_cannot_be_read_shows_nothing(altered):
    """What it says of itself is not believed: it is held as others are, and refused with them."""
    joined = sealed_behind(5)
    assert joined.meet(Carried(3, LIVED.segment(4), {**SEALED, **altered}, 100)) == []
    with pytest.raises(HistoryConflictError, match="nothing in the file shows"):
        joined.end()


def test_a_segment_that_ends_where_the_state_is_shows_another_history():
    """By its last event; that it is the same one only what follows can show."""
    tail, segment = Carried(3, LIVED.event(9), {}, 100), Carried(4, LIVED.segment(4), SEALED, 100)
    assert sealed_behind(6).meet(tail) == sealed_behind(6).meet(segment) == []
    joined = sealed_behind(6, EVENTS[4].hash)
    with pytest.raises(HistoryConflictError, match="another history"):
        joined.meet(segment)


@pytest.mark.parametrize(
    ("trimmed", "is_known"),
    [((10, "a10"), True), ((10, "b10"), False), ((9, "a10"), False), ((11, "a10"), False)],
    ids=["the same", "another", "before it", "behind it"],
)
def test_what_was_trimmed_there_is_known_by_the_hash_of_its_last_event(trimmed, is_known):
    """And by nothing else: an event that is trimmed cannot be read."""
    through, digest = trimmed
    told = {**fields(12), "trimmed_through": through, "trimmed_hash": digest}
    joined = Joining(
        Run(PATHS.governor.states.removesuffix("/states"), PATHS.stored_id), Document(PATHS.state, told, NOW, NOW)
    )
    joined.begin(Carried(2, PATHS.state, fields(10), 100))
    if is_known:
        joined.compare(None)
        assert joined.meet(event(10)) == []
    else:
        with pytest.raises(HistoryConflictError, match="it is there"):
            joined.compare(None)
