"""How events are stored: compressed by what all of them have in common, since most are written once and seldom read.

Much of an event are the names of its fields and its state before the change, which it holds beside the one after it.
The ones stand in a dictionary, the other in the event itself, so that a third of it is left, and with it of the pages
that commits fill and flush. A state stays JSON, which SQLite can look into.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tai_state.errors import InvalidDataError

if TYPE_CHECKING:
    from zstandard import ZstdCompressionDict, ZstdCompressionParameters, ZstdCompressor, ZstdDecompressor

PACKED_MIN = 512
"""From how many bytes on: what is smaller stays as it is."""

PACKED_MAX = 65_536
"""Up to how many: what is larger is compressed as a payload already, or takes longer than it saves."""

_TEXT_BYTES_MAX = 1_048_576
MAGIC = b"\x28\xb5\x2f\xfd"
"""How zstd's frames begin; JSON never does."""

# Trained by zstd on 6,000 events of made-up content. It never changes: what was compressed by it is read by it. Another
# one would be another file beside it, and each frame tells by a number which one it was made with.
_DICTIONARY = Path(__file__).with_name("events.zdict")

# Neither may be used by two threads at once: whoever needs one takes one, and gives it back.
packers: "list[ZstdCompressor]" = []
_unpackers: "list[ZstdDecompressor]" = []


@cache
def _dictionary() -> "tuple[ZstdCompressionDict, ZstdCompressionParameters]":
    """Return the dictionary, and how it is used: it is taken apart once."""
    import zstandard  # noqa: PLC0415 - with the first event; a store of another engine has none of it

    dictionary = zstandard.ZstdCompressionDict(_DICTIONARY.read_bytes(), dict_type=zstandard.DICT_TYPE_FULLDICT)
    # Higher levels were measured to save a hundredth and to take a quarter longer. The table to search by is kept so
    # small that it costs little where the caches hold none of it, which is how a commit finds it.
    parameters = zstandard.ZstdCompressionParameters.from_level(
        1, source_size=PACKED_MAX, window_log=16, hash_log=11, write_checksum=False, write_dict_id=True
    )
    dictionary.precompute_compress(compression_params=parameters)
    return dictionary, parameters


def new_packer() -> "ZstdCompressor":
    """Return what compresses, where all that there are are in use."""
    import zstandard  # noqa: PLC0415 - as above

    dictionary, parameters = _dictionary()
    return zstandard.ZstdCompressor(dict_data=dictionary, compression_params=parameters)


def text_of(body: bytes) -> bytes:
    """Return the JSON of what is stored, whether or not that was compressed.

    Raises:
        InvalidDataError: It is damaged.
    """
    if type(body) is not bytes or not body.startswith(MAGIC):
        return body
    import zstandard  # noqa: PLC0415 - as above

    try:
        unpacker = _unpackers.pop()
    except IndexError:
        unpacker = zstandard.ZstdDecompressor(dict_data=_dictionary()[0])
    try:
        if not 0 <= zstandard.frame_content_size(body) <= _TEXT_BYTES_MAX:
            message = "a compressed document claims a size that none has"
            raise InvalidDataError(message)
        return unpacker.decompress(body)
    except zstandard.ZstdError as error:
        message = f"not a compressed document: {error}"
        raise InvalidDataError(message) from error
    finally:
        _unpackers.append(unpacker)


def plain(body: bytes | str | float | None) -> bytes | str | float | None:
    """Return what SQLite itself can look into, as its function of this name: the JSON, or whatever else there is."""
    try:
        return text_of(body) if isinstance(body, bytes) else body
    except InvalidDataError:
        return None
