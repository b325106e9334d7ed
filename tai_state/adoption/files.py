"""Rows of files: JSON lines and CSV, plain or gzip."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, cast

from tai_state import ConfigurationError
from tai_state.adoption.rows import Mark, Row

LINE_BYTES_MAX = 16 * 1024 * 1024

_GZIP_MAGIC = b"\x1f\x8b"


class _FileSource:
    """What both kinds of file have in common.

    A mark holds the line and the byte behind it, so that a plain file is read on from there; of a gzip what is before
    it is read over.
    """

    id_field: str | None = "id"

    def __init__(self, path: str | Path) -> None:
        """Name the file; a state is known again by the name without its folders."""
        self.path = Path(path)
        self.name = self.path.name
        self.governor = None

    def fingerprint(self) -> str:
        """Return its size and the time of its last change."""
        told = self.path.stat()
        return f"{told.st_size}-{told.st_mtime_ns}"

    def row(self, line: int, mark: dict[str, Any], fields: dict[str, Any], defect: str | None = None) -> Row:
        """Return the row that begins in a line."""
        origin = {"source": self.name, "line": line}
        return Row(f"{self.name}, line {line:,}", origin, mark, fields, defect=defect)

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Open it, and unpack what is packed."""
        with ExitStack() as stack:
            opened = stack.enter_context(self.path.open("rb"))
            is_gzip = opened.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            opened.seek(0)
            # One of a given file leaves that open.
            yield (
                cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=opened, mode="rb"))) if is_gzip else opened
            )

    def lines(self, stream: IO[bytes], line: int) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of the lines behind number *line*, at which *stream* stands.

        Raises:
            ConfigurationError: It cannot be read to its end.
        """
        try:
            while raw := stream.readline(LINE_BYTES_MAX + 1):
                line += 1
                if len(raw) > LINE_BYTES_MAX:
                    message = f"{self.name}: line {line:,} has more than {LINE_BYTES_MAX:,} bytes"
                    raise ConfigurationError(message)
                yield line, raw
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            message = f"{self.name}: the gzip is damaged, or without its end, behind line {line:,}: {error}"
            raise ConfigurationError(message) from error


class JsonLinesSource(_FileSource):
    """A file of JSON objects, one a line."""

    def rows(self, after: Mark | None, *, history: str | None) -> Iterator[Row]:
        """Yield the objects behind *after*; a line that is none has a defect, and empty ones are passed over."""
        del history  # A field, which is there with the others.
        with self.opened() as stream:
            if after is not None:
                stream.seek(after["byte"])
            for line, raw in self.lines(stream, 0 if after is None else after["line"]):
                if not raw.isspace():
                    yield self._row(line, {"line": line, "byte": stream.tell()}, raw)

    def _row(self, line: int, mark: dict[str, Any], raw: bytes) -> Row:
        try:
            fields = json.loads(raw.decode("utf-8-sig" if line == 1 else "utf-8"))
        except (ValueError, RecursionError) as error:
            return self.row(line, mark, {}, f"is no JSON: {error}")
        if not isinstance(fields, dict):
            return self.row(line, mark, {}, f"is no JSON object, but a {type(fields).__name__}")
        return self.row(line, mark, fields)


class CsvSource(_FileSource):
    """A file of comma-separated values with a line of names at its head; every value is a text."""

    def __init__(self, path: str | Path, *, delimiter: str = ",") -> None:
        """Name the file, and what stands between its values.

        Raises:
            ConfigurationError: *delimiter* is not one character.
        """
        super().__init__(path)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            message = f"delimiter must be one character, not {delimiter!r}"
            raise ConfigurationError(message)
        self._delimiter = delimiter

    def rows(self, after: Mark | None, *, history: str | None) -> Iterator[Row]:
        """Yield the rows behind *after*; one with more or fewer values than names has a defect."""
        del history  # A column, which is there with the others.
        # A document of 1 MiB may be a value; the module's own bound is for all who use it, and is only ever raised.
        csv.field_size_limit(max(csv.field_size_limit(), LINE_BYTES_MAX))
        with self.opened() as stream:
            text = _Text(self, stream)
            reader = csv.reader(text, delimiter=self._delimiter, strict=True)
            names = self._names(*_next(reader, text))
            if after is not None:
                stream.seek(after["byte"])
                text.line = after["line"]
            while True:
                line = text.line + 1
                values, defect = _next(reader, text)
                if values is None:
                    return
                if values or defect:
                    mark = {"line": text.line, "byte": stream.tell()}
                    yield self.row(line, mark, dict(zip(names, values, strict=False)), defect or _odd(names, values))

    def _names(self, names: list[str] | None, defect: str | None) -> list[str]:
        if defect is not None:
            message = f"{self.name}: its first line names no columns: {defect}"
            raise ConfigurationError(message)
        if not names or len(set(names)) < len(names):
            message = f"{self.name}: its first line must name the columns, each once; it has {names!r}"
            raise ConfigurationError(message)
        return names


class _Text:
    """The lines of a file as texts, and how many of them were taken."""

    def __init__(self, source: _FileSource, stream: IO[bytes]) -> None:
        self.line = 0
        self.wrong: str | None = None
        self._source = source
        self._stream = stream

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line, raw in self._source.lines(self._stream, self.line):
            self.line = line
            try:
                return raw.decode("utf-8-sig" if line == 1 else "utf-8")
            except UnicodeDecodeError as error:
                self.wrong = f"is not UTF-8: {error.reason} at byte {error.start:,} of line {line:,}"
                return raw.decode("utf-8", "replace")
        raise StopIteration


def _next(reader: Iterator[list[str]], text: _Text) -> tuple[list[str] | None, str | None]:
    """Return the next values, and what is wrong with them; None for the end."""
    text.wrong = None
    try:
        return next(reader, None), text.wrong
    except csv.Error as error:
        return [], f"is no CSV: {error}"


def _odd(names: list[str], values: list[str]) -> str | None:
    if len(values) == len(names):
        return None
    return f"has {len(values)} values for {len(names)} columns"
