"""What some of a store's states tell of all: their formats, schemas and machines, and how far maintenance has come."""

from dataclasses import dataclass, field
from shlex import quote

from tai_state.config import Maintenance
from tai_state.counts import counted
from tai_state.layout import FORMAT
from tai_state.models import Checkup
from tai_state.rules.records.record import StateRecord
from tai_state.rules.recovery.definitions import Definitions

GOVERNORS_MAX = 20
"""So many governors are looked into."""

STATES_MAX = 15
"""So many states are read of each."""

_BEHIND_FACTOR = 10
"""A snapshot so many intervals behind its state was not forgotten by chance."""


@dataclass(slots=True)
class Sample:
    """Some states of a store: ``is_all`` says that there are no others."""

    governors: list[str] = field(default_factory=list)
    records: list[StateRecord] = field(default_factory=list)
    newer: list[str] = field(default_factory=list)
    """The paths of those that a newer release wrote."""
    damaged: list[str] = field(default_factory=list)
    """The paths of those that cannot be read."""
    is_all: bool = True

    @property
    def states(self) -> int:
        """How many documents were read."""
        return len(self.records) + len(self.newer) + len(self.damaged)

    def told(self) -> str:
        """Say how much was looked at."""
        states = counted(self.states, "state")
        if self.is_all:
            return f"{states} looked at"
        return f"{states} of {counted(len(self.governors), 'governor')} sampled"


def formats(sample: Sample) -> Checkup:
    """Judge whether this release reads what is stored."""
    if sample.newer:
        message = f"{sample.told()}: a newer release wrote {sample.newer[0]}"
        return Checkup(check="formats", status="problem", message=message, mend="pip install --upgrade tai_state")
    if sample.damaged:
        message = f"{sample.told()}: {len(sample.damaged):,} cannot be read, such as {sample.damaged[0]}"
        return Checkup(check="formats", status="problem", message=message, mend="tai-state verify")
    schemas = sorted({record.schema_version for record in sample.records})
    told = f"; data of schema version {', '.join(map(str, schemas))}" if schemas else ""
    return Checkup(check="formats", status="ok", message=f"{sample.told()}: format {FORMAT}{told}")


def maintenance(sample: Sample, settings: Maintenance) -> Checkup:
    """Judge how far behind their states the newest snapshots are, and how many events are not sealed."""
    states = sample.records
    told = (
        f"configured here: a snapshot every {settings.snapshot_interval:,} changes, {settings.snapshot_retention:,} "
        f"kept, {settings.segment_events:,} events in a segment"
    )
    worst = max(states, key=_behind, default=None)
    if worst is not None and _behind(worst) > _BEHIND_FACTOR * settings.snapshot_interval:
        message = (
            f"{told}; but {_behind(worst):,} versions of {worst.state_id!r} of governor {worst.governor_id!r} are "
            "above its newest snapshot: a rebuild reads them all"
        )
        mend = f"tai-state snapshot {quote(worst.governor_id)} {quote(worst.state_id)}"
        return Checkup(check="maintenance", status="warning", message=message, mend=mend)
    most = max(map(_behind, states), default=0)
    unsealed = max((one.version - one.marks.first_unsealed + 1 for one in states), default=0)
    message = f"{told}; found: at most {most:,} versions above a snapshot, {unsealed:,} in no segment"
    return Checkup(check="maintenance", status="ok", message=message)


def _behind(state: StateRecord) -> int:
    """Return how many versions of a state are above its newest snapshot, or above what was trimmed."""
    return state.version - max(state.marks.snapshots, default=state.marks.trimmed_through)


def machines(sample: Sample) -> Checkup:
    """Judge whether the machines that moved the sampled states have one definition for each version."""
    definitions = Definitions()
    for record in sample.records:
        definitions.add(record)
    problems = definitions.problems()
    if problems:
        return redefined(problems[0].message, len(problems))
    names = sorted({str(record.machine) for record in sample.records if record.machine is not None})
    told = ", ".join(names) if names else "no machine"
    hint = "--machine FILE holds those of your services against all states"
    return Checkup(check="machines", status="ok", message=f"{sample.told()}, moved by {told}; {hint}")


def redefined(message: str, count: int) -> Checkup:
    """Tell of machines that have several definitions under one version."""
    more = f" (and {count - 1:,} more)" if count > 1 else ""
    mend = "tai-state machine diff OLD.json NEW.json, then raise the version"
    return Checkup(check="machines", status="warning", message=f"{message}{more}", mend=mend)
