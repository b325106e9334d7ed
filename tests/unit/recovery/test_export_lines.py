"""The lines of an export, read back."""

import json

import pytest

from tai_state.errors import BadExportError
from tai_state.rules.recovery.export_lines import End, read_line

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
