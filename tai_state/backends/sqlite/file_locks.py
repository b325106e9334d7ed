"""Whether a file system has locks at all: SQLite takes their absence for a lock that somebody holds, and waits."""

import errno
import fcntl
from pathlib import Path

from tai_state.errors import StoreError

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})


class FileLocks:
    """The locks of the file system on which a store's file is; looked at once, when the file seems locked."""

    def __init__(self, path: str) -> None:
        """Look at nothing yet."""
        self._path = path
        self._are_known = False

    def check(self) -> None:
        """Try a lock, unless that was done before.

        Never on the store's own file: to close any descriptor of it would drop the locks that this process holds.

        Raises:
            StoreError: There are no locks, so no waiting will help.
        """
        if self._are_known:
            return
        import tempfile  # noqa: PLC0415 - with its compressions it takes longer than SQLite itself

        self._are_known = True
        try:
            with tempfile.TemporaryFile(dir=Path(self._path).parent) as probe:
                fcntl.lockf(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # Any other error tells nothing about locks: that of a folder that cannot be written, for one.
            if error.errno in _NO_LOCKS:
                self._are_known = False
                message = f"the file system of {self._path} has no locks ({error}): use a local file system"
                raise StoreError(message) from error
