"""What a run has left, and every way in which it can be wrong."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tai_state.testing.linearizability import Move, Moved, Operation, Refused, violations
from tests.chaos.steps import OPENING
from tests.chaos.worker import history, journals

Log = Mapping[str, Sequence[tuple[int, str]]]
"""For each key, version and mark of every move that is stored, in order."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The calls of all lives, one operation for each mark; the log; and the workers' notes, counted."""

    operations: list[Operation]
    log: Log
    notes: Counter[str] = field(default_factory=Counter)

    @property
    def acknowledged(self) -> int:
        """How many transitions were acknowledged to the workers."""
        moves = [one for one in self.operations if isinstance(one.call, Move) and one.call.mark != OPENING]
        return sum(1 for one in moves if isinstance(one.reply, Moved))


def gather(folder: Path, opening: Iterable[Operation], log: Log) -> Evidence:
    """Return what the workers have left in *folder*, with the *opening* of the keys and the *log*."""
    clients = sorted({path.name.split(".")[0] for path in journals(folder)})
    calls = [one for client in clients for one in history(folder, client)]
    notes: Counter[str] = Counter()
    for path in folder.glob("*.notes"):
        notes.update(path.read_text(encoding="utf-8").splitlines())
    return Evidence([*opening, *merged(calls)], log, notes)


def merged(calls: Iterable[Operation]) -> Iterator[Operation]:
    """Yield the reads as they are, and one operation for all calls of a mark: from the first one's begin to the reply.

    A move that was asked for again under its key is still the same move.
    """
    moves: dict[str, Operation] = {}
    for call in calls:
        if not isinstance(call.call, Move):
            yield call
            continue
        first = moves.setdefault(call.call.mark, call)
        if first is not call:
            reply, ended = (call.reply, call.ended) if call.reply is not None else (first.reply, first.ended)
            moves[call.call.mark] = replace(first, began=min(first.began, call.began), ended=ended, reply=reply)
    yield from moves.values()


def verdict(evidence: Evidence) -> dict[str, list[str]]:
    """Return everything that is wrong, by what it is."""
    return {
        "lost": list(lost(evidence)),
        "duplicated": list(duplicates(evidence.log)),
        "gaps": list(gaps(evidence.log)),
        "contradicted": list(contradictions(evidence)),
        "not linearizable": list(disorder(evidence)),
    }


def lost(evidence: Evidence) -> Iterator[str]:
    """Yield each acknowledged move that is not stored."""
    stored = _versions(evidence.log)
    for one in evidence.operations:
        if isinstance(one.call, Move) and isinstance(one.reply, Moved) and not stored[(one.key, one.call.mark)]:
            yield f"{one.key}: {one.call.mark} was told version {one.reply.version}, and is not in the log"


def gaps(log: Log) -> Iterator[str]:
    """Yield each key whose versions do not rise from 1 by 1."""
    for key, moves in log.items():
        versions = [version for version, _ in moves]
        if versions != list(range(1, len(versions) + 1)):
            yield f"{key}: its versions have gaps: {versions}"


def duplicates(log: Log) -> Iterator[str]:
    """Yield each move that is stored more than once."""
    for key, moves in log.items():
        for mark, times in Counter(mark for _, mark in moves).items():
            if times > 1:
                yield f"{key}: {mark} was made {times} times"


def contradictions(evidence: Evidence) -> Iterator[str]:
    """Yield each reply that the log contradicts, and each move in the log that nobody asked for."""
    stored = _versions(evidence.log)
    asked: set[tuple[str, str]] = set()
    for one in evidence.operations:
        if not isinstance(one.call, Move):
            continue
        place = (one.key, one.call.mark)
        asked.add(place)
        match one.reply:
            case Moved(version) if stored[place] and version not in stored[place]:
                yield f"{one.key}: {one.call.mark} was told version {version}, and the log has it at {stored[place]}"
            case Refused() if stored[place]:
                yield f"{one.key}: {one.call.mark} was refused, and the log has it at {stored[place]}"
    for key, mark in stored.keys() - asked:
        yield f"{key}: nobody asked for {mark}"


def disorder(evidence: Evidence) -> Iterator[str]:
    """Yield each key whose history no order of its calls explains.

    A move without a reply has taken effect where the log has it, or never: that spares the search from guessing.
    """
    stored = _versions(evidence.log)

    def told(one: Operation) -> Operation | None:
        if one.reply is not None or not isinstance(one.call, Move):
            return one
        versions = stored[(one.key, one.call.mark)]
        return replace(one, reply=Moved(versions[0])) if versions else None

    known = [known for one in evidence.operations if (known := told(one)) is not None]
    yield from (str(violation) for violation in violations(known))


def _versions(log: Log) -> Mapping[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for key, moves in log.items():
        for version, mark in moves:
            found[(key, mark)].append(version)
    return found
