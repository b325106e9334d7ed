"""How a call ended without an answer: out of time, out of attempts, or in doubt."""

from tai_state.errors.base import TaiStateError, named


class DeadlineExceededError(TaiStateError, TimeoutError):
    """The total time allowed ran out; nothing was written."""

    code = "deadline_exceeded"
    retryable = True
    retry_seconds = 1.0


class RetriesExhaustedError(TaiStateError):
    """Every attempt allowed was spent; nothing was written. The last failure is the cause."""

    code = "retries_exhausted"
    retryable = True
    retry_seconds = 0.05

    def __init__(self, attempts: int, what: str = "the operation") -> None:
        """Say how many attempts were spent on *what*."""
        super().__init__(f"{what} failed {attempts} times and was given up")
        self.attempts = attempts


class OutcomeUnknownError(TaiStateError):
    """The store may or may not have applied the change, and time ran out before it could be told.

    Under an idempotency key call again with the same one: that is ``retryable``. Without a key a second call could
    apply the change twice, so it is not: ask ``persister.outcome(error)``, ``get_transaction`` of a manager, or
    ``outcome`` of a distributed transaction, the last two by ``transition_id``.
    """

    code = "outcome_unknown"

    def __init__(
        self,
        transition_id: str,
        governor_id: str = "",
        state_id: str = "",
        version: int | None = None,
        *,
        retryable: bool = False,
    ) -> None:
        """Name the change whose outcome is unknown and the version that it would have.

        Args:
            retryable: Whether the same call can be made again without a second effect.
        """
        what, asked = f"transaction {transition_id}", "get_transaction(id) (of several stores: outcome(id))"
        if governor_id:
            becomes = "version unknown" if version is None else f"to become version {version}"
            what, asked = f"change {transition_id} of {named(governor_id, state_id)}, {becomes},", "outcome(error)"
        then = f"ask {asked}; another call without an idempotency key may apply it twice"
        if retryable:
            then = f"retry with the same idempotency key or ask {asked}"
        super().__init__(f"{what} may or may not have been applied; {then}")
        self.retryable = retryable
        self.transition_id = transition_id
        self.governor_id = governor_id
        self.state_id = state_id
        self.version = version
