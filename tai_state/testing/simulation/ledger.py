"""What the clients asked and were told: the promises that the store must keep."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tai_state._async.locking.lock import AsyncLock
from tai_state.testing.linearizability import Move, Moved, Operation, Read, Refused, Seen
from tai_state.testing.recorder import Recorder
from tai_state.testing.simulation.failure import BrokenError
from tai_state.testing.simulation.process import Process
from tai_state.testing.simulation.world import World


@dataclass(slots=True)
class Promise:
    """What is known of one change, told from every other by its mark.

    Attributes:
        versions: By state, the version that the client was told; empty until then.
        is_refused: The client was told that nothing was written.
        is_absent: Nothing was written when the call was cancelled, and nothing of it was under way any more.
        in_doubt: An attempt ended without an answer.
    """

    calls: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    is_refused: bool = False
    is_absent: bool = False
    in_doubt: bool = False

    @property
    def is_open(self) -> bool:
        """Whether there was no answer yet."""
        return not self.versions and not self.is_refused


@dataclass(frozen=True, slots=True)
class Grant:
    """A lock as it was granted, and the moment of it."""

    process: Process
    lock: AsyncLock
    token: int
    began: float
    moment: float


class Ledger:
    """Keeps the promises by their marks, and the history of each state as the clients saw it."""

    def __init__(self, world: World) -> None:
        """Begin with nothing asked."""
        self.promises: dict[str, Promise] = {}
        self._world = world
        self._recorders: dict[str, Recorder] = {}
        self._grants: list[Grant] = []

    def _recorder(self, mark: str) -> Recorder:
        client = mark.partition(".")[0]
        if client not in self._recorders:
            self._recorders[client] = Recorder(client, clock=self._world.ticks)
        return self._recorders[client]

    def ask(self, mark: str, keys: Iterable[str], expected: int | None = None) -> None:
        """Note that the change *mark* of the states *keys* is asked for; again, when an attempt had no answer."""
        if mark in self.promises:
            return
        recorder = self._recorder(mark)
        self.promises[mark] = Promise({key: recorder.begin(key, Move(mark, expected)) for key in keys})

    def acknowledge(self, mark: str, versions: Mapping[str, int]) -> None:
        """Note that it was told to be made, as these *versions*."""
        promise, recorder = self.promises[mark], self._recorder(mark)
        promise.versions = dict(versions)
        for key, number in promise.calls.items():
            recorder.end(number, Moved(versions[key]))
        self._world.trace.note("acknowledged", mark, *sorted(versions.items()))

    def refuse(self, mark: str, actual: int | None = None) -> None:
        """Note that the client was told that nothing was written, since the state was at *actual*."""
        promise, recorder = self.promises[mark], self._recorder(mark)
        self._world.trace.note("refused", mark, actual)
        if promise.in_doubt:
            return  # this attempt wrote nothing; another may have
        promise.is_refused = True
        for number in promise.calls.values():
            if actual is None:
                recorder.withdraw(number)
            else:
                recorder.end(number, Refused(actual))

    def is_answered(self, mark: str) -> bool:
        """Whether the client was told what became of the change *mark*."""
        return mark in self.promises and not self.promises[mark].is_open

    def doubt(self, mark: str) -> None:
        """Note that an attempt ended without an answer."""
        if mark in self.promises and self.promises[mark].is_open:
            self.promises[mark].in_doubt = True
            self._world.trace.note("in doubt", mark)

    def cancelled(self, mark: str, *, may_arrive: bool) -> None:
        """Note that the call was cancelled: by now its change was made, or it never is, unless it *may_arrive*."""
        promise = self.promises.get(mark)
        if promise is None or not promise.is_open:
            return
        is_made = self._world.memory.marks[mark] > 0
        promise.is_absent = not (is_made or may_arrive or promise.in_doubt)
        promise.in_doubt = True
        self._world.trace.note("cancelled", mark, is_made)

    def begin_read(self, client: str, key: str) -> int:
        """Note that *client* begins to read a state."""
        return self._recorder(client).begin(key, Read())

    def end_read(self, client: str, number: int, version: int, mark: str | None) -> None:
        """Note what it saw."""
        self._recorder(client).end(number, Seen(version, mark))
        self._world.trace.note("read", client, version, mark)

    def granted(self, process: Process, locks: Iterable[AsyncLock], began: float) -> None:
        """Note that *process*, which asked at *began*, was granted *locks*.

        Raises:
            BrokenError: Another process still trusts one of them; or its token is not above those granted before.
        """
        for lock in locks:
            self._world.trace.note("granted", process.name, lock.resource, lock.fencing_token)
            for other in self._grants:
                if other.lock.resource != lock.resource:
                    continue
                # A store whose clock jumped has ended leases, and their holders cannot know; it refuses their writes.
                was_ended = min(other.began, began) < self._world.jumped_at
                if not (was_ended or other.process.is_dead) and other.lock.held:
                    told = f"{process.name} and {other.process.name} both hold {lock.resource!r}"
                    raise BrokenError("mutual exclusion", told)
                is_older = other.moment < began
                if other.token == lock.fencing_token or (is_older and other.token > lock.fencing_token):
                    raise BrokenError("tokens rise", f"token {lock.fencing_token} came behind token {other.token}")
            self._grants.append(Grant(process, lock, lock.fencing_token, began, self._world.ticks.monotonic()))

    def operations(self) -> list[Operation]:
        """Return the history of all."""
        return [operation for recorder in self._recorders.values() for operation in recorder.operations()]
