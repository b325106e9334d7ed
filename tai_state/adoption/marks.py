"""How far an adoption has come: kept in the store that it fills, so that any host goes on from there."""

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Any

from tai_state import StateStore
from tai_state.adoption.rows import Mark, Source
from tai_state.adoption.shape import Shape
from tai_state.keys import Keys
from tai_state.values import to_json

GROUP = "adoptions"
"""The group of keys with a mark for each adoption that has not ended."""


@dataclass(slots=True)
class Progress:
    """Where an adoption stands.

    Attributes:
        after: The mark of the last row that was looked at; None: none was.
        rows: How many were.
        failed: What the store said of rows that it did not take, by their places: the first of them.
        has_read_all: Whether all were: what is left is to check them.
    """

    after: Mark | None = None
    rows: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    has_read_all: bool = False


class ProgressMark:
    """The progress of one adoption, in the store."""

    def __init__(self, store: StateStore, source: Source, shape: Shape) -> None:
        """Keep that of *source* in this *shape*; another shape is another adoption."""
        self._keys = Keys(store, GROUP)
        asked: dict[str, Any] = {"source": source.name, "shape": asdict(shape)}
        self._key = hashlib.sha256(to_json(asked)).hexdigest()[:32]
        self._source = source.name
        # Of what is read from here on: a source that changes on the way has another one when it is asked again.
        self._fingerprint = source.fingerprint()

    def load(self) -> Progress:
        """Return where an earlier run stopped; the beginning where there was none, or the source is another since."""
        told = self._keys.get(self._key)
        if not isinstance(told, dict) or told.get("fingerprint") != self._fingerprint:
            return Progress()
        return Progress(told["after"], told["rows"], dict(told["failed"]), told["has_read_all"])

    def save(self, progress: Progress) -> None:
        """Keep it: what it says was looked at is committed."""
        value = {**asdict(progress), "source": self._source, "fingerprint": self._fingerprint}
        self._keys.set(self._key, value)

    def clear(self) -> None:
        """Forget it: the next run looks at every row."""
        self._keys.delete(self._key)
