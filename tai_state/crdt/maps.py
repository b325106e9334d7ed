"""A map whose last write of each key wins."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from tai_state.conversion import check_text
from tai_state.crdt.registers import Stamp, next_stamp
from tai_state.crdt.stored import Crdt, Stored, refused


class LWWMap(Crdt):
    """A map of which the last write of each key wins; a removal is a write, and stays known."""

    __slots__ = ("stamps",)
    kind = "lww_map"

    def __init__(self, stamps: Mapping[str, Stamp] | None = None) -> None:
        """Hold what was written last of each key."""
        self.stamps = dict(stamps or {})

    @property
    def value(self) -> dict[str, Any]:
        """The keys that are there, with their values."""
        return {key: stamp.value.value() for key, stamp in self.stamps.items() if stamp.value is not None}

    def set(self, node: str, key: str, value: object, *, at: datetime | None = None) -> Self:
        """Return it after *node* has written *value* under *key*; *at*: as with ``LWWRegister.set``.

        Raises:
            InvalidDataError: Key or value cannot be stored, or *at* is no time since 1970.
        """
        return self._with(key, next_stamp(self._last(key), node, value, at, f"value.{key}"))

    def remove(self, node: str, key: str, *, at: datetime | None = None) -> Self:
        """Return it after *node* has removed *key*; as it is where there is none. *at*: as with ``LWWRegister.set``.

        Raises:
            InvalidDataError: *at* is no time since 1970.
        """
        if self.stamps.get(key) is None or self.stamps[key].value is None:
            return self
        stamp = next_stamp(self._last(key), node, None, at)
        return self._with(key, Stamp(stamp.time, stamp.node, None))

    def merge(self, other: Self) -> Self:
        """Return the map of the last write of each key."""
        merged = dict(self.stamps)
        for key, stamp in other.stamps.items():
            merged[key] = max(merged.get(key, stamp), stamp)
        return type(self)(merged)

    def delta(self, since: Self) -> Self:
        """Return what was written since."""
        known = since.stamps
        return type(self)({key: stamp for key, stamp in self.stamps.items() if key not in known or known[key] < stamp})

    def _last(self, key: str) -> int:
        return self.stamps[key].time if key in self.stamps else 0

    def _with(self, key: object, stamp: Stamp) -> Self:
        if type(key) is not str:
            raise refused("key", "a str", key)
        check_text(key, "key", "the key")
        return type(self)({**self.stamps, key: stamp})

    def _parts(self) -> dict[str, Any]:
        return {"entries": {key: stamp.fields() for key, stamp in self.stamps.items()}}

    @classmethod
    def _of(cls, stored: Stored) -> Self:
        return cls(stored.map("entries", lambda value, path: Stamp.of(Stored(value, path))))
