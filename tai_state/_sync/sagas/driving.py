# Generated from tai_state/_async/sagas/driving.py by .ci/generate_sync.py; do not edit.
"""Bring one saga forward: begin its next step, run it, and tell what became of it, until it ends or has to wait."""
from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tai_state._sync.sagas.context import StepContext
from tai_state._sync.sagas.held import UnfitError
from tai_state._platform.bounded import OverdueError, run_bounded
from tai_state._platform.tasks import sleep
from tai_state.errors import DocumentTooLargeError, InvalidDataError, LockLostError
from tai_state.models import KEEP
from tai_state.rules.commits.scheduled import as_found
from tai_state.rules.due.looking import reason_of
from tai_state.rules.sagas.changes import step_move
from tai_state.rules.sagas.definition import COMPENSATION_RETRY
from tai_state.rules.sagas.machine import COMPENSATED_STEP, FINISH, RECOMPENSATE, RETRY
from tai_state.rules.sagas.policy import wait_after
from tai_state.rules.sagas.progress import COMPENSATE, ENDS, FAIL, GIVE_UP, next_of, step_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tai_state._sync.runtime import Runtime
    from tai_state._sync.sagas.held import HeldSaga
    from tai_state._platform.hearts import Hearts
    from tai_state.rules.commits.scheduled import Check
    from tai_state.rules.records.record import StateRecord
    from tai_state.rules.sagas.changes import Move
    from tai_state.rules.sagas.definition import Step
    from tai_state.rules.sagas.progress import Next

log = logging.getLogger("tai_state")

_WAIT_HERE_SECONDS = 1.0
"""A wait as short as this is waited for with the saga at hand; a longer one is left to the look that finds it over."""


class _Failure:
    """How an attempt ended that did not end well."""

    __slots__ = ("error", "is_hopeless", "is_unknown")

    def __init__(self, error: str, *, is_unknown: bool = False, is_hopeless: bool = False) -> None:
        self.error = error
        self.is_unknown = is_unknown
        self.is_hopeless = is_hopeless


