# Generated from tai_state/_async/access/retry.py by .ci/generate_sync.py; do not edit.
"""The one retry loop: a call, and tenacity once it has failed."""
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from tai_state._platform.tasks import sleep
from tai_state.clock import Deadline
from tai_state.errors import CommitAmbiguousError, ConflictError, DeadlineExceededError, RetriesExhaustedError
from tai_state.retry import RetryPolicy

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

log = logging.getLogger("tai_state")


def retry(
    call: Callable[[], T],
    on: type[Exception] | tuple[type[Exception], ...],
    *,
    policy: RetryPolicy,
    deadline: Deadline,
    rng: random.Random,
    what: str,
    wait: "Callable[[RetryCallState], float] | None" = None,
) -> T:
    """Return what *call* returns, calling it again after an error of *on*, with jitter, within *deadline*.

    Any other error passes through at once.

    Args:
        wait: How long to wait between two; None: as the policy says.

    Raises:
        RetriesExhaustedError: The policy's attempts are spent; from the last error.
        DeadlineExceededError: The deadline passed; from the last error.
    """
    try:
        return call()
    except on as error:
        first = error
    return retry_after(first, call, on, policy=policy, deadline=deadline, rng=rng, what=what, wait=wait)


def retry_after(
    first: Exception,
    call: Callable[[], T],
    on: type[Exception] | tuple[type[Exception], ...],
    *,
    policy: RetryPolicy,
    deadline: Deadline,
    rng: random.Random,
    what: str,
    wait: "Callable[[RetryCallState], float] | None" = None,
) -> T:
    """Go on as ``retry`` does after the caller's own first attempt met an error of *on*.

    Most calls succeed at once, and should not pay for the loop: a hot path makes its first attempt itself.
    """
    # Imported here: most programs never meet a conflict, and it brings asyncio with it.
    from tenacity import Retrying, RetryError, retry_if_exception_type  # noqa: PLC0415

    last = first
    is_first = True

    def again() -> T:
        nonlocal is_first, last
        if is_first:
            is_first = False
            raise last
        try:
            return call()
        except on as error:
            last = error
            raise
        except DeadlineExceededError as error:
            # Time ran out before this attempt began: why the ones before it failed is what the caller needs.
            error.__cause__ = error.__cause__ or _given_up(what, None, last)
            raise

    def tell(state: "RetryCallState") -> None:
        cause = state.outcome.exception() if state.outcome else None
        if isinstance(cause, CommitAmbiguousError):
            return  # told where it happened, also for a last attempt
        kind = "conflict" if isinstance(cause, ConflictError) else "retry"
        extra = {"event": kind, "what": what, "attempt": state.attempt_number, "cause": getattr(cause, "code", None)}
        log.warning("attempt %d of %s: %s", state.attempt_number, what, cause, extra=extra)

    def rest(seconds: float) -> None:
        sleep(seconds)
        deadline.waited(seconds)

    retrying = Retrying(
        stop=policy.stop(deadline),
        wait=wait or policy.wait(rng, deadline),
        retry=retry_if_exception_type(on),
        before_sleep=tell,
        sleep=rest,
    )
    try:
        return retrying(again)
    except RetryError as error:
        cause, attempts = error.last_attempt.exception(), error.last_attempt.attempt_number
        _given_up(what, attempts, cause)
        if deadline.passed:
            message = f"{what} did not succeed within {deadline.seconds:g} seconds; nothing was written"
            raise DeadlineExceededError(message) from cause
        raise RetriesExhaustedError(attempts, what) from cause


def _given_up(what: str, attempts: int | None, cause: BaseException | None) -> BaseException | None:
    """Write a record that *what* is not tried again, its attempts spent or its time over; return its last *cause*."""
    extra = {"event": "retries_exhausted", "what": what, "attempt": attempts, "cause": getattr(cause, "code", None)}
    log.warning("%s is not tried again: %s", what, cause, extra=extra)
    return cause
