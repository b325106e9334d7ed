"""A commit on its way through the queue."""

import threading

from tai_state.backends.sqlite.encoding import Request
from tai_state.clock import Deadline
from tai_state.documents import CommitResult


class Job:
    """One caller's commit; ``result`` or ``error`` counts once ``done`` is true."""

    __slots__ = ("deadline", "done", "error", "gate", "request", "result")

    def __init__(self, request: Request, deadline: Deadline) -> None:
        """Make a job that nobody has taken."""
        self.request = request
        self.deadline = deadline
        self.result: CommitResult | None = None
        self.error: Exception | None = None
        self.done = False
        self.gate: threading.Lock | None = None

    def make_gate(self) -> threading.Lock:
        """Return the gate to wait at: closed until there is something to do or to know.

        Made only for those who wait. Look at ``done`` after this, for who ends the job looks for a gate after that.
        """
        if self.gate is None:
            gate = threading.Lock()
            gate.acquire()
            self.gate = gate
        return self.gate

    def wake(self) -> None:
        """Let the caller look again: its job is done, or it is the caller's turn to lead."""
        gate = self.gate
        if gate is not None and gate.locked():
            gate.release()

    def forget(self) -> None:
        """Drop the verdict of an attempt that was rolled back."""
        self.result, self.error = None, None

    def finish(self, error: Exception | None = None) -> None:
        """Fix the verdict, *error* if given, and wake the caller."""
        if error is not None:
            self.result, self.error = None, error
        self.done = True
        self.wake()

    def outcome(self) -> CommitResult:
        """Return the result of a job that is done, or raise its error."""
        assert self.done
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result
