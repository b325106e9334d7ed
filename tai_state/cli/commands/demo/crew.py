"""The demo's crew: workers are started, killed with SIGKILL at work, and replaced."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path

import tai_state
from tai_state import Clock, TaiStateError
from tai_state.cli.commands.demo.plan import JOB_VARIABLE, Ack, Job

LEASH_MOVES = 28
_KILL_AFTER_MOVES = (6, 20)
_KILL_DELAY_SECONDS_MAX = 0.03
_STDERR_BYTES_MAX = 2_000


class DemoError(TaiStateError):
    """A worker did something else than it was told; the message holds what it said."""

    code = "demo"


@dataclass(slots=True)
class Shift:
    """The life of one worker process."""

    job: Job
    pid: int
    acks: list[Ack] = field(default_factory=list)
    killed_at: datetime | None = None


class Crew:
    """Drives every governor to the end of its walk, through the deaths of workers."""

    def __init__(self, job: Job, *, clock: Clock, seed: int, say: Callable[[str], None]) -> None:
        """Work as *job* says but for names and governors; *say* is told of each birth and death."""
        self._job = job
        self._clock = clock
        self._rng = random.Random(seed)  # noqa: S311 - no secret
        self._say = say
        self._numbers = count(1)
        self.shifts: list[Shift] = []

    async def run(self, lanes: list[tuple[tuple[str, ...], int]], *, timeout: float) -> None:
        """Let one worker at a time drive the governors of each lane, and kill as many as the lane says.

        Raises:
            DemoError: A worker failed, or *timeout* seconds were not enough.
        """

        async def drive(governors: tuple[str, ...], kills: int) -> None:
            for left in range(kills, -1, -1):
                await self._shift(governors, doomed=left > 0)

        try:
            async with asyncio.timeout(timeout), asyncio.TaskGroup() as crew:
                for lane in lanes:
                    crew.create_task(drive(*lane))
        except TimeoutError as error:
            message = f"the workers were not done after {timeout:g} seconds"
            raise DemoError(message) from error
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _shift(self, governors: tuple[str, ...], *, doomed: bool) -> None:
        leash = LEASH_MOVES if doomed else None
        job = replace(self._job, worker=f"worker-{next(self._numbers)}", governors=governors, leash=leash)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tai_state.cli.commands.demo.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Not as an argument: a store's URL may hold a password, and who lists processes sees arguments.
            env=_environment() | {JOB_VARIABLE: job.to_json()},
            start_new_session=True,  # Ctrl-C is for us alone: we end them
        )
        shift = Shift(job, process.pid)
        self.shifts.append(shift)
        self._say(f"{job.worker} (process {process.pid}) drives {', '.join(governors)}")
        try:
            _, said = await asyncio.gather(self._watch(process, shift), _tail(process))
            code = await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if code != (-signal.SIGKILL if doomed else 0):
            message = f"{job.worker} ended with {code}: {said.strip() or 'it said nothing'}"
            raise DemoError(message)

    async def _watch(self, process: asyncio.subprocess.Process, shift: Shift) -> None:
        """Read the acknowledgements to the end; kill the doomed in the midst of its work."""
        assert process.stdout is not None
        kill_after = self._rng.randint(*_KILL_AFTER_MOVES)
        # A line that the kill cut short has no end, and is no acknowledgement.
        while (line := await process.stdout.readline()).endswith(b"\n"):
            shift.acks.append(Ack.from_line(line))
            if shift.job.leash is not None and len(shift.acks) == kill_after:
                await asyncio.sleep(self._rng.uniform(0, _KILL_DELAY_SECONDS_MAX))
                process.kill()
                shift.killed_at = self._clock.now()
        if shift.killed_at is not None:
            self._say(f"{shift.job.worker} was killed (SIGKILL) after {len(shift.acks)} acknowledged moves")


async def _tail(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    said = b""
    while piece := await process.stderr.read(_STDERR_BYTES_MAX):
        said = (said + piece)[-_STDERR_BYTES_MAX:]
    return said.decode(errors="replace")


def _environment() -> dict[str, str]:
    """Return our environment, in which the workers find the package that we are."""
    found = str(Path(tai_state.__file__).parents[1])
    given = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": f"{found}{os.pathsep}{given}" if given else found}
