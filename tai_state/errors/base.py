"""What every error has: a code, data that travels, and whether trying again can help."""

import os
from typing import Any, ClassVar, Self

SHOWN_MAX = 3
"""How many of the things that an error names are in its message, too."""


def _restore(cls: type["TaiStateError"], args: tuple[object, ...], attributes: dict[str, Any]) -> "TaiStateError":
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(attributes)
    return error


def named(governor_id: str, state_id: str) -> str:
    """Return how a message names a state."""
    return f"state {state_id!r} of governor {governor_id!r}"


def at_version(version: int | None) -> str:
    """Return how a message names a version, which may not be known."""
    return "version unknown" if version is None else f"version {version}"


class TaiStateError(Exception):
    """Base of every error that tai_state raises on purpose.

    Attributes:
        code: Stable; what programs compare.
        retryable: Whether the same call may succeed later, as it is, without a second effect.
        retry_seconds: After how many seconds about to call again, where ``retryable``.
        asked_seconds: After how many seconds the engine asked to be called again; None: it did not say.
    """

    code: ClassVar[str] = "tai_state_error"
    # Of the class, save where it depends on the call.
    retryable: bool = False
    retry_seconds: ClassVar[float] = 0.5
    asked_seconds: float | None = None
    _share: float = 1.0

    def __init__(self, *args: object) -> None:
        """Take the message."""
        super().__init__(*args)
        # So that many who failed together do not come back together; nothing of ours is decided by it.
        self._share = 0.5 + int.from_bytes(os.urandom(2)) / 0xFFFF

    @property
    def retry_after(self) -> float | None:
        """After how many seconds to call again; None where that does not help.

        What the engine asked for, or else between a half and one and a half of ``retry_seconds``.
        """
        if not self.retryable:
            return None
        return self.retry_seconds * self._share if self.asked_seconds is None else self.asked_seconds

    # Exceptions pickle as cls(*args); ours take data, not the message, so the
    # message and the attributes travel side by side.
    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the message and the attributes, not the constructor's arguments."""
        return _restore, (type(self), self.args, self.__dict__)

    def __copy__(self) -> Self:
        """Return an equal error, also for the classes whose constructor takes data."""
        copied = _restore(type(self), self.args, self.__dict__)
        assert isinstance(copied, type(self))
        return copied


class ConfigurationError(TaiStateError):
    """A URL, an option, a file or the surroundings do not allow what was asked."""

    code = "configuration"
