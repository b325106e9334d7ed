"""A change with all that follows from it for other states: in a commit of its own where nothing does."""

from dataclasses import replace

from tai_state._async.commits.guard import AsyncGuarding
from tai_state._async.commits.writer import Applied
from tai_state._async.runtime import AsyncRuntime
from tai_state._async.transactions.attempt import AsyncAttempt
from tai_state._async.transactions.run import AsyncRun
from tai_state.clock import Deadline
from tai_state.errors import DocumentTooLargeError, OutcomeUnknownError
from tai_state.rules.commits.change import Change, Settings
from tai_state.rules.transactions.dependents.reactions import Machines, NotAloneError


async def async_write(
    runtime: AsyncRuntime,
    change: Change,
    deadline: Deadline,
    *,
    settings: Settings,
    machines: Machines,
    alone: Settings,
    guarding: AsyncGuarding | None = None,
) -> Applied:
    """Make *change*, and in the same commit what the states that depend on it do about it.

    Args:
        alone: *settings* with ``alone_with(machines)``, which a caller makes once for all its changes.

    Raises:
        DependentMachineError: One of them is driven by a machine that is not among *machines*.
        DocumentTooLargeError: All of it is larger than the store takes in one commit; nothing was sent.
        OutcomeUnknownError: The deadline passed while the store may or may not have applied it.
        TaiStateError: The change was refused, or failed; nothing was written.
    """
    applied: Applied | None = None
    if not change.depends_on:
        # Nearly all changes concern their own state alone; which ones do is seen when they are decided.
        try:
            applied = await runtime.writer.write(change, alone, deadline, guarding)
        except NotAloneError:
            applied = None
    if applied is None:
        applied = await _AsyncJointChange(runtime, change, settings, machines).write(deadline, guarding)
    return await _async_with_reaction(runtime, change, applied, deadline) if applied.replayed else applied


async def _async_with_reaction(runtime: AsyncRuntime, change: Change, applied: Applied, deadline: Deadline) -> Applied:
    """Return the repeated start of a state that reacted at once as its first caller saw it."""
    if change.kind != "start" or not applied.event.depends_on:
        return applied
    after = await runtime.writer.event(change.paths, applied.event.version + 1, deadline)
    at_once = after is not None and after.kind == "reaction" and after.committed_at == applied.event.committed_at
    return replace(applied, record=after.state()) if after is not None and at_once else applied


class _AsyncJointChange:
    """One change that concerns other states, over the attempts that it takes."""

    def __init__(self, runtime: AsyncRuntime, change: Change, settings: Settings, machines: Machines) -> None:
        self._runtime = runtime
        self._change = change
        self._settings = settings
        self._machines = machines
        self._attempt: AsyncAttempt | None = None
        self._applied: Applied | None = None

    async def write(self, deadline: Deadline, guarding: AsyncGuarding | None) -> Applied:
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
