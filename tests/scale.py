"""How much a test does: enough to fail for its reason in `make test`, and all of it in `make test-more`."""

from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scale:
    """Chooses between the two sizes of one test; the fixture ``scale`` runs the test once with each."""

    is_full: bool

    def __call__(self, small: T, full: T) -> T:
        """Return *small* in `make test`, and *full* in `make test-more`."""
        return full if self.is_full else small
