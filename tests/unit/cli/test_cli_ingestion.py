"""Ingestion without a store: lines, their order, allowed moves, and the file they come from."""

import gzip
import io
import json
import random
import sys
from datetime import UTC, datetime

import pytest

from tai_state import Machine, Transition
from tai_state.cli.ingestion.applying import numbered
from tai_state.cli.ingestion.checking import PROBLEMS_MAX, InvalidLogError, check_log
from tai_state.cli.ingestion.lines import BadLineError, parse_line
from tai_state.cli.ingestion.moves import AllowedMoves
from tai_state.cli.ingestion.sequence import Sequence
from tai_state.cli.ingestion.source import LINE_BYTES_MAX, DamagedInputError, Source
from tests.data_log import REAL_LOG, chained, log_lines, write_log

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


def taken(lines, moves=None):
    sequence = Sequence(moves)
    for number, line in enumerate(lines, 1):
        sequence.take(parse_line(number, json.dumps(line).encode()))
    return sequence


def test_the_nth_line_of_a_machine_is_its_version_n(tmp_path):
    """Machines are counted apart, and so are those of two governors with one name."""
    mine, others = chained("abc"), chained("xy", governor="h")
    log = write_log(tmp_path / "log", [mine[0], others[0], mine[1], mine[2], others[1]])
    with Source(str(log)) as source:
        assert [item.version for item in numbered(source)] == [1, 1, 2, 3, 2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"from": "z"}, "led to 'a'"),
        ({"from": None}, "from is null"),
        ({"at": "2026-03-31T14:59:59+00:00"}, "before"),
    ],
)
def test_a_line_follows_from_the_one_before(changes, said):
    """Status and time go on from where the machine stands."""
    lines = chained("ab")
    with pytest.raises(BadLineError, match=said):
        taken([lines[0], {**lines[1], **changes}])


def test_a_first_line_comes_from_nowhere():
    """A machine that was never seen cannot have been in a status."""
    with pytest.raises(BadLineError, match="must be null"):
        taken(chained("ab")[1:])


def test_equal_times_are_in_order():
    """Two changes in one second stay as the log has them."""
    lines = chained("ab")
    assert taken([lines[0], {**lines[1], "at": lines[0]["at"]}]).machines == 1


def test_what_no_document_holds_is_refused():
    """An event has the data before and after: both together must fit, compressed."""
    large = {"n": random.Random(1).randbytes(450_000).hex()}
    assert taken([{**chained("a")[0], "data": large}]).machines == 1
    with pytest.raises(BadLineError, match="compressed"):
        taken([{**line, "data": large} for line in chained("ab")])


def test_what_compresses_well_is_let_through():
    """Size is what is stored, not what is written."""
    assert taken([{**line, "data": {"n": "a" * 3_000_000}} for line in chained("ab")]).machines == 1


ORDER = Machine(
    "order",
    "new",
    [
        Transition("pay", "new", "paid"),
        Transition("touch", "paid", "paid"),
        Transition("cancel", "*", "cancelled"),
    ],
    terminal=["cancelled"],
)


def test_allowed_moves_are_let_through():
    """By status alone, by the line's action, and by a transition from any status."""
    lines = chained(["new", "paid", "paid", "cancelled"])
    lines[1]["action"] = "pay"
    assert taken(lines, AllowedMoves(ORDER)).machines == 1


@pytest.mark.parametrize(
    ("statuses", "action", "said"),
    [
        (["paid"], None, "begins in 'new'"),
        (["new", "new"], None, "no move from 'new' to 'new'"),
        (["new", "lost"], None, "no status 'lost'"),
        (["new", "paid"], "cancel", "'cancel' of machine 'order' does not lead"),
        (["new", "cancelled", "cancelled"], None, "no move from 'cancelled'"),
    ],
)
def test_what_the_machine_does_not_allow_is_refused(statuses, action, said):
    """The move is named."""
    lines = chained(statuses)
    if action:
        lines[-1]["action"] = action
    with pytest.raises(BadLineError, match=said):
        taken(lines, AllowedMoves(ORDER))


