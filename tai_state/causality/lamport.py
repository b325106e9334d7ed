"""Lamport clocks (Lamport 1978): one number that rises with each event, and past each that is heard of."""

from typing import Self


class LamportClock(int):
    """A logical time: an int that never changes; ``tick`` and ``observe`` return the next one.

    What happened before something else has the lesser time. The reverse is not so: of two times nobody can tell
    whether one knew of the other; that is what a ``VectorClock`` tells.
    """

    __slots__ = ()

    def __new__(cls, time: int = 0) -> Self:
        """Begin at *time*.

        Raises:
            ValueError: It is negative, or no whole number.
        """
        if isinstance(time, bool) or not isinstance(time, int) or time < 0:
            message = f"a logical time must be a whole number of at least 0, not {time!r}"
            raise ValueError(message)
        return super().__new__(cls, time)

    @property
    def value(self) -> int:
        """The time as a plain int."""
        return int(self)

    def tick(self) -> Self:
        """Return the time of the next event here."""
        return type(self)(int(self) + 1)

    def observe(self, other: int) -> Self:
        """Return the time at which *other*, of an event elsewhere, is received: behind both."""
        return type(self)(max(int(self), int(type(self)(other))) + 1)
