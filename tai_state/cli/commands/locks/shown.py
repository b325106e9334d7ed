"""What is shown of a lock: its holder, and who waits for it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tai_state import DamagedDocumentsError, LockInfo, LockManager, LockWait, TaiStateError
from tai_state.cli.program.output import record_of


class Shown(NamedTuple):
    """A lock, and who waits for it."""

    lock: LockInfo
    waiters: Sequence[LockWait]

    @property
    def held(self) -> str:
        """How it stands, in a word."""
        if self.lock.held:
            return "held"
        return "free" if self.lock.holder is None else "expired"

    @property
    def process(self) -> str:
        """In which process its holder lives."""
        return _process(self.lock.holder_host, self.lock.holder_pid)

    @property
    def waited_for_by(self) -> str:
        """Who waits for it, each with his process, where his name does not say it."""
        return ", ".join(map(_named, self.waiters))

    def record(self) -> dict[str, object]:
        """Return it as a JSON object."""
        return {**record_of(self.lock), "waiters": [record_of(wait) for wait in self.waiters]}


def _process(host: str | None, pid: int | None) -> str:
    return "" if host is None else f"{host}:{pid}"


def _named(wait: LockWait) -> str:
    process = _process(wait.host, wait.pid)
    # A task or thread that nobody named is called after its host and process.
    named = wait.owner if not process or wait.owner.startswith(f"{wait.host}-") else f"{wait.owner} ({process})"
    return f"{named}, next" if wait.is_next else named


class Waiters(NamedTuple):
    """Who waits, by lock; and what is wrong with waits that could not be read."""

    by_resource: Mapping[str, list[LockWait]]
    error: TaiStateError | None = None


def waiters_of(locks: LockManager) -> Waiters:
    """Return all who wait; as many as there are at this moment, no more."""
    found: dict[str, list[LockWait]] = defaultdict(list)
    try:
        for wait in locks.waits():
            found[wait.resource].append(wait)
    except DamagedDocumentsError as error:
        # It must not hide the locks; it is told behind them.
        return Waiters(found, error)
    return Waiters(found)
