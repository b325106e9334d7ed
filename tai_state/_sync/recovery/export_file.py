# Generated from tai_state/_async/recovery/export_file.py by .ci/generate_sync.py; do not edit.
"""The file of an export, written and read a piece at a time on a thread of its own: no loop waits for a disk."""
import hashlib
from collections.abc import Iterator, Callable, Sequence
from functools import partial

from tai_state._platform.line_files import LineReader, LineWriter
from tai_state._platform.tasks import Worker
from tai_state.documents import DocumentPath
from tai_state.errors import BadExportError
from tai_state.rules.recovery.carried import Fields
from tai_state.rules.recovery.export_lines import (
    Carried,
    End,
    Header,
    document_line,
    end_line,
    header_line,
    is_digested,
    read_header,
    read_line,
)
from tai_state.rules.recovery.joining import Item

_PIECE_BYTES = 1024 * 1024
_LINES_READ = 200
_BYTES_READ = 2 * 1024 * 1024


class ExportWriter:
    """Writes the lines of an export."""

    def __init__(self, writer: LineWriter, header: Header) -> None:
        """Begin with the header."""
        self._writer = writer
        self._worker = Worker("tai-export")
        self._digest = hashlib.sha256()
        self._pending = [header_line(header)]
        self._bytes = 0
        self._line = 1

    @property
    def documents(self) -> int:
        """How many documents were written."""
        return self._line - 1

    def write(self, path: DocumentPath, fields: Fields) -> None:
        """Write a document.

        Raises:
            InvalidDataError: It cannot be written; nothing of it was.
        """
        line = document_line(self._line + 1, path, fields)
        self._line += 1
        if is_digested(path):
            self._digest.update(line)
        self._pending.append(line)
        self._bytes += len(line)
        if self._bytes >= _PIECE_BYTES:
            self._flush()

    def end(self, keep: Callable[[], None]) -> None:
        """Write the end, and *keep* the file, which is whole then."""
        self._pending.append(end_line(self._line + 1, End(self.documents, self._digest.hexdigest())))
        self._flush()
        self._worker.run(self._writer.close)
        self._worker.run(keep)

    def _flush(self) -> None:
        lines, self._pending, self._bytes = b"".join(self._pending), [], 0
        self._worker.run(partial(self._writer.write, lines))

    def close(self) -> None:
        """End the thread."""
        self._worker.close()


class ExportReader:
    """Reads the lines of an export."""

    def __init__(self, file: str, reader: LineReader) -> None:
        """Begin at the first line of *file*."""
        self._file = file
        self._reader = reader
        self._worker = Worker("tai-import")
        self._digest = hashlib.sha256()
        self._documents = 0
        self._line = 0

    def header(self) -> Header:
        """Return what the file says of itself.

        Raises:
            BadExportError, SchemaVersionError: See ``read_header``.
        """
        raw = self._worker.run(partial(self._reader.read, 1, 1))
        self._line = 1
        return read_header(self._file, raw[0] if raw else b"")

    def pieces(self) -> Iterator[list[Carried]]:
        """Iterate over the documents behind the header, so many at a time as one commit may write.

        What comes before a line that cannot be read is given before it is told.

        Raises:
            BadExportError: A line is not as it was written, or the end is missing.
        """
        end: End | None = None
        while True:
            piece: list[Carried] = []
            raws = self._read()
            try:
                for raw in raws:
                    self._line += 1
                    if end is not None:
                        raise self._bad(self._line, "something follows the end")
                    found = read_line(self._file, self._line, raw)
                    if isinstance(found, End):
                        end = found
                    else:
                        self._note(raw, found)
                        piece.append(found)
            except BadExportError:
                if piece:
                    yield piece
                raise
            if piece:
                yield piece
            if not raws:
                self._check(end)
                return

    def _note(self, raw: bytes, found: Carried) -> None:
        if is_digested(found.path):
            self._digest.update(raw)
        self._documents += 1

    def _read(self) -> list[bytes]:
        return self._worker.run(partial(self._reader.read, _LINES_READ, _BYTES_READ))

    def _check(self, end: End | None) -> None:
        if end is None:
            raise self._bad(self._line + 1, "the file ends here, before its last line: it was cut off")
        if end != End(self._documents, self._digest.hexdigest()):
            raise self._bad(self._line, "the lines above are not those that were written: the file was altered")

    def _bad(self, line: int, reason: str) -> BadExportError:
        return BadExportError(self._file, line, reason)

    def close(self) -> None:
        """End the thread."""
        self._worker.close()


def in_commits(items: Sequence[Item]) -> list[list[Item]]:
    """Return *items* in order, as many at a time as one commit may write, which is about what a piece is."""
    parts: list[list[Item]] = []
    size = 0
    for item in items:
        if not parts or len(parts[-1]) > _LINES_READ or size >= _BYTES_READ:
            parts.append([])
            size = 0
        parts[-1].append(item)
        size += item.carried.size
    return parts
