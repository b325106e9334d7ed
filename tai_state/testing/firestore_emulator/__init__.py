"""Find, start and stop Google's Firestore emulator, and never leave its Java behind.

Two ways to run it: ``emulator()`` for tests, whose emulator ends with the process that started it,
and ``start_detached()`` for a person at a terminal, whose emulator runs until ``stop_detached()``, one for each
project folder.
Both start the jar with Java directly: ``gcloud emulators firestore start`` is a chain of wrappers, and
ending the outermost of them orphans the Java inside. POSIX only. The package needs the standard library
and those modules of ``tai_state`` alone that need no more themselves (``errors``, ``clock``, ``_platform``),
so that it can say what is missing before anything else is installed.
"""

from tai_state.testing.firestore_emulator.detached import start_detached, status, stop_detached
from tai_state.testing.firestore_emulator.endpoint import HOST_VARIABLE, EmulatorEndpoint, new_project_id
from tai_state.testing.firestore_emulator.installation import (
    JAR_VARIABLE,
    JAVA_MAJOR_MIN,
    EmulatorInstallation,
    find_emulator,
    missing_parts,
)
from tai_state.testing.firestore_emulator.java import HEAP_MIB, MAIN_CLASS, EmulatorOptions
from tai_state.testing.firestore_emulator.process import Emulator
from tai_state.testing.firestore_emulator.readiness import START_TIMEOUT_SECONDS
from tai_state.testing.firestore_emulator.record import EmulatorRecord
from tai_state.testing.firestore_emulator.reuse import emulator, obtain_emulator

__all__ = [
    "HEAP_MIB",
    "HOST_VARIABLE",
    "JAR_VARIABLE",
    "JAVA_MAJOR_MIN",
    "MAIN_CLASS",
    "START_TIMEOUT_SECONDS",
    "Emulator",
    "EmulatorEndpoint",
    "EmulatorInstallation",
    "EmulatorOptions",
    "EmulatorRecord",
    "emulator",
    "find_emulator",
    "missing_parts",
    "new_project_id",
    "obtain_emulator",
    "start_detached",
    "status",
    "stop_detached",
]
