"""What a page costs: the documents that were read for it, as the store bills them."""

from contextvars import ContextVar

from tai_state.telemetry import Observer, Operation, Request

_counting: ContextVar["Cost | None"] = ContextVar("tai_state_console_cost", default=None)


class Cost(Observer):
    """Counts what is read in the context that it was begun in, and in what that context started."""

    def __init__(self) -> None:
        """Count from now on, in this context; a request of the server is one."""
        self.documents = 0
        _counting.set(self)

    def request_ended(self, request: Request, operation: Operation | None) -> None:
        """Count a request of this page: others are told of those that are served meanwhile."""
        del operation
        if _counting.get() is self:
            self.documents += request.billed.documents_read
