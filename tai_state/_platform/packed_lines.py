"""Lines of JSON as MessagePack, one object after the other: what a line holds, in the words of other tools.

Each line is packed as the value that its JSON is, and comes back as the very line that it was.
"""

from typing import IO, Any

import orjson

from tai_state.codec import from_json, to_json
from tai_state.errors import ConfigurationError, InvalidDataError

_READ_BYTES = 256 * 1024


def _library() -> Any:
    try:
        import msgpack  # noqa: PLC0415 - the extra
    except ModuleNotFoundError as error:
        message = "MessagePack is not here: pip install 'tai_state[backups]', or write JSON"
        raise ConfigurationError(message) from error
    return msgpack


class PackingStream:
    """Takes whole lines, and writes what they hold."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Write to *stream*.

        Raises:
            ConfigurationError: MessagePack is not installed.
        """
        self._stream = stream
        self._pack = _library().Packer(use_bin_type=True).pack

    def write(self, lines: bytes) -> None:
        """Write the objects of whole *lines*."""
        self._stream.write(b"".join(self._pack(orjson.loads(line)) for line in lines.splitlines()))

    def close(self) -> None:
        """Close what is written to."""
        self._stream.close()


class UnpackedLines:
    """The lines that a stream of packed objects was made of."""

    damage: tuple[type[Exception], ...]

    def __init__(self, stream: IO[bytes], bytes_max: int) -> None:
        """Read *stream*; no object may take more than *bytes_max*.

        Raises:
            ConfigurationError: MessagePack is not installed.
        """
        library = _library()
        self._stream = stream
        self._read = 0
        self._unpacker = library.Unpacker(self, read_size=_READ_BYTES, max_buffer_size=bytes_max, strict_map_key=True)
        # What is no object, is too deep or too large, or holds what is no text; and what is no canonical value of ours.
        self.damage = (library.exceptions.UnpackException, ValueError, InvalidDataError, TypeError, RecursionError)

    def read(self, size: int) -> bytes:
        """Return the next bytes, for the unpacker."""
        found = self._stream.read(size)
        self._read += len(found)
        return found

    def readline(self, _: int) -> bytes:
        """Return the next line; "" at the end.

        Raises:
            Exception: One of ``damage``; or EOFError: the last object is cut off.
        """
        try:
            found = next(self._unpacker)
        except StopIteration:
            if self._unpacker.tell() < self._read:
                message = "the last object is cut off"
                raise EOFError(message) from None
            return b""
        return to_json(from_json(orjson.dumps(found))) + b"\n"

    def close(self) -> None:
        """Close what is read."""
        self._stream.close()
