# Generated from tai_state/_async/api/persister_upkeep.py by .ci/generate_sync.py; do not edit.
"""What keeps a store small: what is not needed any more is removed, and what somebody wants gone is trimmed."""
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tai_state._sync.api.persister_reads import PersisterReads
from tai_state.config import HistoryPolicy
from tai_state.errors import InvalidDataError
from tai_state.layout import check_governor_id, state_layout
from tai_state.models import DataT
from tai_state.rules.records.arguments import check_time, check_version

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tai_state._sync.recovery.gc import Gc
    from tai_state.clock import TimeLimit
    from tai_state.models import GcReport


class PersisterUpkeep(PersisterReads[DataT]):
    """The part of a persister that removes."""

    def gc(
        self,
        governor_id: str | None = None,
        *,
        history: HistoryPolicy | None = None,
        dry_run: bool = False,
        progress: Callable[[str, str], None] | None = None,
        timeout: TimeLimit = None,
    ) -> GcReport:
        """Remove what is not needed any more in a governor, or in all of them, and tell what is gone.

        Receipts, records of transactions and waits that have expired, snapshots beyond this persister's
        ``snapshot_retention``, and of the histories what its ``history`` does not keep. The newest event of a state
        stays, what a rebuild needs, and every event that a live receipt names. A state that cannot be read, or whose
        segments say something else than its events, is left alone and told.

        It can be stopped anywhere and called again, and is safe beside live writers and another one of itself.

        Args:
            governor_id: None: all governors, and what is of none, the records of transactions and waits.
            history: In the place of the configuration's.
            dry_run: Write nothing, and tell what would be removed.
            progress: Called before each state with its governor's id, and its own as stored.
            timeout: Bounds each page that is read, and each commit.

        Raises:
            CorruptLogError: The store's own document is damaged.
            SchemaVersionError: A newer release keeps the store.
        """
        policy = history or self.config.history or HistoryPolicy()
        gc = self._gc(policy, progress, timeout, dry_run=dry_run)
        with self._inflight.one("gc", governor_id):
            self._check_store(timeout)
            if governor_id is None:
                return gc.all()
            return gc.governor(check_governor_id(governor_id))

    def trim(
        self,
        governor_id: str,
        state_id: str,
        *,
        before_version: int | None = None,
        before_time: datetime | None = None,
        dry_run: bool = False,
        timeout: TimeLimit = None,
    ) -> GcReport:
        """Take the history of a state before a version, or a time, away for good; the state itself stays.

        What it was at a version that is gone nobody can tell any more: ``HistoryTrimmedError``. The chain of hashes
        goes on from the last event that went. The newest event stays, and every one that a live receipt names, with
        those behind it. Where no snapshot is left, one of the state as it is is made.

        It can be stopped anywhere and called again.

        Raises:
            InvalidDataError: Neither of the two is given, or both.
            StateNotFoundError: The state never was, or has lost its document: run ``recover``.
            CorruptLogError: An event or a segment where it would be cut is damaged, or the store's own document.
            SchemaVersionError: A newer release keeps the store.
        """
        if (before_version is None) is (before_time is None):
            message = "needs one of before_version and before_time"
            raise InvalidDataError(message, path="trim")
        paths = state_layout(governor_id, state_id)
        through = None if before_version is None else check_version(before_version, "before_version") - 1
        before = None if before_time is None else check_time(before_time, "before_time")
        with self._inflight.one("trim", governor_id, state_id):
            self._check_store(timeout)
            return self._gc(HistoryPolicy(), None, timeout, dry_run=dry_run).trim(
                paths, through=through, before=before
            )

    def _gc(
        self,
        policy: HistoryPolicy,
        progress: Callable[[str, str], None] | None,
        timeout: TimeLimit,
        *,
        dry_run: bool,
    ) -> Gc:
        # Imported here: who only moves states removes nothing.
        from tai_state._sync.recovery.gc import Gc  # noqa: PLC0415
        from tai_state._sync.recovery.verify import no_progress  # noqa: PLC0415

        return Gc(
            self._runtime.access,
            replace(self.settings, alone=None),
            policy,
            retention=self.config.snapshot_retention,
            progress=progress or no_progress,
            timeout=timeout,
            is_dry_run=dry_run,
        )
