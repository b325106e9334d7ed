"""A worker of the demo: ``DEMO_JOB=... python -m tai_state.cli.commands.demo.worker``. It may be killed at any moment.

It knows nothing but its job: where a governor stands, the store tells. On standard output goes a line for
each acknowledged move, and only after its acknowledgement; what a pipe has taken outlives the one who wrote it.
"""

import os
import sys
from time import sleep

from tai_state import StateMachinePersister, StateStore, TaiStateError, TransitionResult, connect
from tai_state.cli.commands.demo.plan import JOB_VARIABLE, MACHINE, STATE, Ack, Job, Step, walk

_PAUSE_SECONDS = 0.004
"""Between two moves, so that there is something to watch."""


class Worker:
    """Drives the governors of a job, a move of each in turn."""

    def __init__(self, store: StateStore, job: Job) -> None:
        """Work on *store*."""
        self._store = store
        self._job = job
        self._persister = StateMachinePersister(store, MACHINE)
        self._acknowledged = 0

    def run(self) -> None:
        """Work until every governor has made its walk."""
        remaining = {governor: self._remaining(governor) for governor in self._job.governors}
        while remaining:
            for governor in list(remaining):
                self._move(governor, remaining[governor].pop(0))
                if not remaining[governor]:
                    del remaining[governor]

    def _remaining(self, governor: str) -> list[Step]:
        """Return the moves to make: from the last one in the store on, whose acknowledgement may have been lost."""
        found = self._store.find_state(governor, STATE)
        return walk(governor, self._job.steps)[max(0, found.version - 1) if found else 0 :]

    def _move(self, governor: str, step: Step) -> None:
        result = self._make(governor, step)
        ack = Ack(governor, step.number, step.key, result.version, result.to_status, result.replayed)
        os.write(sys.stdout.fileno(), ack.to_line())
        self._acknowledged += 1
        if self._acknowledged == self._job.leash:
            # The parent's end is the end of the file, too: no worker outlives it.
            sys.stdin.buffer.read(1)
            sys.exit("the leash was let go")
        sleep(_PAUSE_SECONDS)

    def _make(self, governor: str, step: Step) -> TransitionResult:
        if step.action is None:
            return self._persister.start(governor, STATE, {"steps": 1, "load": 0}, idempotency_key=step.key)
        return self._persister.transition(governor, STATE, step.action, step.payload, idempotency_key=step.key)


def main() -> None:
    """Do the job that the environment describes."""
    job = Job.from_json(os.environ[JOB_VARIABLE])
    try:
        with connect(job.store, actor=job.worker) as store:
            Worker(store, job).run()
    except TaiStateError as error:
        sys.exit(f"{job.worker}: {error.code}: {error}")
    except BrokenPipeError:
        sys.exit(1)  # the parent is gone, and with it whoever would read more


if __name__ == "__main__":
    main()
