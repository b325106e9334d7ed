"""Files of lines, compressed as their names say: written beside their place and moved there, read in bounded memory."""

import errno
import gzip
import io
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

from tai_state.errors import BadExportError, ConfigurationError

LINE_BYTES_MAX = 64 * 1024 * 1024
"""The longest line that is read: many times what a document may hold."""

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_GZIP_LEVEL = 6
_ZSTD_LEVEL = 3
_BUFFER_BYTES = 1024 * 1024


class NewFile:
    """A file that appears in its place once it is whole, and not before.

    Until then it has a name of its own beside it, which goes away with the block unless ``keep`` was called.
    """

    def __init__(
        self, path: str, part: str, *, overwrite: bool, beside: Sequence[str] = (), spared: Sequence[str] = ()
    ) -> None:
        """Write to *path*; *part* tells its name beside it from others.

        Args:
            beside: The endings of the names of what its engine keeps beside it, which goes away, too.
            spared: The files of the store that is read: their place is never taken, whatever may be overwritten.

        Raises:
            ConfigurationError: The place is one of those.
            OSError: The place is taken and not to be overwritten, or is no place for a file.
        """
        self.path = Path(path)
        self.part = self.path.with_name(f".{self.path.name}.{part}.part")
        self._overwrite = overwrite
        self._beside = ("", *beside)
        self._spared = spared
        self._refuse_taken()

    def _refuse_taken(self) -> None:
        if any(_is_one(self.path, Path(file)) for file in self._spared):
            message = f"{self.path} is the store itself, or what its engine keeps beside it: name another file"
            raise ConfigurationError(message)
        if not self.path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "the folder is not there", str(self.path.parent))
        if self.path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder", str(self.path))
        if self.path.exists() and not (self._overwrite and self.path.is_file()):
            raise FileExistsError(errno.EEXIST, "it is there already, and stays as it is", str(self.path))

    def __enter__(self) -> Self:
        """Do nothing more."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was not kept."""
        for ending in self._beside:
            self.part.with_name(self.part.name + ending).unlink(missing_ok=True)

    def keep(self) -> None:
        """Move the file, which is closed, to its place, durably."""
        with self.part.open("rb") as whole:
            os.fsync(whole.fileno())
        self._refuse_taken()
        self.part.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _is_one(path: Path, file: Path) -> bool:
    """Whether both are one file, or would be if it were there."""
    if path.exists() and file.exists():
        return path.samefile(file)
    return path.resolve() == file


class LineWriter:
    """Writes lines to a new file, compressed where its name ends in .gz or .zst."""

    def __init__(self, new: NewFile) -> None:
        """Open it."""
        self._file: IO[bytes] = new.part.open("xb")
        self._stream = self._compressing(new.path.suffix)

    def _compressing(self, suffix: str) -> IO[bytes]:
        if suffix == ".gz":
            # Without a time in it: equal contents, equal files.
            return cast("IO[bytes]", gzip.GzipFile("", "wb", _GZIP_LEVEL, self._file, mtime=0))
        if suffix == ".zst":
            import zstandard  # noqa: PLC0415 - most files are not compressed so

            compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True)
            return cast("IO[bytes]", compressor.stream_writer(self._file, closefd=False))
        return self._file

    def write(self, lines: bytes) -> None:
        """Write whole lines."""
        self._stream.write(lines)

    def close(self) -> None:
        """Write what is left."""
        try:
            self._stream.close()
        finally:
            self._file.close()


class LineReader:
    """Reads the lines of a file, plain or compressed, which its first bytes tell."""

    def __init__(self, path: str) -> None:
        """Open it."""
        self._name = path
        self._file: IO[bytes] = Path(path).open("rb")  # noqa: SIM115 - closed by close
        self._lines = 0
        self._damage: tuple[type[Exception], ...] = (gzip.BadGzipFile, zlib.error)
        try:
            self._stream = self._decompressing()
        except BaseException:
            self._file.close()
            raise

    def _decompressing(self) -> IO[bytes]:
        magic = self._file.read(len(_ZSTD_MAGIC))
        self._file.seek(0)
        if magic.startswith(_GZIP_MAGIC):
            return cast("IO[bytes]", gzip.GzipFile(fileobj=self._file, mode="rb"))
        if magic == _ZSTD_MAGIC:
            import zstandard  # noqa: PLC0415 - as above

            self._damage = (zstandard.ZstdError,)
            decompressed = zstandard.ZstdDecompressor().stream_reader(self._file, closefd=False)
            return io.BufferedReader(cast("io.RawIOBase", decompressed), _BUFFER_BYTES)
        return self._file

    def read(self, lines_max: int, bytes_max: int) -> list[bytes]:
        """Return the next lines: so many at most, and no more once they have so many bytes; none at the end.

        Raises:
            BadExportError: They cannot be read; names the line.
        """
        lines: list[bytes] = []
        held = 0
        while len(lines) < lines_max and held < bytes_max:
            line = self._next()
            if not line:
                break
            lines.append(line)
            held += len(line)
        return lines

    def _next(self) -> bytes:
        try:
            line = self._stream.readline(LINE_BYTES_MAX + 1)
        except EOFError as error:
            raise self._bad("the compressed file is cut off") from error
        except self._damage as error:
            raise self._bad(f"the compressed file is damaged: {error}") from error
        if len(line) > LINE_BYTES_MAX:
            raise self._bad(f"the line has more than {LINE_BYTES_MAX:,} bytes")
        self._lines += bool(line)
        return line

    def _bad(self, reason: str) -> BadExportError:
        return BadExportError(self._name, self._lines + 1, reason)

    def close(self) -> None:
        """Close it."""
        if self._stream is not self._file:
            self._stream.close()
        self._file.close()
