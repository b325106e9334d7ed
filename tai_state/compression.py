"""Large values as zstd frames, which tell how large they grow."""

from typing import TYPE_CHECKING

from tai_state.errors import InvalidDataError

if TYPE_CHECKING:
    from zstandard import ZstdCompressor

PAYLOAD_BYTES_MAX = 64 * 1024 * 1024
"""How large a value may be, in bytes of JSON: what is stored can be read again, however well it compressed."""

# One may be used by one thread at a time: whoever needs one takes one, and gives it back. To make one takes longer than
# to compress a few kilobytes.
_compressors: "list[ZstdCompressor]" = []


def compress(raw: bytes) -> bytes:
    """Return *raw* as one zstd frame that tells its size."""
    import zstandard  # noqa: PLC0415 - most states are never large enough

    try:
        compressor = _compressors.pop()
    except IndexError:
        compressor = zstandard.ZstdCompressor(level=3)
    blob = compressor.compress(raw)
    _compressors.append(compressor)
    return blob


def decompress(blob: bytes) -> bytes:
    """Return what ``compress`` was given.

    Raises:
        InvalidDataError: It is no such frame, or it would grow past 64 MiB.
    """
    import zstandard  # noqa: PLC0415 - as above

    try:
        size = zstandard.frame_content_size(blob)
        if not 0 <= size <= PAYLOAD_BYTES_MAX:
            message = f"a compressed value claims {size} bytes"
            raise InvalidDataError(message)
        return zstandard.ZstdDecompressor().decompress(blob)
    except zstandard.ZstdError as error:
        message = f"not a compressed value: {error}"
        raise InvalidDataError(message) from error
