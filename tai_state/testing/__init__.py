"""Support for users' tests: a clock in hand, the Firestore emulator, and the suite that proves a backend.

The conformance suite needs pytest, which is loaded when it is asked for.
"""

from typing import TYPE_CHECKING

from tai_state.testing.clock import ManualClock
from tai_state.testing.firestore_emulator import emulator

if TYPE_CHECKING:
    from tai_state.testing._async.conformance import AsyncBackendConformance
    from tai_state.testing._sync.conformance import BackendConformance

__all__ = ["AsyncBackendConformance", "BackendConformance", "ManualClock", "emulator"]


def __getattr__(name: str) -> object:
    if name == "AsyncBackendConformance":
        from tai_state.testing._async.conformance import AsyncBackendConformance  # noqa: PLC0415

        return AsyncBackendConformance
    if name == "BackendConformance":
        from tai_state.testing._sync.conformance import BackendConformance  # noqa: PLC0415

        return BackendConformance
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
