"""What a run that broke a promise says."""

from collections.abc import Sequence

TRACE_LINES = 60


class SimulationFailure(AssertionError):  # noqa: N818 - a failure of a test, as pytest's own
    """A run broke an invariant. Its seed replays it exactly.

    Attributes:
        seed: The seed of the run.
        invariant: What did not hold, by its name.
        trace: What happened last, a line for each call of the store and each answer to a client.
    """

    def __init__(self, seed: int, invariant: str, details: str, trace: Sequence[str]) -> None:
        """Name the seed, the invariant and what broke it."""
        self.seed = seed
        self.invariant = invariant
        self.details = details
        self.trace = list(trace[-TRACE_LINES:])
        told = "\n  ".join(self.trace)
        super().__init__(
            f"Simulation(seed={seed}) broke the invariant {invariant!r}: {details}\n"
            f"replay it with Simulation({seed}).run(); the end of its trace:\n  {told}"
        )

    def __reduce__(self) -> tuple[type["SimulationFailure"], tuple[int, str, str, list[str]]]:
        """Pickle what it was made of, not its message."""
        return type(self), (self.seed, self.invariant, self.details, self.trace)


class BrokenError(Exception):
    """An invariant does not hold; becomes a SimulationFailure, which knows the seed and the trace."""

    def __init__(self, invariant: str, details: str) -> None:
        """Name the invariant and say what broke it."""
        self.invariant = invariant
        self.details = details
        super().__init__(f"{invariant}: {details}")
