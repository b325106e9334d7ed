"""Operations that take longer than a request: they belong to this process, and may be begun anew whenever they end."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tai_state import Clock, TaiStateError
from tai_state.adapters.problems import FAILED, log_failure, problem_of
from tai_state.adapters.serving import Serving
from tai_state.server.http import refusals
from tai_state.server.http.failures import log_unexpected

REPORTS_MAX = 200
"""How many reports with findings are kept of one operation; the others are counted."""


class StoppedError(Exception):
    """The process is ending, or somebody does not want to know any more."""


@dataclass
class Operation:
    """A check or a repair that runs, or has run.

    Attributes:
        states: How many states were looked at so far.
        governor: Whose states are looked at now.
        documents_read: What it read, where that was counted; once it has ended.
        reports: Those with findings; ``sound``: how many there were without.
    """

    id: str
    kind: str
    governor_id: str | None
    by: str
    started_at: datetime
    status: str = "running"
    ended_at: datetime | None = None
    states: int = 0
    governor: str | None = None
    reports: list[Any] = field(default_factory=list)
    sound: int = 0
    omitted: int = 0
    error: dict[str, Any] | None = None
    is_unwanted: bool = False
    documents_read: int = 0

    def take(self, report: Any, *, is_sound: bool) -> None:
        """Keep a report."""
        if is_sound:
            self.sound += 1
        elif len(self.reports) < REPORTS_MAX:
            self.reports.append(report)
        else:
            self.omitted += 1

    def shown(self) -> dict[str, Any]:
        """Return what is told of it."""
        names = ("id", "kind", "governor_id", "by", "status", "started_at", "ended_at", "states", "governor")
        return {name: getattr(self, name) for name in (*names, "reports", "sound", "omitted", "error")}


class Background:
    """The operations of this process."""

    def __init__(self, serving: Serving, clock: Clock, *, most: int, running: int) -> None:
        """Keep *most* of them, those that ended longest ago the shortest; let *running* of them run at once."""
        self._serving = serving
        self._clock = clock
        self._most = most
        self._running_most = running
        self.operations: OrderedDict[str, Operation] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(
        self, kind: str, governor_id: str | None, by: str, work: Callable[[Operation], Awaitable[None]]
    ) -> Operation:
        """Begin *work* in the background.

        Raises:
            Refusal: As many run as may.
        """
        for old in [one for one in self.operations.values() if one.ended_at is not None]:
            if len(self.operations) >= self._most:
                del self.operations[old.id]
        # Each of them may read a whole store.
        if len(self.operations) >= self._most or len(self._tasks) >= self._running_most:
            raise refusals.overloaded("operations")
        operation = Operation(secrets.token_hex(8), kind, governor_id, by, self._clock.now())
        self.operations[operation.id] = operation
        task = asyncio.get_running_loop().create_task(self._run(operation, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return operation

    def progress(self, operation: Operation) -> Callable[[str, str], None]:
        """Return what is called before each state."""

        def told(governor_id: str, _: str) -> None:
            if operation.is_unwanted or self._serving.draining:
                raise StoppedError
            operation.states, operation.governor = operation.states + 1, governor_id

        return told

    async def _run(self, operation: Operation, work: Callable[[Operation], Awaitable[None]]) -> None:
        try:
            await work(operation)
            operation.status = "done"
        except StoppedError:
            operation.status = "stopped"
        except TaiStateError as error:
            problem = problem_of(error)
            log_failure(problem, error)
            operation.status, operation.error = "failed", problem.to_dict()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            log_unexpected(error)
            operation.status, operation.error = "failed", FAILED.to_dict()
        except asyncio.CancelledError:
            operation.status = "stopped"
            raise
        finally:
            operation.ended_at = self._clock.now()
