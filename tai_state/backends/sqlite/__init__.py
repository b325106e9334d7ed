"""The colour-free half of the SQLite backend: blocking, safe for many threads and many processes."""

from tai_state.backends.sqlite.engine import SqliteEngine

__all__ = ["SqliteEngine"]
