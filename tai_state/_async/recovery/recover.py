"""Recovery of a governor: the walk of the check, and a repair of what it finds, until nothing more can be done."""

from collections.abc import AsyncIterator
from dataclasses import replace

from tai_state._async.recovery.erasure import AsyncEraser
from tai_state._async.recovery.intents import async_unfinished
from tai_state._async.recovery.leases import Expired, async_expired, async_lease_findings
from tai_state._async.recovery.receipts import async_receipt_findings
from tai_state._async.recovery.repair import AsyncRepairer
from tai_state._async.recovery.unmerged import AsyncUnmerged
from tai_state._async.recovery.verify import AsyncVerifier
from tai_state._async.recovery.walk import Examined
from tai_state._async.recovery.witnesses import AsyncWitnesses
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


class AsyncRecovery:
    """Makes what a store holds sound again."""

    def __init__(self, verifier: AsyncVerifier, repairer: AsyncRepairer, unmerged: AsyncUnmerged) -> None:
        """Find by *verifier*, mend by *repairer*; *unmerged* ends what syncs have left."""
        self._unmerged = unmerged
        self._verifier = verifier
        self._repairer = repairer

    async def governor(self, governor_id: str) -> RecoveryReport:
        """Recover a governor: its states, then its receipts."""
        governor = GovernorLayout(governor_id)
        witnesses = self._repairer.witnesses(governor)
        repaired: list[Repair] = []
        open_states: list[tuple[StateLayout, list[Finding]]] = []
        left: list[Finding] = []
        checked = 0
        erasing = await self._erasures(governor, repaired, left)
        async for examined in self._verifier.states(governor_id):
            checked += examined.paths is not None
            findings = await self._state(examined, repaired, witnesses) if examined.findings else []
            if examined.paths is None:
                left += findings
            elif findings:
                open_states.append((examined.paths, _told(findings)))
        receipts: list[Repair] = []
        receipts_left: list[Finding] = []
        async for finding in async_receipt_findings(self._repairer.access, governor_id, self._repairer.timeout):
            if finding.state_id in erasing:
                continue
            repairs = await self._repairer.receipt(finding, governor)
            receipts += repairs
            receipts_left += [] if repairs else _told([finding])
        repaired += receipts
        # A receipt that told of a later change kept a state from being rebuilt; it may have been mended by now.
        is_worth = bool(receipts) and not self._repairer.is_dry_run
        if is_worth:
            witnesses.forget()
        for paths, findings in open_states:
            again = await self._verifier.examined(paths) if is_worth else None
            left += findings if again is None else _told(await self._state(again, repaired, witnesses))
        left += receipts_left
        for finding in left:
            await self._repairer.quarantine(finding, governor)
        merged, unmerged = await self._unmerged.governor(governor)
        repaired += merged
        left += unmerged
        return RecoveryReport(
            governor_id=governor_id,
            checked=checked,
            repaired=repaired,
            unresolved=[finding.problem() for finding in left],
            is_dry_run=self._repairer.is_dry_run,
        )

    async def _erasures(self, governor: GovernorLayout, repaired: list[Repair], left: list[Finding]) -> set[str]:
        """End what was to be erased, and return the ids of those states."""
        erasing: set[str] = set()
        async for document, erasure in async_unfinished(self._repairer.access, governor, self._repairer.timeout):
            erasing.add(erasure.state_id)
            try:
                repaired.append(await self._erase(governor, document.path, erasure))
            except CorruptLogError as error:
                # What it rests on may be mended now; the next run ends it.
                version = erasure.through or None
                left.append(Finding("unfinished_erasure", erasure.state_id, version, str(error), document.path))
        return erasing

    async def _erase(self, governor: GovernorLayout, path: DocumentPath, erasure: Erasure) -> Repair:
        """End an erasure, as whoever began it wished."""
        repairer = self._repairer
        if not repairer.is_dry_run:
            author = Author(erasure.changed_by, erasure.reason, EMPTY)
            eraser = AsyncEraser(repairer.access, repairer.settings, author, repairer.timeout)
            if path.id == GOVERNOR:
                await eraser.complete_governor(governor)
            else:
                await eraser.complete(governor.state(erasure.state_id), erasure)
        return Repair(
            kind="unfinished_erasure",
            state_id=erasure.state_id,
            version=erasure.through or None,
            path=str(path),
            message="the erasure is completed",
            audit_id="" if repairer.is_dry_run else erasure.audit_id,
        )

    async def _erase_again(self, paths: StateLayout, examined: Examined) -> Repair | None:
        """Erase what has come back of a state that was erased; None: nobody knows of its erasure."""
        found = await self._repairer.document(paths.erasure)
        if found is None or examined.record is None:
            return None
        return await self._erase(paths.governor, paths.erasure, read_erasure(found, paths.governor_id))

    async def all(self) -> AsyncIterator[RecoveryReport]:
        """Recover every governor, then the leases."""
        strangers: list[Finding] = []
        async for governor_id, stranger in self._verifier.governors():
            if stranger is None:
                yield await self.governor(governor_id)
            else:
                strangers.append(stranger)
        yield await self._leases(strangers)

    async def _state(self, examined: Examined, repaired: list[Repair], witnesses: AsyncWitnesses) -> list[Finding]:
        """Repair one state, and return what is left of its findings."""
        for _ in range(_ROUNDS_MAX):
            if examined.paths is not None and any(one.kind == "unfinished_erasure" for one in examined.findings):
                erased = await self._erase_again(examined.paths, examined)
                if erased is not None:
                    repaired.append(erased)
                    if not self._repairer.is_dry_run:
                        examined = await self._verifier.examined(examined.paths)
            done = await self._repairer.repair(examined, witnesses)
            repaired += done.repairs
            if self._repairer.is_dry_run:
                return done.left
            if examined.paths is None or not (done.repairs or done.is_refused):
                break
            examined = await self._verifier.examined(examined.paths)
            if not examined.findings:
                break
        return [*examined.findings]

    async def _leases(self, left: list[Finding]) -> RecoveryReport:
        """Free what is held past its time: whoever held it is refused by the store already."""
        access, timeout = self._repairer.access, self._repairer.timeout
        repaired: list[Repair] = []
        async for finding in async_lease_findings(access, timeout):
            found = await self._free(finding, repaired) if finding.kind == "expired_lease" else finding
            left += [] if found is None else [found]
        return RecoveryReport(
            governor_id="",
            checked=0,
            repaired=repaired,
            unresolved=[finding.problem() for finding in left],
            is_dry_run=self._repairer.is_dry_run,
        )

    async def _free(self, finding: Finding, repaired: list[Repair]) -> Finding | None:
        """Free a lock that is held past its time, and return what is left to tell of it."""
        found = await async_expired(self._repairer.access, finding.path, self._repairer.timeout)
        if not isinstance(found, Expired):
            return found
        lease = found.lease
        _, put = released(lease)
        message = f"lock {lease.resource!r} is freed; its token {lease.fencing_token} stays"
        mending = Mending(finding, message, put.path, (put,), found.document.fields, put.fields)
        repairs = await self._repairer.commit([mending], AUDIT)
        if repairs is None:
            return finding
        # Refused, it was taken or freed by somebody else meanwhile.
        repaired += repairs
        return None


def _told(findings: list[Finding]) -> list[Finding]:
    """Return findings as they are held to the end: without what should be there, which may be as large as a state."""
    return [replace(finding, truth=None) for finding in findings]