class SagaDrive:
    """Brings one saga forward."""

    def __init__(
        self, runtime: Runtime, held: HeldSaga, hearts: Hearts, stops: Callable[[], bool]
    ) -> None:
        """Drive what is *held*; *stops* says that no further step is to be begun."""
        self._runtime = runtime
        self._held = held
        self._hearts = hearts
        self._stops = stops

    def run(self, found: StateRecord) -> None:
        """Go on with a saga that was *found* due, until it ends, has to wait, or this runner is drained.

        Raises:
            NothingDueError: Somebody was quicker.
            LockLostError: Somebody else has taken it meanwhile.
            UnfitError, AttributeError, KeyError, TypeError, ValueError: Its data is no saga's any more.
        """
        record = found
        check: Check | None = as_found(found)
        try:
            while True:
                following = next_of(record.data.value())
                if following is None:
                    raise UnfitError
                record, wait = self._go_on(following, record, check)
                if record.status in ENDS or self._stops():
                    return
                if wait is None:
                    check = None
                elif wait <= timedelta(seconds=_WAIT_HERE_SECONDS):
                    self._held.let_go()
                    # Since its commit: so it has passed by the store's clock, too.
                    sleep(wait.total_seconds())
                    if self._stops():
                        return
                    check = as_found(record)
                else:
                    return
        finally:
            self._held.let_go()

    def _go_on(
        self, following: Next, record: StateRecord, check: Check | None
    ) -> tuple[StateRecord, timedelta | None]:
        """Make the next step of a saga, and return the saga behind it, and how long it has to wait then."""
        name, verb = following.step, following.verb
        if verb in {FAIL, GIVE_UP}:
            error = _died(record, following)
            told = {"error": error} | ({"unknown": True} if verb == FAIL else {})
            return self._held.move(step_move(verb, name, told, error=f"{name}: {error}"), check), timedelta(0)
        step = self._held.saga.step(name)
        begun = self._held.move(self._begin(verb, name), check)
        self._held.keep(self._hearts)
        ended = self._attempt(step, begun, is_compensation=verb == COMPENSATE)
        if not isinstance(ended, _Failure):
            try:
                return self._held.move(ended), None
            except (InvalidDataError, DocumentTooLargeError) as error:
                # It was done, and what it returned cannot be kept: another attempt would return the same.
                ended = _Failure(reason_of(error), is_unknown=True, is_hopeless=True)
        return self._failed(step, begun, ended, is_compensation=verb == COMPENSATE)

    def _begin(self, verb: str, name: str) -> Move:
        told = {
            "claim": self._held.claim,
            "lease_seconds": self._held.lease.total_seconds(),
            "at": self._now(),
        }
        return step_move(verb, name, told, after=self._held.lease)

    def _attempt(self, step: Step, begun: StateRecord, *, is_compensation: bool) -> Move | _Failure:
        """Run the action of a step, or its compensation, and return the move that it ended well, or how it failed."""
        context = StepContext(self._held, begun, step.name, is_compensation=is_compensation)
        function = step.compensate if is_compensation else step.action
        assert function is not None
        try:
            result = run_bounded(function, context, step.timeout_seconds)
        except OverdueError:
            return _Failure(f"no outcome within {step.timeout_seconds:g} seconds", is_unknown=True)
        except LockLostError as error:
            if self._held.is_lost:
                raise
            return _Failure(reason_of(error))
        except Exception as error:  # noqa: BLE001 - a user's function may raise anything
            return _Failure(reason_of(error))
        finally:
            context.end()
        if is_compensation:
            return self._ended(COMPENSATED_STEP, step, {})
        return self._ended(FINISH, step, {"result": result})

    def _ended(self, verb: str, step: Step, told: dict[str, Any]) -> Move:
        # Drained, this runner begins no other step: the saga is left to whoever comes first.
        after = None if self._stops() else self._held.lease
        is_last = verb == FINISH and step is self._held.saga.steps[-1]
        return step_move(verb, step.name, told, after=after, error=None if is_last else KEEP)

    def _failed(
        self, step: Step, begun: StateRecord, failure: _Failure, *, is_compensation: bool
    ) -> tuple[StateRecord, timedelta | None]:
        """Let a step be tried again, or fail for good; return the saga behind that, and how long it has to wait."""
        kept = step_of(begun.data.value(), step.name)
        policy = step.retry or (COMPENSATION_RETRY if is_compensation else None)
        wait: timedelta | None = None
        if not failure.is_hopeless:
            elapsed, share = self._now() - kept["since"], self._runtime.access.rng.random()
            wait = wait_after(policy, kept["failures"] + 1, elapsed, share)
        told: dict[str, Any] = {"error": failure.error}
        if not is_compensation:
            told["unknown"] = failure.is_unknown
        error = f"{step.name}: {failure.error}"
        # What it raised may tell of the saga's data: that is for its state, not for a log.
        log.warning("attempt %d at step %s of a saga failed", kept["attempts"], step.name)
        if wait is None:
            verb = GIVE_UP if is_compensation else FAIL
            after = None if self._stops() else self._held.lease
            return self._held.move(step_move(verb, step.name, told, after=after, error=error)), None
        verb = RECOMPENSATE if is_compensation else RETRY
        record = self._held.move(step_move(verb, step.name, told, after=wait, error=error))
        # One that was asked to turn back meanwhile has nothing to wait for.
        return record, wait if record.status == begun.status else timedelta(0)

    def _now(self) -> datetime:
        """Return what the store's clock has reached, as far as any reply told it."""
        access = self._runtime.access
        return access.store_time.now(access.clock.monotonic()) or access.clock.now()


def _died(record: StateRecord, following: Next) -> str:
    seconds = record.data.value()["lease_seconds"]
    return f"its worker's lease ended: no heartbeat for {seconds:g} seconds in attempt {following.attempts}"
