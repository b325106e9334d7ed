"""Who knew what when: vector clocks."""

from tai_state.causality.vector_clock import VectorClock

__all__ = ["VectorClock"]
