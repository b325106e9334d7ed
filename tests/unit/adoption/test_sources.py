"""Sources give their rows from any mark on, and name what is no row."""

import csv
import gzip
import sqlite3
from contextlib import closing

import pytest

from tai_state import ConfigurationError, StoreError
from tai_state.adoption import CsvSource, JsonLinesSource, Shape, SqlSource
from tai_state.adoption.shape import RefusedRowError, candidate_of


def rows(source, after=None):
    return list(source.rows(after, history=None))


@pytest.fixture
def lines(tmp_path):
    """A file of JSON lines with a blank one, and a mark of byte order at its head."""
    path = tmp_path / "o.jsonl"
    path.write_bytes('\ufeff{"id": "é"}\n\n[1]\n{\n{"id": 3}'.encode())
    return path


def pack(path):
    """Make a gzip of a file, of the same name."""
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed


def assert_marks_lead_on(source):
    """Behind each row's mark come those behind it, and no other."""
    whole = rows(source)
    assert len(whole) > 1
    for number, row in enumerate(whole):
        assert rows(source, row.mark) == whole[number + 1 :]


def test_lines_of_json_are_rows_with_their_numbers(lines):
    """Blank ones are passed over, and what is no object has a defect."""
    found = rows(JsonLinesSource(lines))
    assert [(row.place, row.fields) for row in found] == [
        ("o.jsonl, line 1", {"id": "é"}),
        ("o.jsonl, line 3", {}),
        ("o.jsonl, line 4", {}),
        ("o.jsonl, line 5", {"id": 3}),
    ]
    assert [row.defect and row.defect.split(":")[0] for row in found] == [
        None,
        "is no JSON object, but a list",
        "is no JSON",
        None,
    ]
    assert found[0].origin == {"source": "o.jsonl", "line": 1}


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_mark_leads_to_the_line_behind_it(lines, is_packed):
    """In a gzip, too."""
    assert_marks_lead_on(JsonLinesSource(pack(lines) if is_packed else lines))


def test_a_gzip_without_its_end_is_told(lines):
    """With the last line that was read."""
    packed = pack(lines)
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(ConfigurationError, match=r"o\.jsonl\.gz: the gzip is damaged, or without its end"):
        rows(JsonLinesSource(packed))


def test_a_file_that_changed_has_another_fingerprint(lines):
    """Its marks hold no more."""
    before = JsonLinesSource(lines).fingerprint()
    lines.write_bytes(lines.read_bytes() + b"\n")
    assert JsonLinesSource(lines).fingerprint() != before


@pytest.fixture
def table(tmp_path):
    """A CSV file with values over several lines, a blank line, and wrong ones."""
    path = tmp_path / "o.csv"
    path.write_bytes(b'id,note\r\n1,"two\nlines"\r\n\r\n2\r\n3,\xff\r\n4,"x"y\r\n5,last')
    return path


def test_rows_of_csv_have_the_names_of_the_head(table):
    """Each is named by its first line; one with too few values, no UTF-8 or a wrong quote has a defect."""
    found = rows(CsvSource(table))
    assert [row.place for row in found] == [f"o.csv, line {n}" for n in (2, 5, 6, 7, 8)]
    assert found[0].fields == {"id": "1", "note": "two\nlines"}
    assert [row.defect and row.defect[:16] for row in found] == [
        None,
        "has 1 values for",
        "is not UTF-8: in",
        "is no CSV: ',' e",
        None,
    ]
    assert found[4].fields == {"id": "5", "note": "last"}


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_mark_leads_to_the_row_behind_it(table, is_packed):
    """Also behind a value of several lines."""
    assert_marks_lead_on(CsvSource(pack(table) if is_packed else table))


def test_a_large_value_is_read(tmp_path):
    """Python's own bound is 128 KiB."""
    path = tmp_path / "o.csv"
    path.write_text("id,text\n1," + "x" * 500_000)
    assert len(rows(CsvSource(path))[0].fields["text"]) == 500_000
    assert csv.field_size_limit() >= 500_000


def test_another_delimiter(tmp_path):
    """A semicolon, as some spreadsheets have it."""
    path = tmp_path / "o.csv"
    path.write_text("id;state\n1;new\n")
    assert rows(CsvSource(path, delimiter=";"))[0].fields == {"id": "1", "state": "new"}
    with pytest.raises(ConfigurationError, match="one character"):
        CsvSource(path, delimiter="::")


