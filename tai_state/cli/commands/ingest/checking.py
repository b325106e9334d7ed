"""The first pass: the whole log is read and checked before anything is written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from tai_state.cli.commands.ingest.lines import BadLineError, parse_line
from tai_state.cli.commands.ingest.moves import AllowedMoves
from tai_state.cli.commands.ingest.sequence import Sequence
from tai_state.cli.commands.ingest.source import Source
from tai_state.errors import TaiStateError

PROBLEMS_MAX = 20
_REPORT_LINES = 512


@dataclass(frozen=True, slots=True)
class Totals:
    """What a sound log holds."""

    lines: int
    machines: int


@dataclass(frozen=True, slots=True)
class LineProblem:
    """A line, and why it is refused."""

    line: int
    reason: str


class InvalidLogError(TaiStateError):
    """Lines of the log cannot be applied; nothing was written."""

    code = "invalid_log"

    def __init__(self, name: str, problems: list[LineProblem], count: int) -> None:
        """Name the first problems, and say how many there are."""
        told = "".join(f"\n  line {problem.line:,}: {problem.reason}" for problem in problems)
        more = f"\n  and {count - len(problems):,} more" if count > len(problems) else ""
        noun = "line" if count == 1 else "lines"
        super().__init__(f"{name}: {count:,} {noun} cannot be applied; nothing was written{told}{more}")
        self.problems = problems
        self.count = count

    @property
    def details(self) -> dict[str, Any]:
        """The problems, for programs."""
        listed = [{"line": problem.line, "reason": problem.reason} for problem in self.problems]
        return {"problems": listed, "count": self.count}


@dataclass(frozen=True, slots=True)
class Reading:
    """How the times of a log are read.

    Args:
        zone: Whose times those without an offset are; None: they are refused.
        is_ordered: Whether a machine's times must not run back; they are its changes' own times then.
    """

    zone: tzinfo | None = None
    is_ordered: bool = True


STRICT = Reading()


def check_log(
    source: Source, moves: AllowedMoves | None, on_progress: Callable[[int], None], reading: Reading = STRICT
) -> Totals:
    """Read *source* to its end and return what it holds; *on_progress* gets the lines read so far.

    Raises:
        InvalidLogError: There are bad lines; the first ones are named with their reasons.
        DamagedInputError: It cannot be read to its end.
    """
    sequence = Sequence(moves, is_ordered=reading.is_ordered)
    problems: list[LineProblem] = []
    bad = lines = 0
    for number, raw in source.lines():
        lines += 1
        try:
            sequence.take(parse_line(number, raw, reading.zone))
        except BadLineError as error:
            bad += 1
            if error.key is not None:
                sequence.pass_over(error.key)
            if bad <= PROBLEMS_MAX:
                problems.append(LineProblem(number, str(error)))
        if lines % _REPORT_LINES == 0:
            on_progress(lines)
    if bad:
        raise InvalidLogError(source.name, problems, bad)
    return Totals(lines, sequence.machines)
