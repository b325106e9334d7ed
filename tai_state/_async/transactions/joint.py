"""A change and what other states do about it, as one commit: an attempt of a transaction."""

from dataclasses import replace

from tai_state._async.commits.guard import AsyncGuarding
from tai_state._async.commits.writer import Applied
from tai_state._async.runtime import AsyncRuntime
from tai_state._async.transactions.attempt import AsyncAttempt
from tai_state._async.transactions.run import AsyncRun
from tai_state.clock import Deadline
from tai_state.errors import DocumentTooLargeError, OutcomeUnknownError
from tai_state.rules.commits.change import Change, Settings
from tai_state.rules.transactions.dependents.reactions import Machines


class AsyncJointChange:
    """One change that concerns other states, over the attempts that it takes."""

    def __init__(self, runtime: AsyncRuntime, change: Change, settings: Settings, machines: Machines) -> None:
        """Make *change* of the store in *runtime*, by *machines*."""
        self._runtime = runtime
        self._change = change
        self._settings = settings
        self._machines = machines
        self._attempt: AsyncAttempt | None = None
        self._applied: Applied | None = None

    async def write(self, deadline: Deadline, guarding: AsyncGuarding | None) -> Applied:
        """Make it, with all that follows from it; raises as ``async_write`` does."""
        run = AsyncRun(
            self._runtime,
            self._body,
            policy=self._runtime.access.retry,
            deadline=deadline,
            guarding=guarding,
            record_ttl=None,
            author=self._change.author,
        )
        try:
            applied = await run.result()
        except OutcomeUnknownError as error:
            if self._applied is None:
                raise
            event = self._applied.event
            raise event.unknown() from error
        except DocumentTooLargeError as error:
            if self._attempt is None or error.what != "the commit":
                raise
            others = len(self._attempt.states_written) - 1
            what = f"the commit that moves {self._change.key} and {others:,} states with it"
            raise DocumentTooLargeError(error.size, error.limit, what) from error
        if applied.replayed or self._attempt is None:
            return applied
        return replace(applied, event=replace(applied.event, committed_at=self._attempt.committed_at))

    async def _body(self, attempt: AsyncAttempt) -> Applied:
        self._attempt = attempt
        self._applied = await attempt.write(self._change, self._settings, self._machines)
        return self._applied
