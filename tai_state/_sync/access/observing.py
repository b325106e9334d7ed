# Generated from tai_state/_async/access/observing.py by .ci/generate_sync.py; do not edit.
"""A backend whose requests are told to those who look on."""
from collections.abc import Iterator, Callable, Sequence
from typing import Any

from tai_state._sync.access.port import Backend
from tai_state._platform.iterators import ending
from tai_state.clock import SystemClock
from tai_state.documents import CommitResult, Document, DocumentPath, Query, Read, Write
from tai_state.observers import NOTHING, Billed, Observers, Request, code_of

_CLOCK = SystemClock()
_COUNTED_BY_A_READ = 1_000


class Observing:
    """Stands in front of one backend's methods, for as long as somebody looks on at a store over it.

    They are set on the instance, over those of its class: where nobody looks on there is nothing in the way, not even a
    question.
    """

    METHODS = ("get_many", "scan", "scan_ids", "query", "count", "commit")

    def __init__(self, backend: Backend) -> None:
        """Stand in front of *backend*."""
        self.stores: tuple[Observers, ...] = ()
        """Whose observers are told."""
        self._backend = backend
        self._get_many = backend.get_many
        self._scan = backend.scan
        self._scan_ids = backend.scan_ids
        self._query = backend.query
        self._count = backend.count
        self._commit = backend.commit
        held = vars(backend)
        self._before = {name: held[name] for name in self.METHODS if name in held}
        held.update({name: getattr(self, name) for name in self.METHODS})

    def leave(self, observers: Observers) -> None:
        """Tell *observers* no more; behind the last ones step aside, as far as nobody else stands in front since."""
        self.stores = tuple(one for one in self.stores if one is not observers)
        if self.stores:
            return
        held = vars(self._backend)
        for name in self.METHODS:
            if held.get(name) == getattr(self, name):
                del held[name]
                if name in self._before:
                    held[name] = self._before[name]

    def _tell(self, kind: str, began: float, error: BaseException | None, billed: Billed = NOTHING) -> None:
        seconds = _CLOCK.monotonic() - began
        for observers in self.stores:
            observers.request(Request(kind, observers.backend, seconds, billed, code_of(error)))

    def get_many(self, paths: Sequence[DocumentPath], **options: Any) -> Read:
        """Read, and tell of it: what is missing is billed like what is there."""
        began = _CLOCK.monotonic()
        try:
            read = self._get_many(paths, **options)
        except BaseException as error:
            self._tell("read", began, error)
            raise
        self._tell("read", began, None, Billed(len(paths)))
        return read

    def commit(self, writes: Sequence[Write], **options: Any) -> CommitResult:
        """Commit, and tell of it."""
        began = _CLOCK.monotonic()
        try:
            result = self._commit(writes, **options)
        except BaseException as error:
            self._tell("commit", began, error)
            raise
        self._tell("commit", began, None, Billed.of(writes))
        return result

    def scan(self, collection: str, **options: Any) -> Iterator[Document]:
        """Scan, and tell of it."""
        return self._listing("scan", self._scan(collection, **options))

    def query(self, query: Query, **options: Any) -> Iterator[Document]:
        """Query, and tell of it."""
        return self._listing("query", self._query(query, **options))

    def count(self, query: Query, **options: Any) -> int:
        """Count, and tell of it: what is counted is billed by the thousand."""
        began = _CLOCK.monotonic()
        try:
            found = self._count(query, **options)
        except BaseException as error:
            self._tell("count", began, error)
            raise
        self._tell("count", began, None, Billed(max(1, -(-found // _COUNTED_BY_A_READ))))
        return found

    def scan_ids(self, collection: str, **options: Any) -> Iterator[str]:
        """List ids, and tell of it."""
        return self._listing("ids", self._scan_ids(collection, **options))

    def _listing(self, kind: str, items: Iterator[Any]) -> Iterator[Any]:
        count, waited = 0, 0.0
        failed: BaseException | None = None
        try:
            with ending(items):
                while True:
                    began = _CLOCK.monotonic()
                    try:
                        item = next(items)
                    except StopIteration:
                        return
                    finally:
                        waited += _CLOCK.monotonic() - began
                    count += 1
                    yield item
        except GeneratorExit:
            # Its reader has enough.
            raise
        except BaseException as error:
            failed = error
            raise
        finally:
            # One that finds nothing is billed as one.
            billed = Billed(count if failed is not None else max(count, 1))
            self._tell(kind, _CLOCK.monotonic() - waited, failed, billed)


def listening(backend: Backend, observers: Observers) -> Callable[[], None]:
    """Tell *observers* of each request to *backend*, until what is returned is called.

    Several stores may share it: whoever stands in front of it already tells all of them.
    """
    observers.backend = backend.name or type(backend).__name__
    there = getattr(vars(backend).get("commit"), "__self__", None)
    listener = there if isinstance(there, Observing) else Observing(backend)
    listener.stores = (*listener.stores, observers)
    return lambda: listener.leave(observers)
