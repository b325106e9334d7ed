"""How often a step is tried again, and when."""

from datetime import timedelta

from tai_state.retry import RetryPolicy
from tai_state.rules.due.waits import wait_before


def wait_after(policy: RetryPolicy | None, failures: int, elapsed: timedelta, share: float) -> timedelta | None:
    """Return how long to wait behind so many *failures*; None: it is not tried again.

    Args:
        policy: None: it is tried once.
        elapsed: How long ago the first attempt began.
        share: A random number from 0 to 1: which part of the longest wait it is.
    """
    if policy is None:
        return None
    wait = wait_before(policy, failures, share)
    if policy.attempts is not None:
        return wait if failures < policy.attempts else None
    return wait if elapsed + wait < timedelta(seconds=policy.deadline) else None
