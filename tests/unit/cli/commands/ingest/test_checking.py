"""A log as a whole: the file it comes from, and every bad line of it named."""

import gzip
import io
import json
import sys

import pytest

from tai_state.cli.commands.ingest.applying import numbered
from tai_state.cli.commands.ingest.checking import PROBLEMS_MAX, InvalidLogError, check_log
from tai_state.cli.commands.ingest.source import LINE_BYTES_MAX, DamagedInputError, Source, WrongEncodingError
from tests.data_log import chained, incidents, log_lines, write_log


def test_the_nth_line_of_a_machine_is_its_version_n(tmp_path):
    """Machines are counted apart, and so are those of two governors with one name."""
    mine, others = chained("abc"), chained("xy", governor="h")
    log = write_log(tmp_path / "log", [mine[0], others[0], mine[1], mine[2], others[1]])
    with Source(str(log)) as source:
        assert [item.version for item in numbered(source)] == [1, 1, 2, 3, 2]


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


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8-sig", "byte order mark (BOM)"),
        ("utf-16", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-32", "UTF-32"),
    ],
)
def test_another_encoding_is_told_once(tmp_path, compress, encoding, said):
    """By its name, with the remedy, and not for every line."""
    text = "".join(json.dumps(line) + "\n" for line in log_lines(50))
    (tmp_path / "log").write_bytes(compress(text.encode(encoding)))
    with pytest.raises(WrongEncodingError) as caught:
        check(tmp_path / "log")
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("spoiled", [{"from": "z"}, {"data": None}, {"to": 5}, {"at": "x"}], ids=str)
def test_a_bad_line_does_not_spoil_those_that_follow(tmp_path, spoiled):
    """A line that breaks the chain is named once; what follows from it is not."""
    lines = chained("abcd")
    lines[1] |= spoiled
    with pytest.raises(InvalidLogError) as caught:
        check(write_log(tmp_path / "log", lines))
    assert [problem.line for problem in caught.value.problems] == [2]


@pytest.mark.timeout(300)
def test_a_log_of_all_incidents_is_sound(tmp_path):
    """Every line of it can be applied."""
    lines = incidents()
    totals = check(write_log(tmp_path / "log.jsonl", lines))
    assert totals.lines == len(lines) == 65_533
    assert totals.machines == len({(line["governor"], line["machine"]) for line in lines})
