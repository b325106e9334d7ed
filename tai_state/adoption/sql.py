"""Rows of a query on a SQLite file, which is opened to read only."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tai_state import ConfigurationError, StoreError
from tai_state.adoption.rows import Mark, Row

_BATCH_ROWS = 500


class SqlSource:
    """What a query on a SQLite file gives, a state for each row; its columns are the fields.

    A mark counts rows, and holds as long as the file is the same. The query should have an order; without one SQLite
    gives the rows of a file that does not change in the same order all the same.

    One SELECT reads them all, as they are when it begins. Where the file has no write-ahead log (journal_mode WAL), who
    writes to it waits until they are read: read a copy of one that must not wait.
    """

    id_field: str | None = "id"

    def __init__(self, path: str | Path, query: str) -> None:
        """Name the file, and the query: one SELECT.

        Raises:
            ConfigurationError: There is no such file, or the query is none.
        """
        self.path = Path(path)
        self.name = f"{self.path.name}: {query.strip().rstrip(';').strip()}"
        self.governor = None
        self._query = query.strip().rstrip(";").strip()
        if not self.path.is_file():
            message = f"there is no file {self.path}"
            raise ConfigurationError(message)
        with closing(self._open()) as database:
            self._execute(database, 0, 0)

    def fingerprint(self) -> str:
        """Return the sizes and times of the file and of its log."""
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        told = [file.stat() for file in files if file.exists()]
        return ", ".join(f"{one.st_size}-{one.st_mtime_ns}" for one in told)

    def rows(self, after: Mark | None, *, history: str | None) -> Iterator[Row]:
        """Yield the rows behind *after*.

        Raises:
            StoreError: SQLite cannot read on.
        """
        del history  # A column, which is there with the others.
        number = 0 if after is None else int(after["rows"])
        with closing(self._open()) as database:
            cursor = self._execute(database, -1, number)
            names = [str(one[0]) for one in cursor.description]
            while batch := self._fetched(cursor, number):
                for values in batch:
                    number += 1
                    origin = {"source": self.path.name, "row": number}
                    place = f"{self.path.name}, row {number:,}"
                    yield Row(place, origin, {"rows": number}, dict(zip(names, values, strict=True)))

    def _open(self) -> sqlite3.Connection:
        # A file that others write is read, and nothing of it is changed: not even by a query that would.
        database = sqlite3.connect(f"file:{quote(str(self.path.absolute()))}?mode=ro", uri=True)
        # SQLite takes any bytes for a text; one that is none is refused with its row, as no store takes it.
        database.text_factory = lambda raw: raw.decode(errors="surrogateescape")
        return database

    def _execute(self, database: sqlite3.Connection, limit: int, offset: int) -> sqlite3.Cursor:
        """Run the query inside of a SELECT, in which nothing but a SELECT can stand."""
        try:
            return database.execute(f"SELECT * FROM ({self._query}\n) LIMIT ? OFFSET ?", (limit, offset))  # noqa: S608 - the operator's own query
        except sqlite3.Error as error:
            message = f"{self.path.name}: the query cannot be run: {error}"
            raise ConfigurationError(message) from error

    def _fetched(self, cursor: sqlite3.Cursor, number: int) -> list[Any]:
        try:
            return cursor.fetchmany(_BATCH_ROWS)
        except sqlite3.Error as error:
            message = f"{self.path.name} cannot be read on behind row {number:,}: {error}"
            raise StoreError(message) from error
