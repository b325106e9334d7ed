"""Files of lines, packed and compressed as their names say: written beside their place, moved there, read in pieces."""

import errno
import gzip
import io
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from tai_state._platform.packed_lines import PackingStream, UnpackedLines
from tai_state.errors import BadExportError, ConfigurationError

LINE_BYTES_MAX = 64 * 1024 * 1024
"""The longest line that is read: many times what a document may hold."""

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_LZ4_MAGIC = b"\x04\x22\x4d\x18"
_PACKED_MIN = 0x80
"""Above all of ASCII, with which a line of JSON begins: what a packed object begins with."""
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
    """Writes lines to a new file, compressed where its name ends in .gz, .zst or .lz4, packed where in .msgpack."""

    def __init__(self, new: NewFile) -> None:
        """Open it.

        Raises:
            ConfigurationError: What its name asks for is not installed.
        """
        self._file: IO[bytes] = new.part.open("xb")
        try:
            self._stream: IO[bytes] | PackingStream = self._compressing(new.path.suffix)
            if is_packed(new.path):
                self._stream = PackingStream(self._stream)
        except BaseException:
            self._file.close()
            raise

    def _compressing(self, suffix: str) -> IO[bytes]:
        if suffix == ".gz":
            # Without a time in it: equal contents, equal files.
            return cast("IO[bytes]", gzip.GzipFile("", "wb", _GZIP_LEVEL, self._file, mtime=0))
        if suffix == ".zst":
            import zstandard  # noqa: PLC0415 - most files are not compressed so

            compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True)
            return cast("IO[bytes]", compressor.stream_writer(self._file, closefd=False))
        if suffix == ".lz4":
            return cast("IO[bytes]", lz4_frames().LZ4FrameFile(self._file, "wb", content_checksum=True))
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


def is_packed(path: Path) -> bool:
    """Whether the name of a file says that its lines are packed."""
    return ".msgpack" in (path.suffix, Path(path.stem).suffix)


def lz4_frames() -> Any:
    """Return the library of LZ4's frames.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        import lz4.frame  # noqa: PLC0415 - the extra
    except ModuleNotFoundError as error:
        message = "LZ4 is not here: pip install 'tai_state[backups]', or use .gz or .zst"
        raise ConfigurationError(message) from error
    return lz4.frame


class LineReader:
    """Reads the lines of a file: whether they are packed and compressed, its first bytes tell."""

    def __init__(self, path: str) -> None:
        """Open it."""
        self._name = path
        self._file: IO[bytes] = Path(path).open("rb")  # noqa: SIM115 - closed by close
        self._lines = 0
        self._damage: tuple[type[Exception], ...] = (gzip.BadGzipFile, zlib.error)
        try:
            self._stream: IO[bytes] | UnpackedLines = self._unpacked(self._decompressing())
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
        if magic == _LZ4_MAGIC:
            # What the library says of damage.
            self._damage = (RuntimeError,)
            return cast("IO[bytes]", lz4_frames().LZ4FrameFile(self._file, "rb"))
        return self._file

    def _unpacked(self, stream: IO[bytes]) -> IO[bytes] | UnpackedLines:
        damage: tuple[type[Exception], ...] = (EOFError, *self._damage)
        try:
            first = cast("io.BufferedReader", stream).peek(1)[:1]
        except damage:
            # The first line is not to be had either, which is told then.
            return stream
        if not first or first[0] < _PACKED_MIN:
            return stream
        unpacked = UnpackedLines(stream, LINE_BYTES_MAX)
        self._damage += unpacked.damage
        return unpacked

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
            raise self._bad("the file is cut off") from error
        except self._damage as error:
            raise self._bad(f"the file is damaged: {error}") from error
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
