"""What tells of keys: that there is none, and what became of one operation of several."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class _Absent(Enum):
    """The type of ``ABSENT``."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


Absent = _Absent
ABSENT: Final = _Absent.ABSENT
"""In the place of a value: the key is not there. (None is a value.)"""


@dataclass(frozen=True, slots=True)
class OpResult:
    """What became of one operation of a batch.

    Attributes:
        id: The id that its caller gave the operation.
        value: What the operation returns; None where it failed.
        error: What it failed with; None where it was done.
        previous: The value that the key had before, where the operation wrote; ABSENT where there was none.
        version: The version that the operation made; None where it wrote nothing.
    """

    id: str | None
    value: Any = None
    error: Exception | None = None
    previous: Any = ABSENT
    version: int | None = None
