"""Engines and their stores: unreachable, missing, damaged, or unable."""

from collections.abc import Mapping

from tai_state.errors.base import SHOWN_MAX, TaiStateError


class StoreError(TaiStateError):
    """The engine refused or failed for good; trying again will not help."""

    code = "store"


class StoreUnavailableError(StoreError):
    """The engine could not be reached or was too busy; nothing was written."""

    code = "store_unavailable"
    retryable = True

    def __init__(self, message: str = "the store is unavailable", *, retry_after: float | None = None) -> None:
        """Say what happened and, where the engine said so, after how many seconds to try again."""
        super().__init__(message)
        self.asked_seconds = retry_after


class CommitAmbiguousError(StoreUnavailableError):
    """A commit ended without a verdict: it may have been applied, or may be applied later.

    Backends raise it; the layers above resend the identical commit and resolve it by reading.
    """

    code = "commit_ambiguous"


class StoreClosedError(StoreError):
    """The store, or what was made over it, is drained or closed in this process; another one may serve the call."""

    code = "store_closed"
    retryable = True


class StoreMissingError(StoreError):
    """A store was opened to read only, and there is none; reading never makes one."""

    code = "store_missing"


class DamagedStoreError(StoreError):
    """The store was reached, and what it is kept in is damaged: restore it from a backup."""

    code = "store_damaged"


class DamagedDocumentsError(StoreError):
    """A list of locks, transactions or events met documents that are damaged or foreign; raised behind the sound ones.

    ``paths`` names them all. They harm nobody else: who asks for the lock, transaction or state itself gets an error.
    """

    code = "damaged_documents"

    def __init__(self, damaged: Mapping[str, str]) -> None:
        """Take what is wrong, by the path of each document."""
        shown = "; ".join(list(damaged.values())[:SHOWN_MAX])
        more = len(damaged) - SHOWN_MAX
        super().__init__(
            f"{len(damaged):,} documents cannot be read: {shown}" + (f"; and {more:,} more" if more > 0 else "")
        )
        self.paths = list(damaged)


class StoreReplacedError(StoreError):
    """The file of an open store, or its log, was removed or replaced by another one; nothing was written.

    What was acknowledged before is in the file that was opened. Of one whose log is missing the newest
    changes may be lost: compare with a backup. Open the store anew to use what is there now.
    """

    code = "store_replaced"

    def __init__(self, path: str, what: str) -> None:
        """Say which file it is, and what became of it."""
        super().__init__(f"the file {path} {what} while the store was open; close the store, and open it anew")
        self.path = path
        self.what = what


class StoreInUseError(StoreError):
    """The file of a store may be in use, and is not exchanged: stop what uses it; nothing was changed.

    Where nothing does, a process died with it: open the store once, as any command does, or move away what it left.
    """

    code = "store_in_use"

    def __init__(self, path: str, what: str) -> None:
        """Say which file it is, and what tells that it is in use."""
        super().__init__(
            f"{what}; nothing was changed: stop whatever uses the store, or, where nothing does, open it once"
        )
        self.path = path
        self.what = what


class UnsupportedOperationError(StoreError):
    """The backend does not have the capability that was asked for."""

    code = "unsupported_operation"
