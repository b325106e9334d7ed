# Generated from tai_state/_async/replicas/reading.py by .ci/generate_sync.py; do not edit.
"""States that are read of a local and a remote store: as new as the reader asks, and the copy is brought along."""
import logging
from datetime import timedelta

from tai_state._sync.api.store import StateStore
from tai_state._sync.recovery.importer import store_place
from tai_state._sync.replicas.copies import Copies, Copy
from tai_state._sync.replicas.joining import Joining
from tai_state._sync.replicas.remote import Remote, Seen
from tai_state._sync.replicas.side import Side
from tai_state._sync.replicas.syncing import check_stores
from tai_state.causality import Ordering, VectorClock
from tai_state.clock import Deadline, TimeLimit
from tai_state.codec import Payload
from tai_state.config import check_colour, check_flag, check_kind, check_option
from tai_state.errors import (
    CorruptLogError,
    InvalidDataError,
    StaleReadError,
    StateNotFoundError,
    TaiStateError,
)
from tai_state.layout import StateLayout, state_layout
from tai_state.models import StateSnapshot
from tai_state.models.replicas import ReadLevel, ReplicaRead, Staleness
from tai_state.rules.records.record import StateRecord
from tai_state.rules.replicas.standing import clock_of, says_all, standing

log = logging.getLogger("tai_state")

_NOW = timedelta()


