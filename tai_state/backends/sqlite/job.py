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
        # Closed until there is something to do or to know.
        self.gate = threading.Lock()
        self.gate.acquire()

    def wake(self) -> None:
        """Let the caller look again: its job is done, or it is the caller's turn to lead."""
        if self.gate.locked():
            self.gate.release()

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
