"""Batches: moves that many callers ask for one by one, made in commits of many states.

``BatchWriter(persister)``: ``put`` takes a TransitionRequest and gives a future of its outcome, ``flush`` has all made
that were put, and ``close`` waits for all.
"""

from typing import TYPE_CHECKING

from tai_state.late import late_names

if TYPE_CHECKING:
    from tai_state._async.batching.batch_writer import AsyncBatchWriter
    from tai_state._sync.batching.batch_writer import BatchWriter

HOMES: dict[str, tuple[str, ...]] = {
    "tai_state._async.batching.batch_writer": ("AsyncBatchWriter",),
    "tai_state._sync.batching.batch_writer": ("BatchWriter",),
}
"""The names that each module defines: who works with one colour waits for no other."""

__all__ = ["AsyncBatchWriter", "BatchWriter"]

if not TYPE_CHECKING:  # A type checker would take it for a promise of any name.
    __getattr__ = late_names(__name__, HOMES)

    def __dir__() -> list[str]:
        """List what has not been imported yet, too."""
        return sorted({*globals(), *__all__})
