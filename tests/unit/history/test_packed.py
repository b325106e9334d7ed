"""Packed events, pure: what goes in comes out, and whatever is altered on the way shows in a hash."""

from dataclasses import replace
from typing import Any

import pytest

from tai_state.codec import EMPTY, NULL, Payload, dump_plain, from_json
from tai_state.rules.history.columns import COLUMNS
from tai_state.rules.history.packed import Run
from tai_state.rules.history.packing import pack_events
from tai_state.rules.records.chain import event_hash, make_seal
from tai_state.rules.records.erased import erased
from tai_state.rules.records.fields import FieldError
from tai_state.rules.records.record import NO_STATE, EventRecord, MetadataRecord
from tests.unit.commits.made import at
from tests.unit.records.test_fields import BEFORE, EVENT

BARE: dict[str, Any] = {
    "last_error": None,
    "deleted": False,
    "machine": None,
    "metadata": MetadataRecord("", "", None, EMPTY),
    "fences": {},
    "depends_on": (),
    "signals": (),
    "payload": NULL,
    "idempotency_key": None,
    "fencing_token": None,
    "occurred_at": None,
    "committed_at": None,
    "foreign_parent": None,
}


def chained(*changes: dict[str, Any]) -> list[EventRecord]:
    """Return events that follow from one another, from version 7 on, each with its *changes*."""
    events: list[EventRecord] = []
    before = replace(EVENT, version=6, to_status="new", to_state=Payload.of({"n": 6}))
    for number, change in enumerate(changes):
        event = replace(
            EVENT,
            version=before.version + 1,
            from_status=before.to_status,
            from_state=before.to_state,
            to_state=Payload.of({"n": before.version + 1, "line": "a\nb", "quoted": '"é\\"', "size": 1e-7}),
            timestamp=at(number),
            previous_hash=before.hash,
        )
        event = replace(event, **change)
        assert event.seal is not None
        event = replace(event, seal=make_seal(event, f"{number:032x}"))
        before = replace(event, hash=event_hash(event))
        events.append(before)
    return events


def packed(events: list[EventRecord]) -> bytes:
    """Return the body of events that can be packed."""
    body = pack_events(events)
    assert body is not None
    return body


def time_of(number: int) -> bytes:
    """Return the time of an event as a body has it."""
    return dump_plain(at(number).isoformat(timespec="microseconds"))


MIXED = chained({}, BARE, {}, {"to_state": EMPTY}, BARE, {})


@pytest.mark.parametrize(
    "events",
    [
        MIXED,
        chained({}),
        chained(BARE),
        chained({}, {}, {}),
        chained(BARE, BARE),
        chained(*[{"causality": {"a": number, "b": 9}, "parents": (number, 1)} for number in range(1, 4)]),
        chained({**BARE, "from_status": None, "from_state": NO_STATE}, {}),
        *[chained({}, {name: value}, {}) for name, value in BARE.items()],
    ],
)
def test_events_come_back_in_every_field(events):
    """What all of them have, what some have, and what one has."""
    run = Run(packed(events), "g", "s")
    assert list(run) == events
    assert (run.first, len(run), run[-1], run[1:]) == (7, len(events), events[-1], tuple(events[1:]))
    assert run.hashes == [event.hash for event in events]


def test_the_moves_of_a_run_are_those_of_its_events():
    """What a machine is run on again, field by field."""
    for move, event in zip(Run(packed(MIXED), "g", "s").moves(), MIXED, strict=True):
        for name, value in move._asdict().items():
            assert value == getattr(event, name), name


def test_what_is_altered_in_a_body_shows_in_its_hashes():
    """Each byte of it, but for those of the times of the commits, which no hash covers."""
    body, sound = packed(MIXED), [replace(event, committed_at=None) for event in MIXED]
    for place in range(len(body)):
        other = bytearray(body)
        other[place] ^= 1
        try:
            run = Run(bytes(other), "g", "s")
            is_unseen = run.hashes[-1] == MIXED[-1].hash
            assert not is_unseen or [replace(event, committed_at=None) for event in run] == sound, place
        except FieldError:
            continue


@pytest.mark.parametrize(
    "event",
    [
        erased(EVENT),
        BEFORE,
        chained({"last_error": ""})[0],
        chained({"idempotency_key": ""})[0],
        chained({"fencing_token": 0})[0],
        replace(MIXED[0], to_status="forged"),
        replace(MIXED[0], to_state=Payload.of({"forged": 1})),
        replace(MIXED[0], hash="0" * 64),
    ],
    ids=["erased", "of layout 1", "empty error", "empty key", "no token", "forged", "forged in its data", "other hash"],
)
def test_what_could_not_be_computed_again_is_not_packed(event):
    """It is sealed as it is."""
    assert pack_events([event]) is None


