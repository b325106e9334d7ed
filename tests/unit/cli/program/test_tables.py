"""Tables: what a narrow terminal shows, and columns that stay where they are."""

import contextlib
import io

import pytest

from tai_state.cli.program.output import write_list
from tai_state.cli.program.tables import Column, widths_within

COLUMNS: list[Column[tuple[str, str, int, str]]] = [
    Column("state", lambda row: row[0]),
    Column("status", lambda row: row[1]),
    Column("version", lambda row: row[2], is_number=True),
    Column("time", lambda row: row[3], is_whole=True),
]
TIME = "2026-03-31 15:00:00.000001Z"


class Terminal(io.StringIO):
    """A stdout that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def drawn(monkeypatch):
    """What a terminal of some columns shows of rows, line by line."""

    def drawn(rows, width, **variables):
        for name, value in {"COLUMNS": str(width), "TERM": "xterm", **variables}.items():
            monkeypatch.setenv(name, value)
        with contextlib.redirect_stdout(Terminal()) as terminal:
            write_list(iter(rows), COLUMNS, as_json=False, record=str)
        return terminal.getvalue().splitlines()

    return drawn


def test_forty_columns_show_state_and_status_first(drawn, capsys):
    """What does not fit is left out from the right, and named on stderr."""
    lines = drawn([("order-17-of-shop-1", "waiting for payment", 3, TIME)], 40, NO_COLOR="1")
    assert [line.rstrip() for line in lines] == [
        "state               status       version",
        "order-17-of-shop-1  waiting for        3",
        "                    payment",
    ]
    assert capsys.readouterr().err == "left out, for want of a wider terminal: time\n"


def test_every_column_is_shown_where_there_is_room(drawn, capsys):
    """And nothing is said."""
    lines = drawn([("a", "b", 3, TIME)], 80, NO_COLOR="1")
    assert lines == ["state  status  version  time", f"a      b             3  {TIME}"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("width", [1, 5, 20, 40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width):
    """Two columns are shown even where there is hardly any room."""
    columns = {at: (column, 30) for at, column in enumerate(COLUMNS)}
    widths = widths_within(width, columns)
    assert len(widths) >= 2
    assert sum(widths.values()) + 2 * (len(widths) - 1) <= max(width, 4)


def rows_that_grow():
    """500 short rows, and longer ones behind them."""
    yield from (("s", "new", 1, "t") for _ in range(500))
    yield ("state-of-many-letters", "new", 1_000_000, "t")
    yield from (("s", "new", 2, "t") for _ in range(600))


def test_columns_stay_behind_a_longer_row_in_a_pipe(capsys):
    """A longer cell pushes its own row aside, and no other."""
    write_list(rows_that_grow(), COLUMNS, as_json=False, record=str)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].index("TIME") == lines[500].index("t") == lines[1101].index("t", 10)
    assert lines[501].split() == ["state-of-many-letters", "new", "1,000,000", "t"]


def test_columns_stay_behind_a_longer_row_at_a_terminal(drawn):
    """There it is folded inside its column."""
    lines = drawn(rows_that_grow(), 80, NO_COLOR="1")
    assert lines[1].index("t", 8) == lines[-1].index("t", 8) == lines[0].index("time")
    assert "".join(line[:5] for line in lines[501:-600]).replace(" ", "") == "state-of-many-letters"


def test_no_line_of_a_pipe_ends_in_blanks(capsys):
    """Not even where the last cells are empty."""
    write_list([("a", "", 1, ""), ("bb", "new", 22, "t")], COLUMNS, as_json=False, record=str)
    assert all(line == line.rstrip() for line in capsys.readouterr().out.splitlines())


def test_a_column_that_is_empty_at_first_is_there_all_the_same(drawn):
    """What follows later may fill it."""

    def rows():
        yield from (("s", "new", 1, "") for _ in range(500))
        yield ("s", "new", 1, "t")

    assert drawn(rows(), 80, NO_COLOR="1")[-1].split() == ["s", "new", "1", "t"]


def test_no_color_means_none_and_nothing_bold(drawn):
    """A terminal that could, and a user who does not want it."""
    rows = [("a", "b", 3, TIME)]
    assert "\x1b[" in "".join(drawn(rows, 80))
    assert "\x1b" not in "".join(drawn(rows, 80, NO_COLOR="1"))
