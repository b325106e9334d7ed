"""eventsourcing: its applications, their events, notifications and tracking, kept in a store.

``PERSISTENCE_MODULE=tai_state.adapters.eventsourcing`` and ``TAI_STATE_STORE=sqlite:///shop.db`` (any URL that
``connect`` takes) are all that an application has to be told. What is stored, and what is promised of it, says
docs/adapters.md.

The protocol:

1. An application is a governor, each of its aggregates a state in it, and so are its sequence of notifications and its
   position in each application that it follows.
2. What is saved together is one commit: one event of each aggregate concerned, which holds what was saved of it, one
   of the sequence, which holds all of it in its order, and one of the position.
3. The sequence is a state as others are: whoever writes it next has seen the last number, or its commit is refused and
   decided anew. So numbers are contiguous, in the order of the commits, and who has read number n will never find one
   before it.
4. Two events with one version of an aggregate: what the state says of its versions refuses the second.

``events`` decides, purely; ``keeping`` reads and commits; ``sequence`` finds numbers again; ``recorders`` and
``factory`` are what eventsourcing asks for.
"""

from tai_state.adapters.eventsourcing.factory import TaiStateFactory
from tai_state.adapters.eventsourcing.recorders import (
    TaiStateAggregateRecorder,
    TaiStateApplicationRecorder,
    TaiStateProcessRecorder,
    TaiStateTrackingRecorder,
)
from tai_state.adapters.eventsourcing.subscription import TaiStateSubscription

__all__ = [
    "Factory",
    "TaiStateAggregateRecorder",
    "TaiStateApplicationRecorder",
    "TaiStateFactory",
    "TaiStateProcessRecorder",
    "TaiStateSubscription",
    "TaiStateTrackingRecorder",
]

Factory = TaiStateFactory