@pytest.mark.parametrize(
    "events",
    [
        [MIXED[0], MIXED[2]],
        [MIXED[1], MIXED[0]],
        [MIXED[0], replace(MIXED[1], from_state=Payload.of({"another": 1}))],
    ],
    ids=["a gap", "another order", "another state before"],
)
def test_events_that_do_not_follow_are_not_packed(events):
    """Each must be what the one before leads to."""
    assert pack_events(events) is None


@pytest.mark.parametrize(
    ("text", "other", "reason"),
    [
        (b'"count":6', b'"count":5', "lines, of columns of 5 events"),
        (b'"count":6', b'"count":7', "lines, of columns of 7 events"),
        (b'"count":6', b'"count":0', "lines, of columns of 0 events"),
        (b'"count":6', b'"count":600000000000', "lines, of columns of 600000000000 events"),
        (b'"count":6', b'"count":true', "field 'count' should be int"),
        (b'"salt":false', b'"salt":true', "lines, of columns"),
        (b'"committed_at":', b'"committed_at_":', "columns of no known name"),
        (b'{"beside"', b'["beside"', "cannot be read"),
        (b'"governor_id":true', b'"governor_if":true', "columns of no known name: \\['governor_if'\\]"),
        (b'\n"s"\n', b'\n"t"\n', "it names another state_id than 's'"),
        (time_of(3), time_of(1), "the timestamp of an event is before that of the one before"),
    ],
)
def test_a_body_that_says_what_it_has_not_is_refused(text, other, reason):
    """Before anything is made of it."""
    body = packed(MIXED)
    assert text in body
    with pytest.raises(FieldError, match=reason):
        Run(body.replace(text, other), "g", "s")


def test_a_field_cannot_be_hidden_in_the_name_of_another():
    """The text that is hashed would be the same, and the event would have no machine."""
    told, *lines = packed(chained({}, {}, {})).split(b"\n")
    header = from_json(told)
    assert type(header) is dict
    assert lines.count(b"2") == 1
    lines.remove(b"2")
    names = {name: 'layout":2,"machine' if name == "machine" else name for name in header["covered"]}
    header["covered"] = {name: header["covered"][one] for one, name in names.items() if one != "layout"}
    with pytest.raises(FieldError, match="columns of no known name"):
        Run(b"\n".join([dump_plain(header), *lines]), "g", "s")


def test_a_body_that_would_grow_is_refused():
    """Each of many events would be hashed with the one text that they share; such events are sealed as they are."""
    large = Payload.of({"context": "x" * 3_000_000})
    events = chained(*[{"metadata": MetadataRecord("", "", None, large)}] * 30)
    assert pack_events(events) is None
    assert pack_events(events[:20]) is not None


def test_a_text_that_is_no_event_is_told_with_its_version():
    """Its hash covers the text, and whoever made the text computed that, too; the others are read."""
    body = packed(chained({}, {"labels": ("x=1",)}, {}))
    assert body.count(b'["x=1"]') == 1
    run = Run(body.replace(b'["x=1"]', b"x"), "g", "s")
    assert run[0].version == 7
    with pytest.raises(FieldError, match=r"^version 8 is no event: "):
        run[1]


def test_every_column_is_known():
    """What an event may hold of each kind; one that is new needs a format of its own."""
    body = packed(MIXED)
    header = from_json(body.split(b"\n", 1)[0])
    assert type(header) is dict
    assert {group: frozenset(header[group]) for group in COLUMNS} == COLUMNS


def test_a_body_is_one_owner_s():
    """In another place it would be another state's history."""
    for governor_id, state_id in (("h", "s"), ("g", "t")):
        with pytest.raises(FieldError, match="it names another"):
            Run(packed(MIXED), governor_id, state_id)


def test_a_run_goes_on_from_the_one_before():
    """As the texts of its first event and of the last one before it show."""
    before, after = (Run(packed(part), "g", "s") for part in (MIXED[:3], MIXED[3:]))
    assert after.goes_on_from(before)
    assert not before.goes_on_from(after)
    assert not before.goes_on_from(before)


@pytest.mark.parametrize(
    "change",
    [
        {"from_state": MIXED[0].to_state},
        {"from_state": MIXED[1].to_state},
        {"from_status": "!"},
        {"from_status": "~"},
        {"previous_hash": "0" * 64},
        {"timestamp": at(1)},
        {"version": 11},
        {"version": 9},
    ],
    ids=[
        "the first state before",
        "one before the last",
        "status",
        "another status",
        "hash",
        "time",
        "a gap",
        "an overlap",
    ],
)
def test_a_run_that_does_not_follow_from_the_one_before_does_not_go_on(change):
    """One thing is another in its first event, which is sound by itself."""
    before, event = Run(packed(MIXED[:3]), "g", "s"), replace(MIXED[3], **change)
    assert event.seal is not None
    event = replace(event, seal=make_seal(event, event.seal.salt or ""))
    assert not Run(packed([replace(event, hash=event_hash(event))]), "g", "s").goes_on_from(before)
