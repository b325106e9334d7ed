"""What the command line writes: harmless texts, tables, JSON."""

import contextlib
import io
import json
from datetime import UTC, datetime

import pytest

from tai_state.cli.program.output import record_of, write_list, write_one
from tai_state.cli.program.tables import Column
from tai_state.cli.program.texts import json_line, printable
from tai_state.models import ChangeMetadata

HOSTILE = "a\x1b[31mb\x9b2J\u202ec\x7f\r\n[red]d[/red]é 👍"


class Terminal(io.StringIO):
    """A stdout that says it is a terminal."""

    def isatty(self):
        return True


def test_what_a_terminal_would_obey_is_escaped():
    """Control characters and direction marks become escapes; letters and emoji stay."""
    assert printable(HOSTILE) == "a\\x1b[31mb\\x9b2J\\u202ec\\x7f\\r\\n[red]d[/red]é 👍"


def test_lines_are_kept_where_asked():
    """A text of several lines keeps its line ends, and nothing else."""
    assert printable("a\n\tb", keep_lines=True) == "a\n\\tb"


def test_a_line_of_json_is_harmless_and_means_the_same():
    """No control or invisible character is in it, and it is read back equal."""
    line = json_line({HOSTILE: [HOSTILE, "\U000e0001", "\ue000"]})
    assert line.isprintable()
    assert json.loads(line) == {HOSTILE: [HOSTILE, "\U000e0001", "\ue000"]}


def test_stored_values_of_any_type_become_json():
    """Bytes and times inside data are written in the codec's reversible form."""
    metadata = ChangeMetadata(changed_by="ann", context={"at": datetime(2026, 1, 2, tzinfo=UTC), "raw": b"\xff"})
    assert record_of(metadata)["context"] == {
        "at": {"$time": "2026-01-02T00:00:00.000000+00:00"},
        "raw": {"$bytes": "/w=="},
    }


COLUMNS: list[Column[tuple[str, int]]] = [
    Column("name", lambda row: row[0]),
    Column("count", lambda row: row[1], is_number=True),
]


def listed(rows, *, as_json=False):
    return write_list(rows, COLUMNS, as_json=as_json, record=lambda row: {"name": row[0], "count": row[1]})


def test_a_pipe_gets_plain_columns(capsys):
    """Without a terminal nothing is drawn, coloured, cut or wrapped."""
    long = "x" * 200
    assert listed([("a", 1), (long, 2000)]) == 2
    assert capsys.readouterr().out.splitlines() == [
        f"NAME{'':196}  COUNT",
        f"a{'':199}      1",
        f"{long}  2,000",
    ]


def test_json_is_a_line_each(capsys):
    """A list of things is JSON lines."""
    assert listed([("a", 1), ("b", 2)], as_json=True) == 2
    assert [json.loads(line)["count"] for line in capsys.readouterr().out.splitlines()] == [1, 2]


@pytest.fixture
def shown(monkeypatch):
    """What a terminal of 80 columns shows of rows."""
    for name, value in {"COLUMNS": "80", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)

    def shown(rows):
        with contextlib.redirect_stdout(Terminal()) as terminal:
            listed(rows)
        return terminal.getvalue()

    return shown


def test_a_terminal_of_80_columns_gets_whole_rows(shown):
    """A long text is folded inside its column."""
    text = shown([("word " * 40, 7)])
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("word") == 40


def test_markup_in_a_cell_is_text(shown):
    """An id that looks like rich's markup or an escape is shown, not obeyed."""
    assert "[red]a[/red] :smile: \\x1b[31m" in shown([("[red]a[/red] :smile: \x1b[31m", 7)])


def test_a_list_is_written_as_it_comes(capsys):
    """Rows are not gathered before the first one is written."""

    def rows():
        for number in range(1_200):
            if number == 1_100:
                assert "row-0 " in capsys.readouterr().out
            yield f"row-{number}", number

    assert listed(rows()) == 1_200


def test_one_thing_is_a_line_for_each_field(capsys):
    """Fields stand in a column; empty ones are left out, further lines are indented."""
    write_one({"a": 1, "none": None, "empty": "", "data": "{\n}"}, as_json=False, record={})
    assert capsys.readouterr().out == "a     1\ndata  {\n      }\n"
