"""The bounded cache of heads: what a store last saw of the states that it changes."""

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

from tai_state.documents import DocumentPath

HeadT = TypeVar("HeadT")


class HeadCache(Generic[HeadT]):
    """The heads used last, by path; safe between threads.

    A cached head may lead to a commit, never to a refusal: the commit's precondition tells when it is stale.
    """

    def __init__(self, size_max: int, bytes_max: int = 32 * 1024 * 1024) -> None:
        """Keep at most *size_max* heads (0: none) with at most *bytes_max* bytes of data between them."""
        self._size_max = size_max
        self._bytes_max = bytes_max
        self.begin_anew()

    @property
    def size_max(self) -> int:
        """How many heads it keeps at most."""
        return self._size_max

    def begin_anew(self) -> None:
        """Keep none: in a fork's child another thread may have been inside at that moment."""
        self._bytes = 0
        self._heads: OrderedDict[DocumentPath, tuple[HeadT, int, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: DocumentPath) -> HeadT | None:
        """Return the head last seen at *path*, if it is kept."""
        with self._lock:
            found = self._heads.get(path)
            if found is None:
                return None
            self._heads.move_to_end(path)
            return found[0]

    def put(self, path: DocumentPath, head: HeadT, *, version: int, data_bytes: int) -> None:
        """Keep *head*, unless one of a later *version* is known.

        Args:
            data_bytes: What its data takes in memory.
        """
        with self._lock:
            known = self._heads.pop(path, None)
            if known is not None:
                if known[1] > version:
                    self._heads[path] = known
                    return
                self._bytes -= known[2]
            self._heads[path] = (head, version, data_bytes)
            self._bytes += data_bytes
            while len(self._heads) > self._size_max or self._bytes > self._bytes_max:
                _, (_, _, dropped_bytes) = self._heads.popitem(last=False)
                self._bytes -= dropped_bytes

    def drop(self, path: DocumentPath) -> None:
        """Forget what was seen at *path*."""
        with self._lock:
            known = self._heads.pop(path, None)
            if known is not None:
                self._bytes -= known[2]
