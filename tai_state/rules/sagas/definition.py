"""What users define: a saga and its steps."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tai_state.clock import seconds_of
from tai_state.config import check_kind, check_option
from tai_state.errors import ConfigurationError
from tai_state.layout import check_id
from tai_state.retry import RetryPolicy
from tai_state.rules.sagas.machine import machine_of

if TYPE_CHECKING:
    from tai_state.machine import Machine

STEPS_MAX = 200
"""How many steps a saga may have: all of them are in its state, which each event tells."""

COMPENSATION_RETRY = RetryPolicy(attempts=5, wait_initial=0.5, wait_max=10.0)
"""How a compensation is tried again where its step does not say."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a saga: what it does, and what undoes that.

    Both are given the step's context (``StepContext``, ``AsyncStepContext``), of which ``key`` is the same at every
    attempt: done twice, and at once, they are to have happened once by it. In the async colour they may be async.

    Args:
        action: What it returns, JSON-like, is the step's result. Raising says that under its key nothing stands.
        compensate: Undoes what the action did. It is called, too, where nobody knows whether the action did anything
            (``outcome`` is "unknown" then): it copes with nothing done, and blocks what the action may yet do under its
            key. None: there is nothing to undo.
        retry: How often, and after which waits, action and compensation are tried again: ``attempts`` in all, or where
            that is None, until ``deadline`` has passed since the first; waits have full jitter between 0 and
            ``wait_initial`` doubled with each, at most ``wait_max``. None: an action is tried once, a compensation
            five times.
        timeout: How many seconds one attempt may take, before it counts as failed without a definite outcome; None: as
            long as it likes.

    Raises:
        ConfigurationError: One of them cannot be; names it.
        InvalidIdError: *name* cannot be part of an id.
    """

    name: str
    action: Callable[[Any], Any]
    compensate: Callable[[Any], Any] | None = None
    retry: RetryPolicy | None = field(default=None, kw_only=True)
    timeout: float | timedelta | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Check them."""
        object.__setattr__(self, "name", check_id(self.name, "name"))
        for what, function in (("action", self.action), ("compensate", self.compensate)):
            if not callable(function) and (what == "action" or function is not None):
                message = f"the {what} of step {self.name!r} must be a function of one argument, not {function!r}"
                raise ConfigurationError(message)
        check_option(self.retry, RetryPolicy, "retry")
        if self.timeout is not None:
            object.__setattr__(self, "timeout", seconds_of(self.timeout))

    @property
    def timeout_seconds(self) -> float | None:
        """How long one attempt may take."""
        return None if self.timeout is None else seconds_of(self.timeout)


class Saga:
    """Steps that are done one after the other, or undone in reverse where one of them fails for good.

    Attributes:
        name, steps: As given.
        machine: The machine that moves its sagas, which follows from the steps' names and which can be compensated:
            for checks (``verify``), and diagrams.
        fingerprint: The machine's. A saga that was begun under another one is left alone by workers that do not know
            that definition.
        versions: Earlier definitions.
    """

    def __init__(self, name: str, steps: Iterable[Step], *, versions: Iterable["Saga"] = ()) -> None:
        """Define a saga.

        Args:
            versions: Definitions that this one had before, whose sagas may not have ended: each saga goes on by the
                one under which it began.

        Raises:
            ConfigurationError: Something cannot be; names it.
            InvalidIdError: *name* cannot be part of an id.
        """
        self.name = check_id(name, "name")
        self.steps = tuple(steps)
        for step in self.steps:
            check_kind(step, Step, "each of the steps")
        names = [step.name for step in self.steps]
        if not 0 < len(names) <= STEPS_MAX or len(set(names)) < len(names):
            message = f"saga {self.name!r} must have 1 to {STEPS_MAX} steps, each with a name of its own, not {names}"
            raise ConfigurationError(message)
        self.machine: Machine[dict[str, Any]] = machine_of(self.name, self.shape)
        self.fingerprint = self.machine.fingerprint
        self.versions = tuple(versions)
        for version in self.versions:
            check_kind(version, Saga, "each of the versions")
            if version.name != self.name or version.fingerprint == self.fingerprint:
                message = f"versions of saga {self.name!r} must be other definitions of it, and {version!r} is none"
                raise ConfigurationError(message)

    @property
    def shape(self) -> tuple[tuple[str, bool], ...]:
        """The steps by their names, and whether they can be compensated."""
        return tuple((step.name, step.compensate is not None) for step in self.steps)

    def step(self, name: str) -> Step:
        """Return a step by its name.

        Raises:
            KeyError: There is none.
        """
        return {step.name: step for step in self.steps}[name]

    def __repr__(self) -> str:
        """Show the name and the steps."""
        return f"Saga({self.name!r}, {[step.name for step in self.steps]})"
