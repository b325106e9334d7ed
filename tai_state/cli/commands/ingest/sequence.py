"""The lines of a log in their order: each line follows from the one before it of the same machine."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tai_state.cli.commands.ingest.lines import BadLineError, Line
from tai_state.cli.commands.ingest.moves import AllowedMoves
from tai_state.values import stored_bytes_max

_DOCUMENT_BYTES_MAX = 1_048_576
_SPARE_BYTES = 16_384
"""For the names and numbers of an event."""
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Last:
    """What is kept of a machine's last line; there is one for each machine of the log."""

    status: str
    at: datetime
    size: int
    is_sound: bool = True


class Sequence:
    """Follows the machines of a log, in memory that grows with the machines and not with the lines."""

    def __init__(self, moves: AllowedMoves | None = None, *, is_ordered: bool = True) -> None:
        """Begin before the first line; *moves* is what the lines may do, None: anything.

        Args:
            is_ordered: Whether the times of a machine must not run back.
        """
        self._moves = moves
        self._is_ordered = is_ordered
        self._last: dict[tuple[str, str], _Last] = {}

    @property
    def machines(self) -> int:
        """How many machines were seen."""
        return len(self._last)

    def pass_over(self, key: tuple[str, str]) -> None:
        """Know of a line of *key* that could not be read: the next one may go on from anywhere."""
        self._last[key] = _Last("", _EARLIEST, 0, is_sound=False)

    def take(self, line: Line) -> None:
        """Take the next line.

        What follows one that is refused goes on from it all the same, and is not refused for its sake.

        Raises:
            BadLineError: It does not follow from the machine's line before.
        """
        last = self._last.get(line.key)
        size = stored_bytes_max(line.data)
        self._last[line.key] = _Last(line.to_status, line.at, size)
        _check_follows(line, last)
        if self._is_ordered and last is not None and line.at < last.at:
            raise BadLineError(
                f"at {line.at.isoformat()} is before the machine's line before, {last.at.isoformat()}; "
                "--allow-unordered takes it as it is"
            )
        # An event carries the state before and after.
        total = size + (last.size if last else 0) + len(line.actor.encode()) + _SPARE_BYTES
        if total > _DOCUMENT_BYTES_MAX:
            raise BadLineError(
                f"its change would take {total:,} bytes compressed, a document holds {_DOCUMENT_BYTES_MAX:,}"
            )
        if self._moves is not None:
            self._moves.check(line)


def _check_follows(line: Line, last: _Last | None) -> None:
    if last is not None and not last.is_sound:
        return
    if last is None:
        if line.from_status is not None:
            raise BadLineError(f"it is the first line of its machine, so from must be null, not {line.from_status!r}")
        return
    if line.from_status != last.status:
        said = "null" if line.from_status is None else repr(line.from_status)
        raise BadLineError(f"from is {said}, and the machine's line before led to {last.status!r}")
