"""The file of a log: plain or gzip, or standard input; it can be read twice."""

import gzip
import os
import shutil
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tai_state.cli.program.encodings import HEAD_BYTES, wrong_encoding
from tai_state.errors import TaiStateError

LINE_BYTES_MAX = 16 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_COPY_BYTES = 1024 * 1024


class DamagedInputError(TaiStateError):
    """The input cannot be read to its end: a truncated or damaged gzip, or a line without an end."""

    code = "damaged_input"


class WrongEncodingError(TaiStateError):
    """The input is UTF-16, or begins with a byte order mark; nothing was written."""

    code = "wrong_encoding"


class Source:
    """A log's bytes; use it in a ``with``."""

    def __init__(self, path: str) -> None:
        """Name the file; ``-`` is standard input."""
        self.name = "standard input" if path == "-" else path
        self._path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Open it; what cannot be read twice, such as a pipe, is copied to a temporary file first."""
        opened = sys.stdin.buffer if self._path == "-" else Path(self._path).open("rb")
        if self._path != "-" and stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            self._file = opened
            return self
        self._file = tempfile.TemporaryFile()
        try:
            shutil.copyfileobj(opened, self._file, _COPY_BYTES)
        except BaseException:
            self._file.close()
            raise
        finally:
            if self._path != "-":
                opened.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        if self._file is not None:
            self._file.close()

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of each line from the first one on; blank ones are counted, not yielded.

        Raises:
            WrongEncodingError: It begins as no UTF-8 of JSON lines does.
            DamagedInputError: It cannot be read to its end; names the last sound line.
        """
        number = 0
        try:
            with self._decoded() as stream:
                while raw := stream.readline(LINE_BYTES_MAX + 1):
                    number += 1
                    if number == 1 and (wrong := wrong_encoding(raw[:HEAD_BYTES], self.name)):
                        raise WrongEncodingError(wrong)
                    if len(raw) > LINE_BYTES_MAX:
                        message = f"{self.name}: line {number:,} has more than {LINE_BYTES_MAX:,} bytes"
                        raise DamagedInputError(message)
                    if not raw.isspace():
                        yield number, raw
        except EOFError as error:
            message = f"{self.name}: the gzip stream is truncated; its end is missing after line {number:,}"
            raise DamagedInputError(message) from error
        except (gzip.BadGzipFile, zlib.error) as error:
            message = f"{self.name}: the gzip stream is damaged after line {number:,}: {error}"
            raise DamagedInputError(message) from error

    def _decoded(self) -> AbstractContextManager[IO[bytes]]:
        assert self._file is not None, "a source is read inside its with"
        self._file.seek(0)
        is_gzip = self._file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        self._file.seek(0)
        # A .gz that is none was cut off at once, or is not what it is called.
        if is_gzip or self._path.endswith(".gz"):
            if self._file.seek(0, os.SEEK_END) == 0:
                raise EOFError
            self._file.seek(0)
            return gzip.GzipFile(fileobj=self._file, mode="rb")  # type: ignore[return-value]  # it reads as one
        return nullcontext(self._file)
