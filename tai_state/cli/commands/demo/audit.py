"""The demo's proof: what was acknowledged against what the store holds."""

from collections import Counter
from dataclasses import dataclass, field

from tai_state import Event, StateMachinePersister, StateStore
from tai_state.cli.commands.demo.crew import Shift
from tai_state.cli.commands.demo.plan import MACHINE, STATE, Ack, Step, walk


@dataclass(slots=True)
class Verdict:
    """What the audit found; every count was counted.

    Args:
        planned: The moves that all walks have together.
        acknowledged: Those that were acknowledged to some worker, each once.
        found: Those that are in a history.
        lost: Acknowledged, and not in the history as acknowledged.
        doubled: In a history more than once.
        again: Acknowledgements of a move that had been made before: asked for again after a kill.
        findings: A sentence for everything that is not as it should be.
    """

    planned: int = 0
    acknowledged: int = 0
    found: int = 0
    lost: int = 0
    doubled: int = 0
    again: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether every move was acknowledged and is there exactly once, and nothing else is."""
        return not self.findings and self.planned == self.acknowledged == self.found


class Audit:
    """Compares the histories of governors with what workers were told."""

    def __init__(self, store: StateStore, shifts: list[Shift]) -> None:
        """Judge *store* by the acknowledgements of *shifts*."""
        self._persister = StateMachinePersister(store, MACHINE)
        self._acks: dict[str, list[Ack]] = {}
        for shift in shifts:
            for ack in shift.acks:
                self._acks.setdefault(ack.governor, []).append(ack)
        self.histories: dict[str, list[Event]] = {}

    def judge(self, governors: list[str], steps: int) -> Verdict:
        """Return what is found of *governors*, whose walks have *steps* moves."""
        verdict = Verdict()
        for governor in governors:
            events = list(self._persister.history(governor, STATE))
            self.histories[governor] = events
            _judge_acks(verdict, self._acks.get(governor, []), events)
            _judge_walk(verdict, governor, walk(governor, steps), events)
            report = self._persister.validate_consistency(governor)
            verdict.findings += [f"{governor}: {problem.kind}: {problem.message}" for problem in report.problems]
        return verdict


def _judge_acks(verdict: Verdict, acks: list[Ack], events: list[Event]) -> None:
    by_version = {event.version: event for event in events}
    verdict.acknowledged += len({ack.key for ack in acks})
    verdict.again += sum(ack.again for ack in acks)
    for ack in acks:
        event = by_version.get(ack.version)
        if event is None or (event.idempotency_key, event.to_status) != (ack.key, ack.status):
            verdict.lost += 1
            verdict.findings.append(f"{ack.key}: acknowledged as version {ack.version}, and not there as that")


def _judge_walk(verdict: Verdict, governor: str, steps: list[Step], events: list[Event]) -> None:
    keys = Counter(event.idempotency_key for event in events)
    twice = [key for key, times in keys.items() if times > 1]
    verdict.planned += len(steps)
    verdict.found += len(keys.keys() & {step.key for step in steps})
    verdict.doubled += len(twice)
    verdict.findings += [f"{key}: made {keys[key]} times" for key in twice]
    if [event.version for event in events] != list(range(1, len(events) + 1)):
        verdict.findings.append(f"{governor}: the versions have a gap")
    if [event.to_status for event in events] != [step.status for step in steps]:
        verdict.findings.append(f"{governor}: the history is not the walk that was planned")
