"""As much of HTTP/2 (RFC 9113) as tells which stream is a Commit and how it ended; the bytes stay as they came."""

import asyncio
from dataclasses import dataclass

import hpack
from hyperframe.frame import ContinuationFrame, Frame, HeadersFrame, RstStreamFrame

PREFACE_BYTES = 24
HEADER_BYTES = 9
_TABLE_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Unit:
    """A frame, or a header block with its continuations, between which nothing else may stand.

    ``headers`` are those of a header block; ``ends`` says that its sender is done with the stream, or resets it.
    """

    raw: bytes
    stream: int
    ends: bool = False
    headers: dict[bytes, bytes] | None = None

    @property
    def path(self) -> bytes:
        """The RPC that a client's header block asks for."""
        return (self.headers or {}).get(b":path", b"")

    @property
    def grpc_status(self) -> int | None:
        """The code in a server's trailers; None: these are none."""
        code = (self.headers or {}).get(b"grpc-status")
        return int(code) if code is not None else None


class Units:
    """Reads what one side of a connection sends, its header compression followed."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        """Read from *reader*, past the client's preface."""
        self._reader = reader
        self._decoder = hpack.Decoder()
        # How large the peers let the table grow stands in their SETTINGS; whatever it is, it is followed.
        self._decoder.max_allowed_table_size = _TABLE_BYTES_MAX

    async def next(self) -> Unit | None:
        """Return the next unit; None when the connection is over."""
        try:
            raw, frame, body = await self._frame()
            if not isinstance(frame, HeadersFrame):
                return Unit(raw, frame.stream_id, "END_STREAM" in frame.flags or isinstance(frame, RstStreamFrame))
            frame.parse_body(memoryview(body))
            block, ends, is_whole = frame.data, "END_STREAM" in frame.flags, "END_HEADERS" in frame.flags
            while not is_whole:
                more, continuation, body = await self._frame()
                assert isinstance(continuation, ContinuationFrame), continuation
                raw, block, is_whole = raw + more, block + body, "END_HEADERS" in continuation.flags
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        fields = self._decoder.decode(block, raw=True)
        return Unit(raw, frame.stream_id, ends, {bytes(name): bytes(value) for name, value in fields})

    async def _frame(self) -> tuple[bytes, Frame, bytes]:
        header = await self._reader.readexactly(HEADER_BYTES)
        frame, length = Frame.parse_frame_header(memoryview(header))
        body = await self._reader.readexactly(length)
        return header + body, frame, body
