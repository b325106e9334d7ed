"""The bounded cache of heads: what a store last saw of the states that it changes."""

import threading
from collections import OrderedDict
from typing import Generic, Protocol, TypeVar

from tai_state.documents import DocumentPath


class Head(Protocol):
    """What the cache has to know of a head."""

    @property
    def version(self) -> int:
        """The state's version."""
        ...

    @property
    def data_bytes(self) -> int:
        """What its data takes in memory."""
        ...


HeadT = TypeVar("HeadT", bound=Head)


class HeadCache(Generic[HeadT]):
    """The heads used last, by path; safe between threads.

    A cached head may lead to a commit, never to a refusal: the commit's precondition tells when it is stale.
    """

    def __init__(self, size_max: int, bytes_max: int = 32 * 1024 * 1024) -> None:
        """Keep at most *size_max* heads (0: none) with at most *bytes_max* bytes of data between them."""
        self._size_max = size_max
        self._bytes_max = bytes_max
        self._bytes = 0
        self._heads: OrderedDict[DocumentPath, HeadT] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: DocumentPath) -> HeadT | None:
        """Return the head last seen at *path*, if it is kept."""
        with self._lock:
            head = self._heads.get(path)
            if head is not None:
                self._heads.move_to_end(path)
            return head

    def put(self, path: DocumentPath, head: HeadT) -> None:
        """Keep *head*, unless a later one is known."""
        with self._lock:
            known = self._heads.get(path)
            if known is not None and known.version > head.version:
                return
            self._forget(path)
            self._heads[path] = head
            self._bytes += head.data_bytes
            while len(self._heads) > self._size_max or self._bytes > self._bytes_max:
                self._forget(next(iter(self._heads)))

    def drop(self, path: DocumentPath) -> None:
        """Forget what was seen at *path*."""
        with self._lock:
            self._forget(path)

    def _forget(self, path: DocumentPath) -> None:
        head = self._heads.pop(path, None)
        if head is not None:
            self._bytes -= head.data_bytes
