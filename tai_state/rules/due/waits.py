"""How long what failed waits before it may be tried again."""

from datetime import timedelta

from tai_state.retry import RetryPolicy

_DOUBLINGS_MAX = 30


def wait_before(policy: RetryPolicy, attempts: int, share: float) -> timedelta:
    """Return how long to wait after so many *attempts*: full jitter, as the policy says.

    Args:
        share: A random number from 0 to 1: which part of the longest wait it is.
    """
    longest = min(policy.wait_max, policy.wait_initial * 2 ** min(max(attempts - 1, 0), _DOUBLINGS_MAX))
    return timedelta(seconds=longest * share)
