# Generated from tai_state/_async/recovery/recover.py by .ci/generate_sync.py; do not edit.
"""Recovery of a governor: the walk of the check, and a repair of what it finds, until nothing more can be done."""
from collections.abc import Iterator
from dataclasses import replace

from tai_state._sync.recovery.erasure import Eraser
from tai_state._sync.recovery.intents import unfinished
from tai_state._sync.recovery.leases import Expired, expired, lease_findings
from tai_state._sync.recovery.receipts import receipt_findings
from tai_state._sync.recovery.repair import Repairer
from tai_state._sync.recovery.unmerged import Unmerged
from tai_state._sync.recovery.verify import Verifier
from tai_state._sync.recovery.walk import Examined
from tai_state._sync.recovery.witnesses import Witnesses
from tai_state.authors import Author
from tai_state.codec import EMPTY
from tai_state.documents import DocumentPath
from tai_state.errors import CorruptLogError
from tai_state.layout import AUDIT, GovernorLayout, StateLayout
from tai_state.models import RecoveryReport, Repair
from tai_state.rules.locking.leases import released
from tai_state.rules.recovery.erasure import GOVERNOR, Erasure, read_erasure
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.recovery.repair import Mending

_ROUNDS_MAX = 8
"""How often a state is looked at again: what is mended may uncover what stood behind it, or a writer was faster."""


