"""What a process remembers of the states that it changes, in bounded memory: their heads, and what it wrote of them."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Generic, TypeVar

from tai_state.documents import DocumentPath

HeadT = TypeVar("HeadT")
ItemT = TypeVar("ItemT")


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

    def take(self, path: DocumentPath) -> HeadT | None:
        """Return the head last seen at *path*, if it is kept, and keep it no more: who takes it is to change it."""
        with self._lock:
            found = self._heads.pop(path, None)
            if found is None:
                return None
            self._bytes -= found[2]
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


class Trail(Generic[ItemT]):
    """The last versions of one state without a gap, as this process wrote them."""

    __slots__ = ("bytes", "first", "items", "update_time")

    def __init__(self, first: int) -> None:
        """Begin with the version *first*."""
        self.first = first
        self.items: list[ItemT] = []
        self.bytes = 0
        self.update_time: datetime | None = None


class TrailCache(Generic[ItemT]):
    """The trails used last, by the path of their state; safe between threads.

    A trail ends where anybody else touches the state's document: so it holds what the store holds.
    """

    def __init__(self, bytes_max: int = 32 * 1024 * 1024) -> None:
        """Keep at most *bytes_max* bytes between them all."""
        self._bytes_max = bytes_max
        self.begin_anew()

    def begin_anew(self) -> None:
        """Keep none: in a fork's child another thread may have been inside at that moment."""
        self._bytes = 0
        self._trails: OrderedDict[DocumentPath, Trail[ItemT]] = OrderedDict()
        self._lock = threading.Lock()

    def add(
        self,
        path: DocumentPath,
        version: int,
        item: ItemT | None,
        size: int,
        *,
        first: int,
        found: datetime | None,
        left: datetime,
    ) -> None:
        """Note what was written as *version*.

        Args:
            item: None: it cannot be kept, and so none of those before it is.
            size: What it takes in memory.
            first: From which version on a trail is wanted.
            found: The update_time of the state's document before; None where there was none.
            left: The one after.
        """
        with self._lock:
            trail = self._trails.pop(path, None)
            if trail is not None:
                self._bytes -= trail.bytes
            if item is None:
                return
            if trail is None or trail.update_time != found or trail.first != first:
                if version != first:
                    return
                trail = Trail(first)
            trail.items.append(item)
            trail.bytes += size
            trail.update_time = left
            self._trails[path] = trail
            self._bytes += trail.bytes
            while self._bytes > self._bytes_max:
                _, forgotten = self._trails.popitem(last=False)
                self._bytes -= forgotten.bytes

    def upto(self, path: DocumentPath, version: int, found: datetime | None) -> Sequence[ItemT]:
        """Return the trail of a state up to *version*; nothing where it is not known.

        Args:
            found: The update_time of the state's document.
        """
        with self._lock:
            trail = self._trails.get(path)
            if trail is None or trail.update_time != found:
                return ()
            return trail.items[: version + 1 - trail.first]
