"""Bodies of requests, read whole: so many bytes, in so much time."""

import asyncio
from collections.abc import Mapping

from starlette.types import Receive

from tai_state.server.http import refusals
from tai_state.server.settings import Limits

LENGTH_DIGITS = 20
"""A length of as many digits is none that a server would let through."""


async def read_body(receive: Receive, headers: Mapping[str, str], limits: Limits) -> bytes:
    """Return the body of a request.

    Raises:
        Refusal: It is too large, comes too slowly, or ends before it is whole.
    """
    declared = headers.get("content-length", "")
    # As soon as it is known: whoever sends more than is taken need not wait until he is told.
    if declared.isdecimal() and len(declared) < LENGTH_DIGITS and int(declared) > limits.body_bytes:
        raise refusals.body_too_large(limits.body_bytes)
    parts, size = [], 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise refusals.bad_request("the body ended before it was whole")
                part = message.get("body", b"")
                size += len(part)
                if size > limits.body_bytes:
                    raise refusals.body_too_large(limits.body_bytes)
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError as error:
        raise refusals.body_too_slow() from error