@pytest.mark.parametrize("head", ["", "id,id\n1,2"])
def test_a_head_that_names_no_columns_is_refused(tmp_path, head):
    """Or names one twice."""
    path = tmp_path / "o.csv"
    path.write_text(head)
    with pytest.raises(ConfigurationError, match="must name the columns, each once"):
        rows(CsvSource(path))


@pytest.mark.parametrize(("head", "message"), [("größe".encode("latin-1"), "is not UTF-8"), (b'"a"b', "is no CSV")])
def test_a_head_that_cannot_be_read_is_refused(tmp_path, head, message):
    """Its rows would have names that nobody gave."""
    path = tmp_path / "o.csv"
    path.write_bytes(b"id," + head + b"\n1,2\n")
    with pytest.raises(ConfigurationError, match=f"its first line names no columns: {message}"):
        rows(CsvSource(path))


@pytest.fixture
def database(tmp_path):
    """A file of somebody else's with a table."""
    path = tmp_path / "shop ?.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER, state TEXT, raw BLOB)")
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", [(n, "new", bytes([n])) for n in range(5)])
    connection.close()
    return path


def test_rows_of_a_query_have_its_columns(database):
    """With the types that SQLite has, and from any mark on."""
    source = SqlSource(database, "SELECT id, state, raw FROM orders ORDER BY id DESC;")
    whole = rows(source)
    assert [row.fields for row in whole[:2]] == [
        {"id": 4, "state": "new", "raw": b"\x04"},
        {"id": 3, "state": "new", "raw": b"\x03"},
    ]
    assert whole[1].place == "shop ?.db, row 2"
    assert whole[1].origin == {"source": "shop ?.db", "row": 2}
    assert rows(source, whole[2].mark) == whole[3:]


@pytest.mark.parametrize(
    "query", ["DELETE FROM orders", "SELECT 1) ; DELETE FROM orders; --", "SELECT nothing FROM orders", ""]
)
def test_a_query_that_is_no_select_is_refused_and_changes_nothing(database, query):
    """The file is opened to read only, and the query stands inside of a SELECT."""
    before = database.read_bytes()
    with pytest.raises(ConfigurationError, match="the query cannot be run"):
        SqlSource(database, query)
    assert database.read_bytes() == before


def test_a_file_that_is_not_there_is_refused_and_not_made(tmp_path):
    """SQLite would make it."""
    with pytest.raises(ConfigurationError, match="there is no file"):
        SqlSource(tmp_path / "none.db", "SELECT 1")
    assert not (tmp_path / "none.db").exists()


def test_what_sqlite_cannot_read_on_is_told(database):
    """A query may fail on its way."""
    source = SqlSource(database, "SELECT abs(-9223372036854775807 - (id = 3)) AS id FROM orders")
    with pytest.raises(StoreError, match="cannot be read on behind row"):
        rows(source)


def test_a_text_that_is_no_unicode_is_its_rows_own_defect(database):
    """SQLite takes any bytes for a text: no store takes that row, and the others come behind it."""
    source = SqlSource(database, "SELECT id, CAST(iif(id = 1, x'61ff', x'61') AS TEXT) AS text FROM orders")
    refused = []
    for row in rows(source):
        try:
            candidate_of(row, Shape("text", "id", "shop"), None)
        except RefusedRowError as error:
            refused.append((row.place, error.field))
    assert refused == [("shop ?.db, row 2", "text")]


def test_a_database_that_changed_has_another_fingerprint(database):
    """Its marks count rows."""
    source = SqlSource(database, "SELECT * FROM orders")
    before = source.fingerprint()
    with sqlite3.connect(database) as connection:
        connection.executemany("INSERT INTO orders VALUES (?, 'new', ?)", [(n, bytes(5000)) for n in range(5)])
    connection.close()
    assert source.fingerprint() != before


def test_a_database_is_opened_to_read_only(database):
    """Whatever a query would do."""
    with (
        closing(SqlSource(database, "SELECT 1 AS id")._open()) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        connection.execute("CREATE TABLE ours (x)")
