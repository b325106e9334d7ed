"""The colour-free half of the memory backend: one thread-safe store, as strict as production.

It is the reference for tests and simulation. What Firestore refuses, it refuses; what Firestore
does not do (move the update_time of a write that changes nothing), it does not do either.
"""

from tai_state.backends.memory.encoding import LIMITS
from tai_state.backends.memory.engine import MemoryEngine, Range

__all__ = ["LIMITS", "MemoryEngine", "Range"]
