"""Machines: their definition, its check, its diagram and its file form. Pure, no I/O."""

from tai_state.machine.definition import Machine
from tai_state.machine.problems import MachineProblem, ProblemKind
from tai_state.machine.sketch import Sketch, sketch
from tai_state.machine.timeouts import Timeout
from tai_state.machine.transition import Choice, Transition

__all__ = ["Choice", "Machine", "MachineProblem", "ProblemKind", "Sketch", "Timeout", "Transition", "sketch"]
