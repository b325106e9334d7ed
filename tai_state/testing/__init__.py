"""Support for users' tests: a clock in hand, faults, simulations, tried machines, the emulator, the conformance suite.

The suite proves a backend. It needs pytest, loaded when it is asked for, as Hypothesis is by ``machine_rules``.
"""

from typing import TYPE_CHECKING

from tai_state.testing._async.faulty import AsyncFaultyBackend, AsyncFaultyStore
from tai_state.testing._sync.faulty import FaultyBackend, FaultyStore
from tai_state.testing.clock import ManualClock
from tai_state.testing.exploring import Exploration, ExplorationLimitError, explore
from tai_state.testing.faults import SOME_FAULTS, Fault, FaultPlan, Faults, SimulatedCrash
from tai_state.testing.firestore_emulator import emulator
from tai_state.testing.rules import machine_rules
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
    "Exploration",
    "ExplorationLimitError",
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
    "explore",
    "machine_rules",
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
