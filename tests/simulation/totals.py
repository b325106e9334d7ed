"""The sums over many runs: they must show enough work, and enough of each fault."""

from collections import Counter
from dataclasses import dataclass, field

from tai_state.testing import Fault
from tai_state.testing.simulation import Simulation, SimulationPlan, SimulationReport, Work


@dataclass
class Totals:
    """What some runs did together."""

    runs: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    done: Counter[Work] = field(default_factory=Counter)
    injected: Counter[Fault] = field(default_factory=Counter)

    def add(self, report: SimulationReport) -> None:
        """Add one run."""
        self.runs += 1
        for name in ("acknowledged", "refused", "in_doubt", "events", "commits", "calls", "crashes", "steps"):
            self.counts[name] += getattr(report, name)
        self.done += report.done
        self.injected += report.injected

    def merge(self, other: "Totals") -> None:
        """Add the runs of another process."""
        self.runs += other.runs
        self.counts += other.counts
        self.done += other.done
        self.injected += other.injected

    def shortcomings(self) -> list[str]:
        """Return what there was too little of, over some 20 runs or more."""
        few = [name for name, least in LEAST.items() if self.counts[name] < least * self.runs]
        # A repetition counts as what it repeats.
        few += [work for work in Work if work is not Work.REPEAT and not self.done[work]]
        # Nothing of ours abandons a commit unless it is cancelled in one of the few that are not shielded.
        few += [fault for fault in Fault if fault is not Fault.ABANDONED and not self.injected[fault]]
        return [f"too little of {name} in {self}" for name in few]

    def __str__(self) -> str:
        told = [f"{self.runs} runs", *(f"{count} {name}" for name, count in self.counts.items())]
        faults = [f"{count} x {fault}" for fault, count in sorted(self.injected.items())]
        return f"{', '.join(told)}; faults: {', '.join(faults)}"


LEAST = {"acknowledged": 10, "refused": 1, "in_doubt": 0.1, "commits": 15, "calls": 60, "crashes": 0.1, "steps": 200}
"""What a run does at least, on average."""


def run_seeds(first: int, behind: int, plan: SimulationPlan | None = None) -> Totals:
    """Run the seeds from *first* up to *behind*, with their own plans or *plan*; the first that fails raises.

    Raises:
        SimulationFailure: One of them failed.
    """
    totals = Totals()
    for seed in range(first, behind):
        totals.add(Simulation(seed, plan).run())
    return totals