class Recovery:
    """Makes what a store holds sound again."""

    def __init__(self, verifier: Verifier, repairer: Repairer, unmerged: Unmerged) -> None:
        """Find by *verifier*, mend by *repairer*; *unmerged* ends what syncs have left."""
        self._unmerged = unmerged
        self._verifier = verifier
        self._repairer = repairer

    def governor(self, governor_id: str) -> RecoveryReport:
        """Recover a governor: its states, then its receipts."""
        governor = GovernorLayout(governor_id)
        witnesses = self._repairer.witnesses(governor)
        repaired: list[Repair] = []
        open_states: list[tuple[StateLayout, list[Finding]]] = []
        left: list[Finding] = []
        checked = 0
        erasing = self._erasures(governor, repaired, left)
        for examined in self._verifier.states(governor_id):
            checked += examined.paths is not None
            findings = self._state(examined, repaired, witnesses) if examined.findings else []
            if examined.paths is None:
                left += findings
            elif findings:
                open_states.append((examined.paths, _told(findings)))
        receipts: list[Repair] = []
        receipts_left: list[Finding] = []
        for finding in receipt_findings(self._repairer.access, governor_id, self._repairer.timeout):
            if finding.state_id in erasing:
                continue
            repairs = self._repairer.receipt(finding, governor)
            receipts += repairs
            receipts_left += [] if repairs else _told([finding])
        repaired += receipts
        # A receipt that told of a later change kept a state from being rebuilt; it may have been mended by now.
        is_worth = bool(receipts) and not self._repairer.is_dry_run
        if is_worth:
            witnesses.forget()
        for paths, findings in open_states:
            again = self._verifier.examined(paths) if is_worth else None
            left += findings if again is None else _told(self._state(again, repaired, witnesses))
        left += receipts_left
        for finding in left:
            self._repairer.quarantine(finding, governor)
        merged, unmerged = self._unmerged.governor(governor)
        repaired += merged
        left += unmerged
        return RecoveryReport(
            governor_id=governor_id,
            checked=checked,
            repaired=repaired,
            unresolved=[finding.problem() for finding in left],
            is_dry_run=self._repairer.is_dry_run,
        )

    def _erasures(self, governor: GovernorLayout, repaired: list[Repair], left: list[Finding]) -> set[str]:
        """End what was to be erased, and return the ids of those states."""
        erasing: set[str] = set()
        for document, erasure in unfinished(self._repairer.access, governor, self._repairer.timeout):
            erasing.add(erasure.state_id)
            try:
                repaired.append(self._erase(governor, document.path, erasure))
            except CorruptLogError as error:
                # What it rests on may be mended now; the next run ends it.
                version = erasure.through or None
                left.append(Finding("unfinished_erasure", erasure.state_id, version, str(error), document.path))
        return erasing

    def _erase(self, governor: GovernorLayout, path: DocumentPath, erasure: Erasure) -> Repair:
        """End an erasure, as whoever began it wished."""
        repairer = self._repairer
        if not repairer.is_dry_run:
            author = Author(erasure.changed_by, erasure.reason, EMPTY)
            eraser = Eraser(repairer.access, repairer.settings, author, repairer.timeout)
            if path.id == GOVERNOR:
                eraser.complete_governor(governor)
            else:
                eraser.complete(governor.state(erasure.state_id), erasure)
        return Repair(
            kind="unfinished_erasure",
            state_id=erasure.state_id,
            version=erasure.through or None,
            path=str(path),
            message="the erasure is completed",
            audit_id="" if repairer.is_dry_run else erasure.audit_id,
        )

    def _erase_again(self, paths: StateLayout, examined: Examined) -> Repair | None:
        """Erase what has come back of a state that was erased; None: nobody knows of its erasure."""
        found = self._repairer.document(paths.erasure)
        if found is None or examined.record is None:
            return None
        return self._erase(paths.governor, paths.erasure, read_erasure(found, paths.governor_id))

    def all(self) -> Iterator[RecoveryReport]:
        """Recover every governor, then the leases."""
        strangers: list[Finding] = []
        for governor_id, stranger in self._verifier.governors():
            if stranger is None:
                yield self.governor(governor_id)
            else:
                strangers.append(stranger)
        yield self._leases(strangers)

    def _state(self, examined: Examined, repaired: list[Repair], witnesses: Witnesses) -> list[Finding]:
        """Repair one state, and return what is left of its findings."""
        for _ in range(_ROUNDS_MAX):
            if examined.paths is not None and any(one.kind == "unfinished_erasure" for one in examined.findings):
                erased = self._erase_again(examined.paths, examined)
                if erased is not None:
                    repaired.append(erased)
                    if not self._repairer.is_dry_run:
                        examined = self._verifier.examined(examined.paths)
            done = self._repairer.repair(examined, witnesses)
            repaired += done.repairs
            if self._repairer.is_dry_run:
                return done.left
            if examined.paths is None or not (done.repairs or done.is_refused):
                break
            examined = self._verifier.examined(examined.paths)
            if not examined.findings:
                break
        return [*examined.findings]

    def _leases(self, left: list[Finding]) -> RecoveryReport:
        """Free what is held past its time: whoever held it is refused by the store already."""
        access, timeout = self._repairer.access, self._repairer.timeout
        repaired: list[Repair] = []
        for finding in lease_findings(access, timeout):
            found = self._free(finding, repaired) if finding.kind == "expired_lease" else finding
            left += [] if found is None else [found]
        return RecoveryReport(
            governor_id="",
            checked=0,
            repaired=repaired,
            unresolved=[finding.problem() for finding in left],
            is_dry_run=self._repairer.is_dry_run,
        )

    def _free(self, finding: Finding, repaired: list[Repair]) -> Finding | None:
        """Free a lock that is held past its time, and return what is left to tell of it."""
        found = expired(self._repairer.access, finding.path, self._repairer.timeout)
        if not isinstance(found, Expired):
            return found
        lease = found.lease
        _, put = released(lease)
        message = f"lock {lease.resource!r} is freed; its token {lease.fencing_token} stays"
        mending = Mending(finding, message, put.path, (put,), found.document.fields, put.fields)
        repairs = self._repairer.commit([mending], AUDIT)
        if repairs is None:
            return finding
        # Refused, it was taken or freed by somebody else meanwhile.
        repaired += repairs
        return None


def _told(findings: list[Finding]) -> list[Finding]:
    """Return findings as they are held to the end: without what should be there, which may be as large as a state."""
    return [replace(finding, truth=None) for finding in findings]
