"""Support for users' tests: a clock in hand, faults, simulated runs, the emulator, and the conformance suite.

The suite proves a backend. It needs pytest, which is loaded when it is asked for.
"""

from typing import TYPE_CHECKING

from tai_state.testing._async.faulty import AsyncFaultyBackend, AsyncFaultyStore
from tai_state.testing._sync.faulty import FaultyBackend, FaultyStore
from tai_state.testing.clock import ManualClock
from tai_state.testing.faults import SOME_FAULTS, Fault, FaultPlan, Faults, SimulatedCrash
from tai_state.testing.firestore_emulator import emulator
from tai_state.testing.simulation import Simulation, SimulationFailure, SimulationPlan, SimulationReport

if TYPE_CHECKING:
    from tai_state.testing._async.conformance import AsyncBackendConformance
    from tai_state.testing._sync.conformance import BackendConformance

__all__ = [
    "SOME_FAULTS",
    "AsyncBackendConformance",
    "AsyncFaultyBackend",
    "AsyncFaultyStore",
    "BackendConformance",
    "Fault",
    "FaultPlan",
    "Faults",
    "FaultyBackend",
    "FaultyStore",
    "ManualClock",
    "SimulatedCrash",
    "Simulation",
    "SimulationFailure",
    "SimulationPlan",
    "SimulationReport",
    "emulator",
]


def __getattr__(name: str) -> object:
    if name == "AsyncBackendConformance":
        from tai_state.testing._async.conformance import AsyncBackendConformance  # noqa: PLC0415

        return AsyncBackendConformance
    if name == "BackendConformance":
        from tai_state.testing._sync.conformance import BackendConformance  # noqa: PLC0415

        return BackendConformance
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