def check(path, moves=None):
    with Source(str(path)) as source:
        return check_log(source, moves, lambda lines: None)


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz", "log"])
def test_a_log_is_read_plain_or_compressed(tmp_path, name):
    """The bytes decide, whatever the name."""
    totals = check(write_log(tmp_path / name, log_lines(300)))
    assert (totals.lines, totals.machines) == (
        300,
        len({(line["governor"], line["machine"]) for line in log_lines(300)}),
    )


def test_compressed_bytes_need_no_name(tmp_path):
    """Gzip is recognised by its first bytes."""
    path = write_log(tmp_path / "log.jsonl.gz", log_lines(10)).rename(tmp_path / "log")
    assert check(path).lines == 10


def test_a_source_is_read_twice(tmp_path):
    """The second pass sees the lines of the first."""
    with Source(str(write_log(tmp_path / "log.gz", log_lines(50)))) as source:
        assert list(source.lines()) == list(source.lines())


def test_standard_input_is_read_twice(monkeypatch):
    """What comes through a pipe is kept in a file meanwhile."""

    class Stdin:
        buffer = io.BytesIO(b'{"a": 1}\n{"b": 2}\n')

    monkeypatch.setattr(sys, "stdin", Stdin)
    with Source("-") as source:
        assert list(source.lines()) == list(source.lines()) == [(1, b'{"a": 1}\n'), (2, b'{"b": 2}\n')]


def test_blank_lines_are_counted_and_passed_over(tmp_path):
    """Line numbers are those of the file."""
    path = tmp_path / "log"
    path.write_text("\n \n{}\n\n")
    with Source(str(path)) as source:
        assert list(source.lines()) == [(3, b"{}\n")]


def test_an_empty_log_is_sound(tmp_path):
    """There is nothing to do, and nothing wrong."""
    assert check(write_log(tmp_path / "log", [])).lines == 0


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda raw: raw[:-4], "truncated"),
        (lambda raw: raw[: len(raw) // 2], "truncated"),
        (lambda raw: raw[:5], "truncated"),
        (lambda raw: b"", "truncated"),
        (lambda raw: raw[:-8] + b"\0\0\0\0" + raw[-4:], "damaged"),
        (lambda raw: raw + b"rest", "damaged"),
        (gzip.decompress, "damaged"),
    ],
    ids=["cut end", "cut half", "cut header", "empty", "wrong checksum", "rest", "no gzip"],
)
def test_a_damaged_gzip_is_named(tmp_path, damage, said):
    """What cannot be read to its end is not read at all."""
    path = write_log(tmp_path / "log.gz", log_lines(200))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DamagedInputError, match=said):
        check(path)


def test_a_line_without_an_end_is_refused(tmp_path):
    """Memory is bounded, whatever the file is."""
    path = tmp_path / "log"
    path.write_bytes(b" " * 10 + b"x" * (LINE_BYTES_MAX + 1))
    with pytest.raises(DamagedInputError, match="line 1 has more than"):
        check(path)


def test_every_bad_line_is_counted_and_the_first_are_named(tmp_path):
    """One look at the log tells all that is wrong with it."""
    lines = log_lines(200)
    for number in range(0, 200, 4):
        lines[number] = {**lines[number], "data": number}
    with pytest.raises(InvalidLogError) as caught:
        check(write_log(tmp_path / "log", lines))
    assert caught.value.count >= 50
    assert caught.value.problems[0].line == 1
    assert len(caught.value.problems) == PROBLEMS_MAX
    assert f"and {caught.value.count - PROBLEMS_MAX:,} more" in str(caught.value)


@pytest.mark.parametrize("spoiled", [{"from": "z"}, {"data": None}, {"to": 5}, {"at": "x"}], ids=str)
def test_a_bad_line_does_not_spoil_those_that_follow(tmp_path, spoiled):
    """A line that breaks the chain is named once; what follows from it is not."""
    lines = chained("abcd")
    lines[1] |= spoiled
    with pytest.raises(InvalidLogError) as caught:
        check(write_log(tmp_path / "log", lines))
    assert [problem.line for problem in caught.value.problems] == [2]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not REAL_LOG.exists(), reason="the real log is not beside the project")
def test_the_real_log_is_sound():
    """Every line of it can be applied."""
    totals = check(REAL_LOG)
    assert (totals.lines, totals.machines) == (65_533, 7_554)