class ReplicaStore:
    """Reads states of a *remote* store, and of the copies of them that a *local* one has, as new as each reader asks.

    ``ReadLevel.strong`` asks the remote store. ``ReadLevel.bounded(max_lag)`` takes the local copy where it is not
    older than that, else what the remote store had at most that long ago. ``ReadLevel.eventual`` takes the local copy,
    and asks the remote store nothing. How old a copy is follows from the last ``sync`` of the two stores, and from what
    was read through this object since; both are reckoned by the clock of the local store alone.

    Where the remote store is asked, and the copy is behind, it is brought what it lacks, by the way that ``sync``
    takes: create-only, and by a commit on the state as it was found. What both have changed is left to ``sync``.

    It writes nothing else, and closes neither store. Who changes a state does so in the store of his choice; a version
    counts in the store that it came from.
    """

    def __init__(
        self,
        local: StateStore,
        remote: StateStore,
        *,
        level: ReadLevel | None = None,
        repair: bool = True,
    ) -> None:
        """Read of *local* and *remote*; nothing is asked before the first read.

        Args:
            level: How new what is read has to be, where a reader does not say; None: as the settings of the local
                store say, or else ``strong``.
            repair: Whether copies that are found behind are brought what they lack.

        Raises:
            ConfigurationError: One of them is no store of this colour, or *level* is none.
        """
        for store in (local, remote):
            check_colour(store, StateStore, self)
        check_option(level, ReadLevel, "level")
        check_flag(repair, "repair")
        self.local = local
        self.remote = remote
        configured = local.runtime.configured
        self.level = level or (ReadLevel.strong if configured is None else configured.replicas.level)
        self.repairs = repair
        self._copies = Copies(local.runtime)
        self._remote = Remote(remote.runtime)
        self._local_id = ""

    def read(
        self, governor_id: str, state_id: str, *, level: ReadLevel | None = None, timeout: TimeLimit = None
    ) -> ReplicaRead:
        """Return a state as new as *level* says, with its age and where it came from.

        Args:
            level: None: as the object was made with.
            timeout: Bounds all of it, a repair included.

        Raises:
            ConfigurationError: *level* is none; or the two stores are one, or write as one node.
            CorruptLogError: The state is damaged where it had to be read, and cannot be rebuilt.
            StoreUnavailableError, DeadlineExceededError: A store that had to be asked did not answer.
        """
        wanted = self.level if level is None else level
        check_kind(wanted, ReadLevel, "level")
        paths = state_layout(governor_id, state_id)
        local, remote = self.local.runtime, self.remote.runtime
        with local.inflight.one("read_replica", paths.governor_id, paths.state_id):
            deadline = local.access.begin(timeout)
            if wanted == ReadLevel.eventual:
                return _of_copy(self._copies.look(paths, self._remote.store_id, deadline), wanted)
            with remote.inflight.one("read_replica", paths.governor_id, paths.state_id):
                return self._held_against(paths, wanted, deadline)

    def _held_against(self, paths: StateLayout, level: ReadLevel, deadline: Deadline) -> ReplicaRead:
        """Read where the remote store may have to be asked."""
        self._place(deadline)
        copy = self._copy(paths, deadline)
        if level.max_lag is None:
            seen = self._remote.now(paths, deadline)
        else:
            if copy is not None and copy.age is not None and copy.age <= level.max_lag:
                return _of_copy(copy, level)
            seen = self._remote.within(paths, level.max_lag, deadline)
        ours = None if copy is None else copy.record
        is_repaired = standing(ours, seen.record) is Ordering.BEFORE and self._repaired(paths, deadline)
        is_known = copy is not None and says_all(ours, seen.record)
        if copy is not None and (is_repaired or is_known):
            # What was found there was so then, or later.
            as_of = copy.moment - seen.lag
            self._copies.confirm(paths, clock_of(seen.record).to_dict(), as_of)
            if is_known and level.max_lag is not None:
                return _of_copy(copy._replace(as_of=as_of), level)
        return _of_seen(seen, level, is_repaired=is_repaired)

    def get_state(
        self, governor_id: str, state_id: str, *, level: ReadLevel | None = None, timeout: TimeLimit = None
    ) -> tuple[StateSnapshot, int]:
        """Return a state and its version, read as ``read`` does.

        Raises:
            StateNotFoundError: It does not exist, or is deleted.
        """
        found = self.read(governor_id, state_id, level=level, timeout=timeout)
        if found.snapshot is None:
            raise StateNotFoundError(governor_id, state_id, deleted=found.version > 0)
        return found.snapshot, found.version

    def find_state(
        self, governor_id: str, state_id: str, *, level: ReadLevel | None = None, timeout: TimeLimit = None
    ) -> StateSnapshot | None:
        """Return a state, read as ``read`` does; None where it does not exist, or is deleted."""
        return (self.read(governor_id, state_id, level=level, timeout=timeout)).snapshot

    def detect_stale_read(
        self,
        governor_id: str,
        state_id: str,
        *,
        snapshot: StateSnapshot | None = None,
        raises: bool = False,
        timeout: TimeLimit = None,
    ) -> Staleness:
        """Tell whether something that was read is behind what the remote store says now; nothing is written.

        Args:
            snapshot: What was read, from whichever store; None: the local copy as it is.
            raises: Whether to raise where it is, rather than to report it.

        Raises:
            StaleReadError: It is behind, and *raises* is set.
            InvalidDataError: *snapshot* is of another state.
        """
        check_flag(raises, "raises")
        paths = state_layout(governor_id, state_id)
        if snapshot is not None:
            check_kind(snapshot, StateSnapshot, "snapshot")
            if (snapshot.governor_id, snapshot.state_id) != (paths.governor_id, paths.state_id):
                message = f"is of state {snapshot.state_id!r} of governor {snapshot.governor_id!r}"
                raise InvalidDataError(message, path="snapshot")
        local, remote = self.local.runtime, self.remote.runtime
        with (
            local.inflight.one("detect_stale_read", paths.governor_id, paths.state_id),
            remote.inflight.one("detect_stale_read", paths.governor_id, paths.state_id),
        ):
            deadline = local.access.begin(timeout)
            self._place(deadline)
            version, clock = 0, VectorClock()
            if snapshot is not None:
                version, clock = snapshot.version, snapshot.causality
            else:
                record = (self._copies.look(paths, self._remote.store_id, deadline)).record
                version, clock = 0 if record is None else record.version, clock_of(record)
            now = (self._remote.now(paths, deadline)).record
            order = clock.compare(clock_of(now))
        current = 0 if now is None else now.version
        is_stale = order in {Ordering.BEFORE, Ordering.CONCURRENT}
        if is_stale and raises:
            raise StaleReadError(
                governor_id=paths.governor_id, state_id=paths.state_id, version=version, current_version=current
            )
        return Staleness(paths.governor_id, paths.state_id, is_stale, order, version, current)

    def _place(self, deadline: Deadline) -> None:
        """Ask once which stores these are, and refuse those that are one."""
        if self._remote.store_id is not None:
            return
        found = self._remote.place(deadline)
        if found is not None:
            ours = (store_place(self.local.runtime.access, deadline))[0]
            check_stores(self.local.runtime, self.remote.runtime, (ours, found))
            self._local_id = ours

    def _copy(self, paths: StateLayout, deadline: Deadline) -> Copy | None:
        """Return the local copy; None where it is damaged, which is in the way of nobody who asks elsewhere."""
        try:
            return self._copies.look(paths, self._remote.store_id, deadline)
        except CorruptLogError as error:
            _warn(paths, "the local copy of %s/%s cannot be read: %s", error)
            return None

    def _repaired(self, paths: StateLayout, deadline: Deadline) -> bool:
        """Bring the local copy what it lacks; False where that did not come about, which is in no reader's way."""
        if not self.repairs or self._remote.store_id is None:
            return False
        try:
            ours = Side(self.local.runtime, self._local_id, paths, deadline)
            theirs = Side(self.remote.runtime, self._remote.store_id, paths, deadline)
            return Joining(ours, theirs, None).catch_up()
        except TaiStateError as error:
            _warn(paths, "the local copy of %s/%s stays behind: %s", error)
            return False


def _warn(paths: StateLayout, message: str, error: TaiStateError) -> None:
    extra = {"event": "stale_copy", "governor_id": paths.governor_id, "state_id": paths.state_id, "cause": error.code}
    log.warning(message, paths.governor_id, paths.state_id, error.code, extra=extra)


def _of_copy(copy: Copy, level: ReadLevel) -> ReplicaRead:
    shown = _shown(copy.record, is_rebuilt=copy.is_rebuilt)
    return ReplicaRead(shown, 0 if copy.record is None else copy.record.version, "local", copy.age, level)


def _of_seen(seen: Seen, level: ReadLevel, *, is_repaired: bool) -> ReplicaRead:
    shown = _shown(seen.record, is_rebuilt=seen.is_rebuilt)
    version = 0 if seen.record is None else seen.record.version
    return ReplicaRead(shown, version, "remote", seen.lag, level, is_repaired)


def _shown(record: StateRecord | None, *, is_rebuilt: bool) -> StateSnapshot | None:
    return None if record is None or record.deleted else record.public(Payload.value, recovered=is_rebuilt)
