"""Errors of subscriptions: what a handler may not do, and what cannot be delivered any more."""

from tai_state.errors.base import TaiStateError


class CauseDepthError(TaiStateError):
    """A handler would make a change to which so many others led already, each made by a handler that was told of one.

    Handlers that set each other off would go on for ever. Nothing was written; the event is put aside as a dead letter.
    """

    code = "cause_depth"

    def __init__(self, cause: str, depth: int, max_depth: int) -> None:
        """Name the change of which the handler was told, and how deep what it makes would be."""
        super().__init__(
            f"a change made by a handler that was told of {cause} would be number {depth} of a chain of changes that "
            f"led to one another, and at most {max_depth} are allowed: let the handlers not set each other off, or "
            "give the subscription a larger max_depth"
        )
        self.cause = cause
        self.depth = depth
        self.max_depth = max_depth
