"""Locks that could not be had, or are held no more."""

from collections.abc import Sequence

from tai_state.errors.base import TaiStateError


class LockError(TaiStateError):
    """A lock could not be had, or is held no more."""

    code = "lock"


class LockTimeoutError(LockError, TimeoutError):
    """The lock was not free within the time allowed."""

    code = "lock_timeout"
    retryable = True
    retry_seconds = 1.0

    def __init__(
        self,
        resource: str,
        holder: str | None = None,
        *,
        next_owner: str | None = None,
        resources: Sequence[str] = (),
    ) -> None:
        """Name the resource and who holds it, as last read.

        Args:
            holder: None: nobody was seen to hold it.
            next_owner: Whom it was kept for, since he waits for it longer; nobody held it then.
            resources: All that stood in the way; *resource* alone where nothing is said.
        """
        if holder is not None:
            told = f"lock {resource!r} is held by {holder!r}"
        elif next_owner is not None:
            told = f"lock {resource!r} is held by nobody, and kept for {next_owner!r}, who waits longer"
        else:
            told = f"lock {resource!r} was not had in the time allowed"
        self.resource = resource
        self.holder = holder
        self.next_owner = next_owner
        self.resources = list(resources) or [resource]
        others = [repr(one) for one in self.resources if one != resource]
        super().__init__(f"{told}; {', '.join(others)} could not be had either" if others else told)


class LockLostError(LockError):
    """The lock is not held any more; ``reason`` is expired, stolen, broken, released, unreachable or forked."""

    code = "lock_lost"

    def __init__(self, resource: str, reason: str) -> None:
        """Name the resource and how it was lost."""
        super().__init__(f"lock {resource!r} is no longer held: {reason}")
        self.resource = resource
        self.reason = reason


class FencedOutError(LockError):
    """The store refused a write because a newer holder's fencing token was seen."""

    code = "fenced_out"

    def __init__(self, token: int, current: int, resource: str = "") -> None:
        """Give the token of the refused writer and the one in force."""
        super().__init__(f"fencing token {token} of lock {resource!r} is stale, the current one is {current}")
        self.token = token
        self.current = current
        self.resource = resource


class DeadlockError(LockError):
    """Waiting would close a cycle of owners who wait for each other."""

    code = "deadlock"
    retryable = True
    retry_seconds = 0.1

    def __init__(self, cycle: Sequence[str], resources: Sequence[str] = ()) -> None:
        """List the owners of the cycle, in order, the first one again at its end.

        Args:
            resources: What each of them waits for: it is held by the next one.
        """
        listed = list(cycle)
        if resources:
            steps = zip(listed, resources, listed[1:], strict=False)
            told = ", ".join(f"{waiter!r} waits for {wanted!r}, held by {holder!r}" for waiter, wanted, holder in steps)
        else:
            told = " -> ".join(str(owner) for owner in listed)
        super().__init__(f"deadlock: {told}")
        self.cycle = listed
        self.resources = list(resources)
