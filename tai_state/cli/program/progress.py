"""Progress of long work, on stderr: a bar at a terminal, else a line now and then."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tai_state import Clock
from tai_state.cli.program.output import note
from tai_state.cli.program.texts import rich_console
from tai_state.cli.program.waiting import answered

_NOTE_SECONDS = 10.0

Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how much of it is done, and how much there is; None: nobody knows."""


class StatesSeen:
    """Counts states as they are looked at: what ``verify``, ``recover``, ``migrate`` and the like call before each."""

    def __init__(self, progress: Progress, doing: str) -> None:
        """Tell *progress* that this is being done."""
        self._progress = progress
        self._doing = doing
        self.count = 0

    def __call__(self, governor_id: str, state_id: str) -> None:
        """Count one more."""
        del governor_id, state_id
        self.count += 1
        self._progress(self._doing, self.count, None)


@contextmanager
def progressing(clock: Clock, unit: str) -> Iterator[Progress]:
    """Show progress; *unit* is what is counted. Whoever is told of it waits for nothing any more."""
    with _shown(clock, unit) as show:

        def progress(doing: str, done: int, total: int | None) -> None:
            answered()
            show(doing, done, total)

        yield progress


@contextmanager
def _shown(clock: Clock, unit: str) -> Iterator[Progress]:
    if not sys.stderr.isatty():
        yield _noting(clock, unit)
        return
    # Imported here: only a terminal needs it.
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=rich_console(sys.stderr), transient=True) as bar:
        task = bar.add_task("checking", total=None)
        yield lambda doing, done, total: bar.update(task, description=doing, completed=done, total=total)


def _noting(clock: Clock, unit: str) -> Progress:
    noted = clock.monotonic()

    def progress(doing: str, done: int, total: int | None) -> None:
        nonlocal noted
        if clock.monotonic() - noted >= _NOTE_SECONDS:
            noted = clock.monotonic()
            note(f"{doing}: {done:,}{'' if total is None else f' of {total:,}'} {unit}")

    return progress
