# Generated from tai_state/_async/transactions/joint.py by .ci/generate_sync.py; do not edit.
"""A change and what other states do about it, as one commit: an attempt of a transaction."""
from dataclasses import replace

from tai_state._sync.commits.guard import Guarding
from tai_state._sync.commits.writer import Applied
from tai_state._sync.runtime import Runtime
from tai_state._sync.transactions.attempt import Attempt
from tai_state._sync.transactions.run import Run
from tai_state.clock import Deadline
from tai_state.errors import DocumentTooLargeError, OutcomeUnknownError
from tai_state.rules.commits.change import Change, Settings
from tai_state.rules.transactions.dependents.reactions import Machines


class JointChange:
    """One change that concerns other states, over the attempts that it takes."""

    def __init__(self, runtime: Runtime, change: Change, settings: Settings, machines: Machines) -> None:
        """Make *change* of the store in *runtime*, by *machines*."""
        self._runtime = runtime
        self._change = change
        self._settings = settings
        self._machines = machines
        self._attempt: Attempt | None = None
        self._applied: Applied | None = None

    def write(self, deadline: Deadline, guarding: Guarding | None) -> Applied:
        """Make it, with all that follows from it; raises as ``write`` does."""
        run = Run(
            self._runtime,
            self._body,
            policy=self._runtime.access.retry,
            deadline=deadline,
            guarding=guarding,
            record_ttl=None,
            author=self._change.author,
        )
        try:
            applied = run.result()
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

    def _body(self, attempt: Attempt) -> Applied:
        self._attempt = attempt
        self._applied = attempt.write(self._change, self._settings, self._machines)
        return self._applied
