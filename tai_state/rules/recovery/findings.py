"""Everything that can be wrong with what a store holds: one catalogue, and what is known of one finding."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from tai_state.documents import DocumentPath
from tai_state.models import Problem
from tai_state.rules.records.record import EventRecord, StateRecord


class FindingKind(NamedTuple):
    """One kind of finding: its stable name, what it is, how it looks, and what ``recover`` does about it."""

    id: str
    sentence: str
    example: str
    repair: str


_REWRITTEN = "The state document is written again as its log tells it, with the marks that follow from what is kept."
_KEPT_AS_IT_IS = "None: it is copied to quarantine where it can be read, stays where it is, and is reported."
_REPORTED = "None: it stays where it is, and is reported."

CATALOGUE: tuple[FindingKind, ...] = (
    FindingKind(
        "state_missing",
        "There are events, snapshots or segments of a state that has no document.",
        "somebody deleted governors/g/states/s",
        _REWRITTEN,
    ),
    FindingKind(
        "corrupt_state",
        "A state document cannot be read, or its content does not have its digest.",
        "somebody edited the status of a state in the console",
        _REWRITTEN,
    ),
    FindingKind(
        "state_mismatch",
        "A state document is whole, and not what its last event made.",
        "a script wrote the data and computed the digest again",
        _REWRITTEN,
    ),
    FindingKind(
        "state_behind",
        "Sound events stand above the version of their state.",
        "a state document was restored from an old copy",
        _REWRITTEN,
    ),
    FindingKind(
        "missing_event",
        "Events of a state are not there, from this version on.",
        "somebody deleted governors/g/events/s@0000000000000000003",
        "Restored from its segment, or from where it was moved to. An event is never invented.",
    ),
    FindingKind(
        "corrupt_event",
        "An event cannot be read, does not match its own hash, or is not the one that the rest of the log proves.",
        "the to_state of an event was edited",
        "Restored from its segment, from where it was moved to, or from its neighbours: the chain's hash proves it.",
    ),
    FindingKind(
        "broken_chain",
        "An event is whole, and does not follow from the one before it.",
        "an event was forged together with its hash",
        _KEPT_AS_IT_IS,
    ),
    FindingKind(
        "extra_event",
        "An event stands above the version of its state, and does not follow from it.",
        "an event was copied to the version behind the last",
        "Moved to quarantine: it would block the next change.",
    ),
    FindingKind(
        "replay",
        "The machine, run again over a move, makes something else of it than was recorded.",
        "a forger computed every hash again, to the end of the log",
        _REPORTED,
    ),
    FindingKind(
        "corrupt_snapshot",
        "A snapshot cannot be read, or is not what the events say.",
        "a snapshot was cut short, or is another state's",
        "Written again from the event of its version.",
    ),
    FindingKind(
        "missing_snapshot",
        "A state is marked with a snapshot that is not there.",
        "somebody deleted governors/g/snapshots/s@0000000000000000100",
        "Written again from the event of its version.",
    ),
    FindingKind(
        "corrupt_segment",
        "A segment cannot be read, or holds another event than the log.",
        "a segment was cut short, or is another state's",
        "Written again from the events.",
    ),
    FindingKind(
        "missing_segment",
        "Events are marked as sealed, and no segment has them, from this version on.",
        "somebody deleted governors/g/segments/s@0000000000000000001",
        "Written again from the events.",
    ),
    FindingKind(
        "stale_marks",
        "Snapshots or segments are there of which the state's marks say nothing.",
        "maintenance was done by half",
        _REWRITTEN,
    ),
    FindingKind(
        "corrupt_branch",
        "An event of another store, kept beside the line, cannot be read, or does not match its own hash.",
        "an event in governors/g/branches was edited",
        "None: it is copied to quarantine. `tai-state sync --mend-branches` brings it again from a store that has it.",
    ),
    FindingKind(
        "missing_branch",
        "A merge, or an event of a branch, follows an event of another store that is not there.",
        "somebody deleted a document of governors/g/branches",
        "None: `tai-state sync --mend-branches` brings it again from a store that has it.",
    ),
    FindingKind(
        "unmerged_branch",
        "Events of another store were brought and are not merged; nothing is lost by it, and `recover` alone tells it.",
        "a sync was killed before the merge, or its resolver gave up",
        "Merged, where they know of all that is here, or say the same; else none: a sync's resolver has to decide.",
    ),
    FindingKind(
        "lost_mark",
        "A state depends on another one, which has no mark of it, so that its moves would pass the state over.",
        "the dependency's document was restored from an old copy",
        "The dependency is marked.",
    ),
    FindingKind(
        "missing_dependent",
        "A state is marked with a dependent of which nothing is left.",
        "all documents of a state were deleted, and another one is marked with it",
        "None: a move that concerns it is refused; bring it back from a backup, or start it again.",
    ),
    FindingKind(
        "orphaned_receipt",
        "A receipt is of a key under which its state's log, which is whole, has no change.",
        "a state's documents were deleted, and its receipts stayed",
        "Removed; the record in audit keeps what it said.",
    ),
    FindingKind(
        "corrupt_receipt",
        "A receipt cannot be read, is another key's, or does not name the change that its key made.",
        "a receipt was edited",
        "It names that change again, where the log has it under its key; else none: it is copied to quarantine.",
    ),
    FindingKind(
        "expired_lease",
        "A lock has a holder whose lease is past its time.",
        "a holder was killed; the next one to ask takes it",
        "Freed, where no governor is named. The document and its token stay.",
    ),
    FindingKind(
        "corrupt_lease",
        "A lock's document cannot be read.",
        "a lock was edited",
        _REPORTED,
    ),
    FindingKind(
        "in_doubt_transaction",
        "A transaction over several stores is prepared here, nobody settled it, and its lease is over.",
        "a process was killed between the first prepare and the last settlement",
        "Settled as decided, else aborted, where no governor is named; none where its coordinator cannot be asked.",
    ),
    FindingKind(
        "lost_preparation",
        "A state that such a transaction has in hand has lost its mark.",
        "a state document was restored from an old copy",
        "Marked again, where it is at the version at which it was prepared, and no governor is named.",
    ),
    FindingKind(
        "unfinished_erasure",
        "What was to be erased is not gone everywhere, or has come back.",
        "a process was killed while it erased a state",
        "The erasure is completed, whatever is still there of what it was.",
    ),
    FindingKind(
        "foreign_document",
        "A document among ours was never one of ours.",
        "an import into the wrong database",
        "None: it stays where it is.",
    ),
    FindingKind(
        "newer_format",
        "A newer release wrote a document, which this one does not read.",
        "a service was rolled back to an older release",
        "None: use the newer release.",
    ),
    FindingKind(
        "foreign_status",
        "A state is in a status that its machine does not have.",
        "a state was forced out of its machine",
        "None: bring it back by a change with force and a reason.",
    ),
    FindingKind(
        "invalid_data",
        "The data of a state does not fit the data type of its machine.",
        "a state was saved past its machine",
        "None: mend the data by a change with force and a reason.",
    ),
    FindingKind(
        "machine_redefined",
        "A machine has several definitions under one version: its states, or this process, know different ones.",
        "a transition was added, and the machine's version was not raised",
        "None: the states are sound. Raise the version with each change of a definition.",
    ),
)

KINDS = {kind.id: kind for kind in CATALOGUE}


class Made(NamedTuple):
    """The change that a key made."""

    version: int
    transition_id: str


Truth = EventRecord | StateRecord | Made

STRAY = "elsewhere"
"""In ``Finding.other``: the truth of it stands in the place of another event."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        version: The first version that it is about; None: the state as a whole, or none of ours.
        last: The last one, where it is about a run.
        path: The document that it is about, or that should be there.
        truth: What should be there, where what was read determines it.
        other: What else it is about: the state that should have the mark, or ``STRAY``.
        seen: When a receipt that it is about was written: one that was written since is another one.
    """

    kind: str
    state_id: str
    version: int | None
    message: str
    path: DocumentPath
    last: int | None = None
    truth: Truth | None = None
    other: str = ""
    seen: datetime | None = None

    def __post_init__(self) -> None:
        """Check that the kind is in the catalogue."""
        assert self.kind in KINDS, self.kind

    @property
    def identity(self) -> tuple[str, str, int | None, DocumentPath, str]:
        """What tells it from others; the same when it is found again."""
        return self.kind, self.state_id, self.version, self.path, self.other

    def problem(self) -> Problem:
        """Return what users see of it."""
        return Problem(
            kind=self.kind, state_id=self.state_id, version=self.version, message=self.message, path=str(self.path)
        )
