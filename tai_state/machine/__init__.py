"""Machines: their definition, its check, its diagram file form; and those that are not ours. Pure, no I/O."""

from tai_state.machine.configuration import names_of, status_of
from tai_state.machine.definition import Machine
from tai_state.machine.mover import ForeignMachine, Mover
from tai_state.machine.problems import MachineProblem, ProblemKind
from tai_state.machine.sketch import Sketch, sketch
from tai_state.machine.timeouts import Timeout
from tai_state.machine.transition import Choice, Transition

__all__ = [
    "Choice",
    "ForeignMachine",
    "Machine",
    "MachineProblem",
    "Mover",
    "ProblemKind",
    "Sketch",
    "Timeout",
    "Transition",
    "names_of",
    "sketch",
    "status_of",
]
