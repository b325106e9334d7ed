"""What a store does, for those who run it; nothing of it costs anything until it is asked for.

``Monitor(store)`` counts in this process, in bounded memory, and needs nothing else installed: as a dict, and as a text
that Prometheus reads. ``telemetry.otel`` writes spans and metrics for OpenTelemetry, ``telemetry.logs`` the package's
log records as JSON with the trace that they belong to. All of them hear of a store by the one hook, ``observe``, which
is open to observers of your own.

What is told is who asked for what, of which state, how long it took, and how often it was tried: never data, payloads,
keys, or the texts of errors. Ids of governors and states are told to observers; what they write of them, they say.
"""

from tai_state.observers import HeldLock, Observer, Operation, Request
from tai_state.telemetry.monitor import Monitor
from tai_state.telemetry.observing import Observation, observe

__all__ = ["HeldLock", "Monitor", "Observation", "Observer", "Operation", "Request", "observe"]
