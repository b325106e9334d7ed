# Generated from tai_state/_async/feeds/book.py by .ci/generate_sync.py; do not edit.
"""The documents of one subscription: read, and written once, each by compare-and-swap."""
from collections.abc import Iterable, Sequence
from datetime import datetime

from tai_state._sync.commits.guard import Guarding, guarded
from tai_state._sync.commits.protocol import Settlement, Settled, commit_once
from tai_state._sync.runtime import Runtime
from tai_state._platform.interrupts import shield
from tai_state.clock import Deadline, Span
from tai_state.documents import CommitResult, Document, DocumentPath, MustNotExist, Put, Read, Write
from tai_state.errors import OutcomeUnknownError, PreconditionFailedError
from tai_state.rules.commits.settle import Outcome
from tai_state.rules.feeds.positions import (
    COMMIT,
    Letter,
    ShardPosition,
    StatePosition,
    Subscribed,
    SubscriptionLayout,
    read_letter,
    read_position,
    read_shard,
    read_subscribed,
)

_READ = 100


class Book:
    """What a subscription keeps of itself."""

    def __init__(self, runtime: Runtime, layout: SubscriptionLayout) -> None:
        """Keep it in the store of *runtime*."""
        self.layout = layout
        self.runtime = runtime
        self._access = runtime.access

    def read(self, paths: Sequence[DocumentPath], timeout: Span = None) -> Read:
        """Read documents of it; each is by itself, so that they need not be of one moment."""
        with self.runtime.inflight.one("subscription"):
            return self._access.read(paths, self._access.begin(timeout), consistent=False)

    def subscribed(self, timeout: Span = None) -> Subscribed | None:
        """Return the subscription itself; None where it never began."""
        document = (self.read([self.layout.own], timeout)).get(self.layout.own)
        return None if document is None else read_subscribed(document)

    def begun(self, wanted: Subscribed, timeout: Span = None) -> Subscribed:
        """Return the subscription as it stands: *wanted*, unless another worker was there first."""
        try:
            moment = self.write([wanted.put(self.layout.own, self._access.new_id())], timeout=timeout)
        except PreconditionFailedError:
            found = self.subscribed(timeout)
            # Nothing takes it away; where somebody did, it begins anew with the next look.
            return wanted if found is None else found
        return wanted.written(moment)

    def shard(self, number: int, timeout: Span = None) -> tuple[Subscribed | None, ShardPosition | None, Read]:
        """Return the subscription and the position of a shard, None for what is not there; and the read."""
        path = self.layout.shard(number)
        read = self.read([self.layout.own, path], timeout)
        own, shard = read.get(self.layout.own), read.get(path)
        return (
            None if own is None else read_subscribed(own),
            None if shard is None else read_shard(shard),
            read,
        )

    def positions(self, keys: Iterable[str], epoch: int, timeout: Span = None) -> dict[str, StatePosition]:
        """Return the positions of states in an epoch, by their keys; those that have none are left out."""
        wanted, found = list(dict.fromkeys(keys)), dict[str, StatePosition]()
        for first in range(0, len(wanted), _READ):
            paths = [self.layout.position(key) for key in wanted[first : first + _READ]]
            read = self.read(paths, timeout)
            positions = [read_position(document) for document in read.documents.values()]
            found |= {position.key: position for position in positions if position.epoch == epoch}
        return found

    def letter(self, key: str, version: int, timeout: Span = None) -> Letter | None:
        """Return a dead letter, of whatever epoch; None where there is none."""
        path = self.layout.letter(key, version)
        document = (self.read([path], timeout)).get(path)
        return None if document is None else read_letter(document)

    def write(
        self, writes: Sequence[Write], *, guarding: Guarding | None = None, timeout: Span = None
    ) -> datetime:
        """Commit *writes* once, and return when; the first is a Put of ours, by which it is known what became of them.

        Raises:
            PreconditionFailedError: Another worker changed one of them; nothing was written.
            LockLostError, FencedOutError: What guards it does not hold any more.
            OutcomeUnknownError: The time was over before the store told.
        """
        with self.runtime.inflight.one("subscription"):
            with guarded(guarding, self._access.begin(timeout)) as guard:
                deadline = self._access.begin(timeout) if guard is None else guard.deadline
                carried = () if guard is None else guard.carries.writes()
                commit = shield(self._commit, [*writes, *carried], deadline)
                if guard is not None:
                    guard.committed(guard.carries, commit.update_times)
        return commit.update_times.get(writes[0].path, commit.commit_time)

    def _commit(self, writes: Sequence[Write], deadline: Deadline) -> CommitResult:
        first = writes[0]
        assert isinstance(first, Put)
        commit = first.fields[COMMIT]

        def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            found = (self._access.read([first.path], deadline)).get(first.path)
            if found is not None and found.fields.get(COMMIT) == commit:
                return Settled(Outcome.APPLIED, CommitResult(found.update_time, {}))
            return Settled(Outcome.REFUSED if refused or _is_past(first, found) else Outcome.PENDING)

        def unknown() -> OutcomeUnknownError:
            return OutcomeUnknownError(commit)

        return commit_once(self._access, writes, deadline, Settlement(read, unknown))


def _is_past(put: Put, found: Document | None) -> bool:
    """Whether another commit changed what *put* was to change, so that it cannot be applied any more."""
    if found is None:
        return False
    return isinstance(put.precondition, MustNotExist) or found.update_time != getattr(
        put.precondition, "update_time", found.update_time
    )
