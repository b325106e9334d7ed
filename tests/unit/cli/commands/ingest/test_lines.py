"""One line of a log: what it holds, and why it is refused."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tai_state.cli.commands.ingest.lines import BadLineError, parse_line
from tests.data_log import chained

(SOUND,) = chained(["new"])


def parsed(**changes):
    return parse_line(7, json.dumps({**SOUND, **changes}).encode())


def refusal(raw):
    with pytest.raises(BadLineError) as caught:
        parse_line(1, raw)
    return str(caught.value)


def test_a_sound_line_is_read():
    """Every field is there, the time in UTC."""
    line = parsed(at="2026-03-31T17:00:00+02:00")
    assert (line.number, line.key, line.from_status, line.to_status) == (7, ("g", "m"), None, "new")
    assert line.at == datetime(2026, 3, 31, 15, tzinfo=UTC)


@pytest.mark.parametrize(("given", "expected"), [({}, "new"), ({"action": "make"}, "make"), ({"action": None}, "new")])
def test_the_action_is_the_lines_own_or_else_the_status(given, expected):
    """A line without an action is recorded under the status that it leads to."""
    assert parsed(**given).action == expected


def test_nobody_is_unknown():
    """A line whose actor is null has an author all the same."""
    assert parsed(actor=None).actor == "unknown"


def test_unknown_keys_are_passed_over():
    """A log may say more than is asked."""
    assert parsed(more=[1]).data == {"n": 0}


@pytest.mark.parametrize("key", sorted(SOUND))
def test_a_missing_key_is_named(key):
    """No key has a default."""
    assert repr(key) in refusal(json.dumps({name: value for name, value in SOUND.items() if name != key}).encode())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"at": "2026-03-31T15:00:00"}, "offset"),
        ({"at": "yesterday"}, "ISO 8601"),
        ({"at": 5}, "at must be text"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "out of range"),
        ({"governor": ""}, "governor is empty"),
        ({"governor": None}, "governor must be"),
        ({"machine": "x" * 481}, "481 bytes"),
        ({"machine": "\ud800"}, "Unicode"),
        ({"to": ""}, "to: "),
        ({"to": 3}, "to: "),
        ({"from": 3}, "from: "),
        ({"action": ""}, "action: "),
        ({"actor": 3}, "actor must be"),
        ({"actor": "\ud800"}, "actor is not"),
        ({"data": []}, "data: "),
        ({"data": {"a": [2**63]}}, "data.a[0]"),
        ({"data": {"a": 10**30}}, "data.a"),
        ({"data": {"\ud800": 1}}, "Unicode"),
        ({"data": {"a": json.loads("[" * 25 + "]" * 25)}}, "nested deeper"),
    ],
    ids=str,
)
def test_what_cannot_be_stored_is_named(changes, said):
    """The reason names the field and what is wrong with it."""
    assert said in refusal(json.dumps({**SOUND, **changes}).encode())


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"{", "no JSON"),
        (b"[]", "no JSON object but list"),
        (b"\xff{}", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark (BOM)"),
        (b'{"data": {"a": NaN}}', "NaN"),
        (b'{"data": {"a": 1e999}}', "has no 'at'"),
        (b'{"at": 1, "at": 2}', "'at' is there more than once"),
        (b"[" * 100_000, "no JSON"),
        (b"1" * 5_000, "no JSON"),
    ],
)
def test_what_is_no_json_is_said(raw, said):
    """Whatever the bytes are, there is a reason and no traceback."""
    assert said in refusal(raw)


def test_an_infinite_number_is_refused():
    """JSON can write it, a store cannot hold it."""
    assert "finite" in refusal(json.dumps(SOUND).replace('{"n": 0}', '{"n": 1e999}').encode())


BERLIN = ZoneInfo("Europe/Berlin")


def in_berlin(at):
    return parse_line(1, json.dumps({**SOUND, "at": at}).encode(), BERLIN)


@pytest.mark.parametrize(
    ("at", "hour"), [("2026-01-15T12:00:00", 11), ("2026-07-15T12:00:00", 10), ("2026-07-15T12:00:00Z", 12)]
)
def test_a_time_without_an_offset_is_one_of_the_zone(at, hour):
    """Summer and winter as the zone has them; an offset goes first."""
    assert in_berlin(at).at.hour == hour


@pytest.mark.parametrize(
    ("at", "said"),
    [("2026-03-29T02:30:00", "put forward"), ("2026-10-25T02:30:00", "put back")],
)
def test_a_time_that_a_clock_never_or_twice_showed_is_not_guessed(at, said):
    """It is told why, and how to write it."""
    with pytest.raises(BadLineError, match=said):
        in_berlin(at)


def test_without_a_zone_the_option_is_named():
    """Nobody guesses whose time it is."""
    assert "--timezone" in refusal(json.dumps({**SOUND, "at": "2026-01-15T12:00:00"}).encode())
