"""The bounded cache of heads: what a store last saw of the states that it changes."""

import threading
from collections import OrderedDict

from tai_state.documents import DocumentPath
from tai_state.rules.changes import Head


class HeadCache:
    """The heads used last, by path; safe between threads.

    A cached head may lead to a commit, never to a refusal: the commit's precondition tells when it is stale.
    """

    def __init__(self, size_max: int) -> None:
        """Keep at most *size_max* heads; 0 keeps none."""
        self._size_max = size_max
        self._heads: OrderedDict[DocumentPath, Head] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: DocumentPath) -> Head | None:
        """Return the head last seen at *path*, if it is kept."""
        with self._lock:
            head = self._heads.get(path)
            if head is not None:
                self._heads.move_to_end(path)
            return head

    def put(self, path: DocumentPath, head: Head) -> None:
        """Keep *head*, unless a later one is known."""
        with self._lock:
            known = self._heads.get(path)
            if known is not None and known.update_time > head.update_time:
                return
            self._heads[path] = head
            self._heads.move_to_end(path)
            while len(self._heads) > self._size_max:
                self._heads.popitem(last=False)

    def drop(self, path: DocumentPath) -> None:
        """Forget what was seen at *path*."""
        with self._lock:
            self._heads.pop(path, None)
