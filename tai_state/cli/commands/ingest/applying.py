"""The second pass: lines become versions, machines side by side, the lines of a machine in order."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from tai_state import (
    AsyncStateMachinePersister,
    AsyncStateStore,
    ChangeMetadata,
    ConflictError,
    CorruptLogError,
    Event,
    InvalidDataError,
    VersionConflictError,
)
from tai_state.cli.commands.ingest.checking import STRICT, Reading
from tai_state.cli.commands.ingest.lines import Line, parse_line
from tai_state.cli.commands.ingest.source import Source
from tai_state.values import to_json

WINDOW_LINES = 512
"""The lines that are in memory and under way at a time."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Numbered:
    """A line and the version that it makes."""

    line: Line
    version: int


@dataclass(slots=True)
class Counts:
    """How far it came: lines that are in the store for certain."""

    applied: int = 0
    already_there: int = 0

    @property
    def done(self) -> int:
        """Lines that need nothing more."""
        return self.applied + self.already_there


class LineConflictError(ConflictError):
    """The store holds another change at the version that a line makes."""

    code = "line_conflict"
    retryable = False

    def __init__(self, item: Numbered, reason: str, what: str = "is another change in the store") -> None:
        """Name line, state and version, and what differs."""
        line = item.line
        super().__init__(
            f"line {line.number:,}: version {item.version:,} of machine {line.machine!r} of governor "
            f"{line.governor!r} {what}: {reason}"
        )
        self.line = line.number
        self.governor_id = line.governor
        self.state_id = line.machine
        self.version = item.version

    @property
    def details(self) -> dict[str, object]:
        """Where it is, for programs."""
        return {
            "line": self.line,
            "governor_id": self.governor_id,
            "state_id": self.state_id,
            "version": self.version,
        }


def difference(line: Line, event: Event) -> str | None:
    """Return what the stored *event* has that *line* does not say; None when it is that line, applied."""
    pairs = {
        "status": (event.to_status, line.to_status),
        "action": (event.action, line.action),
        "actor": (event.metadata.changed_by, line.actor),
        # One that was taken as it is, whatever the order, has its time beside the event's own.
        "time": ((event.occurred_at or event.timestamp).isoformat(), line.at.isoformat()),
    }
    for name, (stored, said) in pairs.items():
        if stored != said:
            return f"its {name} is {stored!r}, the line says {said!r}"
    if event.deleted:
        return "it is a deletion"
    # Compared as canonical JSON: to Python 1, 1.0 and True are equal.
    return None if to_json(event.to_state) == to_json(line.data) else "its data is other data"


def numbered(source: Source, reading: Reading = STRICT) -> Iterator[Numbered]:
    """Yield the lines of a log that was checked, with the versions that they make."""
    versions: dict[str, dict[str, int]] = {}
    for number, raw in source.lines():
        line = parse_line(number, raw, reading.zone)
        machines = versions.setdefault(line.governor, {})
        machines[line.machine] = version = machines.get(line.machine, 0) + 1
        yield Numbered(line, version)


