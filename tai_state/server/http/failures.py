"""What nobody expected: a guard of a machine that raises, say."""

import logging
import traceback

log = logging.getLogger("tai_state.server")


def log_unexpected(error: Exception) -> None:
    """Log what nobody expected: where it was raised, and not its text, which may hold what is stored."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("a request failed with %s\n%s", type(error).__name__, where, extra={"event": "request_failed"})
