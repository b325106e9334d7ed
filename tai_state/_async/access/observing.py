"""A backend whose requests are told to those who look on."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from tai_state._async.access.port import AsyncBackend
from tai_state._platform.iterators import async_ending
from tai_state.clock import SystemClock
from tai_state.documents import CommitResult, Document, DocumentPath, Query, Read, Write
from tai_state.observers import NOTHING, Billed, Observers, Request, code_of

_CLOCK = SystemClock()


class AsyncObserving:
    """Stands in front of one backend's methods, for as long as it is installed.

    They are set on the instance, over those of its class: where nobody looks on there is nothing in the way, not even a
    question.
    """

    METHODS = ("get_many", "scan", "scan_ids", "query", "commit")

    def __init__(self, backend: AsyncBackend, observers: Observers) -> None:
        """Stand in front of *backend*."""
        self._backend = backend
        self._observers = observers
        self._get_many = backend.get_many
        self._scan = backend.scan
        self._scan_ids = backend.scan_ids
        self._query = backend.query
        self._commit = backend.commit
        observers.backend = backend.name or type(backend).__name__
        vars(backend).update({name: getattr(self, name) for name in self.METHODS})

    def end(self) -> None:
        """Step aside, unless somebody else has come to stand in front of it since."""
        held = vars(self._backend)
        for name in self.METHODS:
            if held.get(name) == getattr(self, name):
                del held[name]

    def _tell(self, kind: str, began: float, error: BaseException | None, billed: Billed = NOTHING) -> None:
        seconds = _CLOCK.monotonic() - began
        self._observers.request(Request(kind, self._observers.backend, seconds, billed, code_of(error)))

    async def get_many(self, paths: Sequence[DocumentPath], **options: Any) -> Read:
        """Read, and tell of it: what is missing is billed like what is there."""
        began = _CLOCK.monotonic()
        try:
            read = await self._get_many(paths, **options)
        except BaseException as error:
            self._tell("read", began, error)
            raise
        self._tell("read", began, None, Billed(len(paths)))
        return read

    async def commit(self, writes: Sequence[Write], **options: Any) -> CommitResult:
        """Commit, and tell of it."""
        began = _CLOCK.monotonic()
        try:
            result = await self._commit(writes, **options)
        except BaseException as error:
            self._tell("commit", began, error)
            raise
        self._tell("commit", began, None, Billed.of(writes))
        return result

    def scan(self, collection: str, **options: Any) -> AsyncIterator[Document]:
        """Scan, and tell of it."""
        return self._listing("scan", self._scan(collection, **options))

    def query(self, query: Query, **options: Any) -> AsyncIterator[Document]:
        """Query, and tell of it."""
        return self._listing("query", self._query(query, **options))

    def scan_ids(self, collection: str, **options: Any) -> AsyncIterator[str]:
        """List ids, and tell of it."""
        return self._listing("ids", self._scan_ids(collection, **options))

    async def _listing(self, kind: str, items: AsyncIterator[Any]) -> AsyncIterator[Any]:
        count, failed, waited = 0, None, 0.0
        try:
            async with async_ending(items):
                while True:
                    began = _CLOCK.monotonic()
                    try:
                        item = await anext(items)
                    except StopAsyncIteration:
                        return
                    finally:
                        waited += _CLOCK.monotonic() - began
                    count += 1
                    yield item
        except Exception as error:
            failed = error
            raise
        finally:
            # One that finds nothing is billed as one.
            billed = NOTHING if failed is not None else Billed(max(count, 1))
            self._tell(kind, _CLOCK.monotonic() - waited, failed, billed)