class Applier:
    """Brings lines into a store."""

    def __init__(self, store: AsyncStateStore, *, in_flight: int, counts: Counts, is_ordered: bool = True) -> None:
        """Write to *store*, at most *in_flight* machines at a time, and count what was done.

        Args:
            is_ordered: Whether a line's time is its event's own; else it is kept beside it, and changes nothing.
        """
        self._is_ordered = is_ordered
        self._store = store
        self._persister = AsyncStateMachinePersister(store)
        self._in_flight = in_flight
        self._counts = counts
        # The versions that the store is known to hold, of the states that are ahead of the lines so far. Any
        # other state whose first line was seen stands where its last line brought it.
        self._ahead: dict[Key, int] = {}

    async def apply(self, items: Iterable[Numbered], on_progress: Callable[[], None]) -> None:
        """Apply *items*, a window of lines at a time.

        Raises:
            LineConflictError: The store holds another change where a line belongs; what came before stays.
            TaiStateError: The store failed. Applying the same lines again goes on from there.
        """
        remaining = iter(items)
        while window := list(islice(remaining, WINDOW_LINES)):
            chains: dict[Key, list[Numbered]] = {}
            for item in window:
                chains.setdefault(item.line.key, []).append(item)
            await self._learn_versions([key for key, chain in chains.items() if chain[0].version == 1])
            await self._side_by_side([partial(self._advance, chain) for chain in chains.values()])
            on_progress()

    async def _learn_versions(self, keys: list[Key]) -> None:
        governors: dict[str, list[str]] = {}
        for governor, machine in keys:
            governors.setdefault(governor, []).append(machine)

        async def learn(governor: str, machines: list[str]) -> None:
            # Deleted states, too: their versions go on.
            found = (await self._store.batch_get_states(governor, machines, include_deleted=True)).found
            for machine in machines:
                self._ahead[governor, machine] = found[machine].version if machine in found else 0

        await self._side_by_side([partial(learn, governor, machines) for governor, machines in governors.items()])

    async def _side_by_side(self, calls: list[Callable[[], Awaitable[None]]]) -> None:
        """Make the calls, so many at a time; of those that fail, the first one of the list is raised."""
        room = asyncio.Semaphore(self._in_flight)
        failures: dict[int, Exception] = {}

        async def make(index: int, call: Callable[[], Awaitable[None]]) -> None:
            async with room:
                # After a failure nothing new begins; what is under way ends.
                if not failures:
                    try:
                        await call()
                    except Exception as error:  # noqa: BLE001 - raised below
                        failures[index] = error

        await asyncio.gather(*(make(index, call) for index, call in enumerate(calls)))
        if failures:
            raise failures[min(failures)]

    async def _advance(self, chain: list[Numbered]) -> None:
        """Bring a machine's next lines into the store: those it has are compared, the others are written."""
        key = chain[0].line.key
        while chain:
            stored = self._ahead.get(key, chain[0].version - 1)
            known = [item for item in chain if item.version <= stored]
            if known:
                await self._compare(known)
            if len(known) == len(chain):
                return
            chain = await self._write(chain[len(known) :])
            if not chain:
                self._ahead.pop(key, None)
            elif self._ahead[key] < chain[0].version:
                raise LineConflictError(chain[0], f"the state is at version {self._ahead[key]:,}")

    async def _write(self, chain: list[Numbered]) -> list[Numbered]:
        """Write *chain* in order and return what is left of it when another writer comes between."""
        for index, item in enumerate(chain):
            line = item.line
            try:
                result = await self._persister.log_transition(
                    *line.key,
                    line.action,
                    to_status=line.to_status,
                    data=line.data,
                    expected_version=item.version - 1,
                    timestamp=line.at if self._is_ordered else None,
                    occurred_at=None if self._is_ordered else line.at,
                    metadata=ChangeMetadata(changed_by=line.actor),
                )
            except VersionConflictError:
                # Another ingester of the same log, most likely: what it wrote is compared.
                await self._learn_versions([line.key])
                return chain[index:]
            except InvalidDataError as error:
                # The line was sound by itself, so it is what stands before it in the store, or the store's clock.
                hint = "; --allow-unordered takes any time" if error.path == "timestamp" else ""
                raise LineConflictError(item, f"{error}{hint}", "cannot be written") from error
            assert result.version == item.version, "log_transition keeps to expected_version"
            self._counts.applied += 1
        return []

    async def _compare(self, chain: list[Numbered]) -> None:
        """Make sure that the store's events are the lines of *chain*, whose versions follow each other."""
        events = self._store.get_events(*chain[0].line.key, after=chain[0].version - 1, until=chain[-1].version)
        expected = iter(chain)
        conflict: LineConflictError | None = None
        try:
            # Read to its end, which is near: a store waits for a reader that was left half way.
            async for event in events:
                item = next(expected, None)
                if item is None or conflict is not None:
                    continue
                found = difference(item.line, event) if event.version == item.version else "the store lacks its event"
                if found is not None:
                    conflict = LineConflictError(item, found)
                    continue
                self._counts.already_there += 1
        except CorruptLogError as error:
            # Whatever is wrong behind those that were found.
            conflict = conflict or LineConflictError(next(expected, chain[-1]), str(error))
        absent = next(expected, None)
        if conflict is None and absent is not None:
            conflict = LineConflictError(absent, "the store lacks its event")
        if conflict is not None:
            raise conflict
