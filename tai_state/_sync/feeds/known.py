# Generated from tai_state/_async/feeds/known.py by .ci/generate_sync.py; do not edit.
"""What a worker knows to be delivered, in bounded memory: it saves reads, and nothing rests on it."""
from collections import OrderedDict

KNOWN_MAX = 10_000


class Known:
    """The last versions that were delivered, of the states met last."""

    def __init__(self, most: int = KNOWN_MAX) -> None:
        """Know nothing."""
        self._versions: OrderedDict[str, int] = OrderedDict()
        self._most = most
        self._epoch = 0

    def begin(self, epoch: int) -> None:
        """Forget what is of another epoch."""
        if epoch != self._epoch:
            self._versions.clear()
            self._epoch = epoch

    def has(self, key: str, version: int) -> bool:
        """Whether a version of a state is known to be delivered."""
        return self._versions.get(key, 0) >= version

    def learn(self, key: str, version: int) -> None:
        """Note that a version of a state was delivered."""
        if version > self._versions.get(key, 0):
            self._versions[key] = version
            self._versions.move_to_end(key)
            if len(self._versions) > self._most:
                self._versions.popitem(last=False)
