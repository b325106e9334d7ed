"""A stream of changes, read as it comes: what calls applications otherwise gives an answer that is whole."""

import asyncio
import contextlib
import json
from typing import Any

from tests.waits import patience


class Stream:
    """An answer that goes on: its status and headers, and its events as (id, data)."""

    def __init__(self, messages):
        self._messages = messages
        self._text = ""
        self.status = 0
        self.headers = {}

    async def begun(self):
        start = await self._next()
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}

    async def _next(self):
        async with asyncio.timeout(patience(20.0)):
            return await self._messages.get()

    async def event(self):
        """Return the next event that has data, or the next id without; None: the stream has ended."""
        while True:
            while "\r\n\r\n" not in self._text:
                message = await self._next()
                self._text += message["body"].decode()
                if not message.get("more_body", False):
                    return None
            block, _, self._text = self._text.partition("\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in block.split("\r\n") if not line.startswith(":"))
            if "id" in fields:
                return fields["id"], json.loads(fields["data"]) if "data" in fields else None

    async def rest(self):
        """Return the rest of the body."""
        text = self._text
        while (message := await self._next()).get("more_body", False):
            text += message["body"].decode()
        return text + message["body"].decode()


@contextlib.asynccontextmanager
async def following(server, path, token, **headers):
    """Open a stream, and leave it in the end."""
    messages: asyncio.Queue[Any] = asyncio.Queue()
    has_left, is_asked = asyncio.Event(), False

    async def receive():
        nonlocal is_asked
        if not is_asked:
            is_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await has_left.wait()
        return {"type": "http.disconnect"}

    raw, _, query = path.partition("?")
    sent = {"Authorization": f"Bearer {token}", **headers}
    scope = {
        "type": "http",
        "method": "GET",
        "path": raw,
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
    }
    task = asyncio.create_task(server(scope, receive, messages.put))
    try:
        stream = Stream(messages)
        await stream.begun()
        yield stream
    finally:
        has_left.set()
        async with asyncio.timeout(patience(20.0)):
            await task
