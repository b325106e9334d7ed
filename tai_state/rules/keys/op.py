"""What all operations on keys are: a name, a key, arguments that were checked, and a pure function."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from tai_state.codec import Payload
from tai_state.errors import InvalidDataError, KeyTypeError
from tai_state.layout import check_id
from tai_state.models.keys import ABSENT

if TYPE_CHECKING:
    from tai_state.documents import Value

Check = Callable[[object, str], object]


class Outcome(NamedTuple):
    """What an operation makes of a value.

    Attributes:
        value: What is there from now on; ABSENT: nothing.
        answer: What the caller is told.
        is_change: Whether there is anything to write.
    """

    value: object
    answer: Any
    is_change: bool = True


@dataclass(frozen=True, slots=True)
class KeyOp(ABC):
    """An operation on one key.

    Attributes:
        id: What its caller knows it by, in the results of several.
    """

    NAME: ClassVar[str] = ""
    CHECKS: ClassVar[Mapping[str, Check]] = {}
    ONLY_READS: ClassVar[bool] = False
    TELLS_VALUE: ClassVar[bool] = False
    """Whether the caller is told the value that was made, and nothing else."""

    key: str
    id: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Check what was given, and keep a copy of it.

        Raises:
            InvalidIdError: The key or the id cannot be one.
            InvalidDataError: An argument cannot be; names it.
        """
        object.__setattr__(self, "key", check_id(self.key, "key"))
        if self.id is not None:
            object.__setattr__(self, "id", check_id(self.id, "id"))
        for name, check in self.CHECKS.items():
            object.__setattr__(self, name, check(getattr(self, name), name))

    @abstractmethod
    def apply(self, before: Any) -> Outcome:
        """Return what the operation makes of the value *before* it, which stays as it is; ABSENT: there is none.

        Raises:
            KeyTypeError: It is of another type than the operation needs.
        """

    def arguments(self) -> dict[str, Value]:
        """Return all but the key and the id as JSON-like values; what is ABSENT is left out."""
        found = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in {"key", "id"}}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in found.items()
            if value is not ABSENT
        }

    def to_json(self) -> str:
        """Return the operation as a JSON object, which ``op_from_json`` reads.

        Raises:
            InvalidDataError: It is an Update: a function has no JSON form.
        """
        told: dict[str, Value] = {"op": self.NAME, "key": self.key, **self.arguments()}
        return Payload.of(told if self.id is None else {**told, "id": self.id}).json.decode()

    def wrong(self, expected: str, found: object, place: tuple[str, ...] = ()) -> KeyTypeError:
        """Return the error that tells of a value of another type."""
        return KeyTypeError(self.key, self.NAME, place, expected=expected, found=type(found).__name__)

    def list_in(self, before: Any) -> list[Any]:
        """Return the list that a value is; one that is not there is empty."""
        if before is ABSENT:
            return []
        if not isinstance(before, list):
            raise self.wrong("a list", before)
        return before


def check_op(op: object) -> KeyOp:
    """Return *op* when it is an operation.

    Raises:
        InvalidDataError: It is none.
    """
    if not isinstance(op, KeyOp):
        message = f"must be an operation such as Increment('n'), not {op!r}"
        raise InvalidDataError(message, path="ops")
    return op
