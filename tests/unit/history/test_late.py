"""Late events, pure: what a look at the columns passes can be decoded, and what it refuses cannot."""

from itertools import chain

import pytest

from tai_state.codec import Payload
from tai_state.errors import CorruptLogError
from tai_state.rules.history import late
from tai_state.rules.history.columns import ABSENT
from tai_state.rules.history.late import LateEvent, Part, checked, late_events
from tai_state.rules.history.packed import Run
from tai_state.rules.records.fields import FieldError
from tests.unit.history.test_packed import BARE, MIXED, chained, packed

ODD = [b"", b"null", b"5", b'"text"', b'{"a":1}', b"[1]", b'["a"]', b'"2024-02-29T12:00:00.000000+00:00"', b"1,2"]
LISTS = {"alike": chained({}, {}, {}), "mixed": MIXED, "bare": chained(BARE, BARE, BARE)}
BODIES = {name: packed(events) for name, events in LISTS.items()}


def run_of(name: str) -> Run:
    """Return the events of that name, packed and read."""
    return Run(BODIES[name], "g", "s")


def columns_of(run: Run) -> dict[str, list[bytes]]:
    """Return all columns of a run by name."""
    return dict(chain(run._covered.items(), run._values.items(), run._beside.items()))


def is_decoded(run: Run) -> bool:
    """Whether each event of a run can be decoded, one by one."""
    try:
        return bool(list(run))
    except FieldError:
        return False


def is_passed(run: Run) -> bool:
    """Whether the look at the columns passes a run."""
    try:
        return checked(run) is run
    except FieldError:
        return False


@pytest.mark.parametrize("name", LISTS)
def test_a_look_passes_what_can_be_decoded_and_nothing_else(name):
    """Whichever text stands in whichever column of whichever event, as somebody may make it who computes hashes."""
    assert is_passed(run_of(name))
    for column in columns_of(run_of(name)):
        for place in (0, 2):
            for text in ODD:
                run = run_of(name)
                run._odd.add(column)
                columns_of(run)[column][place] = text
                assert is_passed(run) is is_decoded(run), (column, place, text)


def test_a_column_of_values_that_are_several_is_refused():
    """Two texts that only together are as many values as there are events."""
    run = run_of("alike")
    columns_of(run)["transition_id"][:2] = [b'"a","b"', ABSENT]
    assert not is_passed(run)


@pytest.mark.parametrize("name", LISTS)
def test_late_events_are_what_their_records_are(name):
    """Their version and their schema at once, all else when it is looked at."""
    run = run_of(name)
    found = late_events(run)
    assert [type(one) for one in found] == [LateEvent] * len(run)
    for one, event in zip(found, LISTS[name], strict=True):
        assert (one.version, one.schema_version) == (event.version, event.schema_version)
        assert one.public(Payload.value) == event.public(Payload.value)
        assert one.public(Payload.value, Payload.value) == event.public(Payload.value)
        assert one.public(lambda payload: payload.json) == event.public(lambda payload: payload.json)


def test_a_part_of_a_run_is_a_sequence_of_its_events():
    """Decoded when it is asked for them, and late in the same way."""
    part = Part(run_of("mixed"), range(1, 4))
    assert (list(part), part[-1], list(part[1:])) == (MIXED[1:4], MIXED[3], MIXED[2:4])
    assert [one.version for one in late_events(part)] == [event.version for event in MIXED[1:4]]
    assert late_events(MIXED) is MIXED


def test_an_event_that_cannot_be_decoded_is_told_with_its_version():
    """Where nobody has looked at the columns before."""
    run = run_of("alike")
    columns_of(run)["kind"][1] = b"5"
    with pytest.raises(CorruptLogError, match="the sealed event is damaged") as caught:
        assert late_events(run)[1].public(Payload.value).kind
    assert (caught.value.governor_id, caught.value.state_id, caught.value.version) == ("g", "s", 8)


def test_runs_that_are_kept_are_known_by_their_bytes(monkeypatch):
    """A few of them, none of them large; of each its own state's."""
    monkeypatch.setattr(late, "_kept", {})
    run = run_of("alike")
    late.keep_run("digest", run, 10)
    assert late.kept_run("digest", "g", "s") is run
    assert late.kept_run("digest", "g", "other") is None
    assert late.kept_run("other", "g", "s") is None
    late.keep_run("large", run, 1024 * 1024)
    assert late.kept_run("large", "g", "s") is None
    for number in range(100):
        late.keep_run(str(number), run, 10)
        assert len(late._kept) <= 16
