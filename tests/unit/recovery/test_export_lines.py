"""The lines of an export, read back."""

import json

import pytest

from tai_state.documents import DocumentPath
from tai_state.errors import BadExportError, InvalidDataError
from tai_state.rules.recovery.export_lines import End, Header, document_line, header_line, read_header, read_line

HEADER = {"export": "tai_state", "version": 1, "store_id": "a", "governor": None, "exported_at": "2026-01-01T00:00:00Z"}
END = {"line": 3, "end": True, "documents": 1, "sha256": "0" * 64}


def read(line):
    return read_line("a.jsonl", 3, json.dumps(line).encode())


def test_the_end_says_how_much_there_was():
    """As many documents, with that sum."""
    assert read(END) == End(1, "0" * 64)


@pytest.mark.parametrize("wrong", [{"documents": None}, {"documents": True}, {"documents": "1"}, {"sha256": None}])
def test_an_end_that_lacks_one_of_both_is_refused(wrong):
    """Nothing could be held against it."""
    with pytest.raises(BadExportError, match="the end lacks"):
        read({**END, **wrong})


@pytest.mark.parametrize("governor", [None, "g"])
def test_the_header_says_of_what_the_file_is(governor):
    """Of one governor, or of all."""
    header = read_header("a.jsonl", json.dumps({**HEADER, "governor": governor}).encode())
    assert header == Header("a", governor, "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "wrong",
    [{"export": "other"}, {"export": None}, {"version": 0}, {"version": -1}, {"version": True}, {"version": "1"}],
    ids=str,
)
def test_what_is_no_header_is_told(wrong):
    """By its name, or its version."""
    with pytest.raises(BadExportError, match="this is no export of a store"):
        read_header("a.jsonl", json.dumps({**HEADER, **wrong}).encode())


@pytest.mark.parametrize(
    "wrong", [{"store_id": None}, {"store_id": 1}, {"exported_at": None}, {"exported_at": 1}, {"governor": 1}], ids=str
)
def test_a_header_that_lacks_something_is_refused(wrong):
    """Each by itself."""
    with pytest.raises(BadExportError, match="the header lacks what it should say"):
        read_header("a.jsonl", json.dumps({**HEADER, **wrong}).encode())


@pytest.mark.parametrize("governor", [None, "g"])
def test_a_header_is_the_first_line_and_is_read_back(governor):
    """Each line tells its number, by which what is wrong with it is found."""
    header = Header("a", governor, "2026-01-01T00:00:00Z")
    line = header_line(header)
    assert json.loads(line)["line"] == 1
    assert line.endswith(b"\n")
    assert read_header("a.jsonl", line) == header


def test_what_was_never_stored_by_us_is_no_line():
    """A value of another kind is refused by the error that says so, and no half of a line is made."""
    with pytest.raises(InvalidDataError, match="never stored by us"):
        document_line(2, DocumentPath("governors/g/states", "s"), {"place": object()})
