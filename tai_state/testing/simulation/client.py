"""A client of one process: makes requests of it, and notes in the ledger what it was told."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tai_state._async.api.transaction import AsyncTransaction
from tai_state._async.locking.lock import AsyncLock
from tai_state._async.locking.lock_set import AsyncLockSet
from tai_state.errors import (
    OutcomeUnknownError,
    ReplayError,
    StateNotFoundError,
    TaiStateError,
    VersionConflictError,
)
from tai_state.layout import state_layout
from tai_state.models import ChangeMetadata, TransitionResult
from tai_state.testing.simulation.disturbances import problems_of_ours
from tai_state.testing.simulation.failure import BrokenError
from tai_state.testing.simulation.ledger import Ledger
from tai_state.testing.simulation.plan import BANK, SHOP, VAULT, Work
from tai_state.testing.simulation.process import Process
from tai_state.testing.simulation.requests import Request, names

OPENING = 100
LOCK_WAIT_SECONDS = 3.0


class DoubtError(Exception):
    """The attempt ended without an answer."""


class Client:
    """Makes one request at a time."""

    def __init__(self, process: Process, ledger: Ledger) -> None:
        """Talk to *process*."""
        self._process = process
        self._ledger = ledger
        self._store = process.store
        self._persister = process.orders
        self._works: Mapping[Work, Callable[[Request], Awaitable[None]]] = {
            Work.MOVE: self._move,
            Work.LOG: self._log,
            Work.SAVE: self._save,
            Work.UPDATE: self._update,
            Work.DELETE: self._delete,
            Work.START: self._start,
            Work.ROLLBACK: self._rollback,
            Work.READ: self._read,
            Work.TRANSFER: self._transfer,
            Work.AUDIT: self._audit,
            Work.GUARD: self._guard,
            Work.GUARD_MANY: self._guard_many,
            Work.SNAPSHOT: self._snapshot,
            Work.CHECK: self.check,
        }

    async def make(self, request: Request) -> None:
        """Make *request*, and note the answer.

        Raises:
            DoubtError: There was none: whether it was made is not known.
            BrokenError: The store contradicts itself.
        """
        try:
            await self._works[request.work](request)
            request.is_served = True
        except ReplayError as error:
            raise BrokenError("sound log", repr(error)) from error
        except TaiStateError as error:
            # Reads and checks that the store could not serve in time.
            self._process.world.trace.note(request.mark, "failed", error.code)

    # Changes of one state

    async def _change(
        self, request: Request, call: Callable[[dict[str, Any]], Awaitable[Any]], *, expected: int | None = None
    ) -> None:
        """Make a change of the request's state; *call* gets what all such calls have in common."""
        mark, key = request.mark, f"{request.governor}/{request.targets[0]}"
        options: dict[str, Any] = {"metadata": _signed(mark), "timeout": self._timeout(request)}
        if request.key is not None:
            options["idempotency_key"] = request.key
        request.marks.append(mark)
        self._ledger.ask(mark, [key], expected)
        with _Answers(self._ledger, mark):
            result = await call(options)
            self._note(mark, key, result)

    def _note(self, mark: str, key: str, result: Any) -> None:
        if not isinstance(result, TransitionResult):
            self._ledger.acknowledge(mark, {key: result})
        elif result.event.metadata.reason == mark:
            self._ledger.acknowledge(mark, {key: result.version})
        elif result.replayed:
            # The same key was used before, and that change is the answer: this one was never made.
            earlier = self._ledger.promises[result.event.metadata.reason].versions
            if earlier and earlier[key] != result.version:
                told = f"{mark} repeats {result.event.metadata.reason} at {result.version}, not {earlier[key]}"
                raise BrokenError("one outcome of a key", told)
            self._ledger.refuse(mark)
        else:
            raise BrokenError("own event", f"{mark} was answered with the change {result.event.metadata.reason}")

    def _timeout(self, request: Request) -> float | None:
        if request.key is None:
            return request.timeout
        # A key must not be forgotten while its call is still tried.
        most = min(30.0, self._process.plan.receipt_ttl / 4)
        return most if request.timeout is None else min(most, request.timeout)

    async def _seen(self, request: Request) -> tuple[int, dict[str, Any]]:
        """Return the version and the data on which the client decided: those before its first attempt."""
        if request.seen is None:
            snapshot, version = await self._store.get_state(SHOP, request.targets[0])
            request.seen = version, snapshot.data
        return request.seen

    async def _expected(self, request: Request) -> int | None:
        return (await self._seen(request))[0] if request.expecting else None

    async def _move(self, request: Request) -> None:
        (order,), payload = request.targets, {"amount": request.amount}
        expected = await self._expected(request)
        await self._change(
            request,
            lambda options: self._persister.transition(
                SHOP, order, request.action, payload, expected_version=expected, **options
            ),
            expected=expected,
        )

    async def _log(self, request: Request) -> None:
        (order,), data = request.targets, {"n": request.amount}
        await self._change(
            request,
            lambda options: self._persister.log_transition(
                SHOP, order, "logged", to_status="idle", data=data, **options
            ),
        )

    async def _save(self, request: Request) -> None:
        (order,), data = request.targets, {"n": request.amount, "text": "x" * 40}
        expected = await self._expected(request)
        await self._change(
            request,
            lambda options: self._store.save_state(
                SHOP, order, data, status="idle", expected_version=expected, force=True, **options
            ),
            expected=expected,
        )

    async def _update(self, request: Request) -> None:
        (order,) = request.targets
        version, data = await self._seen(request)
        changed = {**data, "n": request.amount}
        await self._change(
            request,
            lambda options: self._store.update_state(SHOP, order, changed, version, **options),
            expected=version,
        )

    async def _delete(self, request: Request) -> None:
        (order,) = request.targets
        await self._change(request, lambda options: self._store.delete_state(SHOP, order, **options))

    async def _start(self, request: Request) -> None:
        (order,), data = request.targets, {"n": request.amount}
        await self._change(request, lambda options: self._persister.start(SHOP, order, data, **options))

    async def _rollback(self, request: Request) -> None:
        (order,) = request.targets
        to_version = max(1, (await self._seen(request))[0] - request.amount)
        await self._change(request, lambda options: self._persister.rollback(SHOP, order, to_version, **options))

    # Reads

    async def _read(self, request: Request) -> None:
        key = f"{request.governor}/{request.targets[0]}"
        number = self._ledger.begin_read(request.mark, key)
        record = await self._store.runtime.record(state_layout(request.governor, request.targets[0]), request.timeout)
        if record is None:
            self._ledger.end_read(request.mark, number, 0, None)
        else:
            self._ledger.end_read(request.mark, number, record.version, record.metadata.reason)

    async def _snapshot(self, request: Request) -> None:
        await self._persister.create_snapshot(SHOP, request.targets[0], timeout=request.timeout)

    async def check(self, request: Request) -> None:
        """See that a governor is consistent, and that its states can be loaded and replayed, beside the writers."""
        report = await self._persister.validate_consistency(request.governor)
        if problems := problems_of_ours(report):
            raise BrokenError("consistency beside writers", repr(problems))
        try:
            loaded = await self._persister.load_state(request.governor, request.targets[0])
            await self._persister.replay(request.governor, request.targets[0])
        except StateNotFoundError:
            return
        if loaded.recovered:
            raise BrokenError("sound states", f"{request.targets[0]} had to be rebuilt")

    # The bank

    async def _transfer(self, request: Request) -> None:
        source, target = request.targets
        mark, amount = request.mark, request.amount

        async def body(tx: AsyncTransaction) -> list[int]:
            versions = []
            for name, change in ((source, -amount), (target, amount)):
                snapshot, _ = await tx.get_state(BANK, name)
                balance = snapshot.data["balance"] + change
                versions.append(await tx.save_state(BANK, name, {"balance": balance}, _signed(mark)))
            return versions

        keys = [f"{BANK}/{source}", f"{BANK}/{target}"]
        request.marks.append(mark)
        self._ledger.ask(mark, keys)
        with _Answers(self._ledger, mark):
            # A transaction's key is remembered for good.
            versions = await self._process.transactions.run(body, idempotency_key=request.key, timeout=request.timeout)
            self._ledger.acknowledge(mark, dict(zip(keys, versions, strict=True)))

    async def _audit(self, request: Request) -> None:
        accounts = names("account", self._process.plan.accounts)

        async def body(tx: AsyncTransaction) -> int:
            # One by one: what was read before is held against what is read now.
            return sum([(await tx.get_state(BANK, name))[0].data["balance"] for name in accounts])

        if request.expecting:
            found = (await self._store.batch_get_states(BANK, accounts)).found
            total = sum(snapshot.data["balance"] for snapshot in found.values())
        else:
            total = await self._process.transactions.run(body, read_only=True, timeout=request.timeout)
        if total != OPENING * len(accounts):
            raise BrokenError("bank total", f"an audit saw {total}")

    # The vaults

    async def _guard(self, request: Request) -> None:
        (vault,) = request.targets
        owner = f"{self._process.name}/{request.mark}"
        began = self._process.world.ticks.monotonic()
        async with self._process.locks.hold(
            vault, owner=owner, timeout=LOCK_WAIT_SECONDS, heartbeat=request.heartbeat
        ) as lock:
            self._ledger.granted(self._process, [lock], began)
            for number, pause in enumerate(request.pauses):
                await asyncio.sleep(pause)
                await self._guarded_move(request, f"{request.mark}.{number}", vault, lock)

    async def _guarded_move(self, request: Request, mark: str, vault: str, lock: AsyncLock) -> None:
        request.marks.append(mark)
        self._ledger.ask(mark, [f"{VAULT}/{vault}"])
        with _Answers(self._ledger, mark):
            result = await self._persister.transition(
                VAULT, vault, "add", {"amount": request.amount}, metadata=_signed(mark), lock=lock
            )
            self._note(mark, f"{VAULT}/{vault}", result)

    async def _guard_many(self, request: Request) -> None:
        owner = f"{self._process.name}/{request.mark}"
        began = self._process.world.ticks.monotonic()
        locks = await self._process.locks.acquire_many(
            request.targets, owner=owner, timeout=LOCK_WAIT_SECONDS, heartbeat=request.heartbeat
        )
        async with locks:
            self._ledger.granted(self._process, locks.locks, began)
            await asyncio.sleep(request.pauses[0])
            await self._guarded_transaction(request, locks)

    async def _guarded_transaction(self, request: Request, locks: AsyncLockSet) -> None:
        mark = request.mark

        async def body(tx: AsyncTransaction) -> list[int]:
            versions = []
            for vault in request.targets:
                snapshot, _ = await tx.get_state(VAULT, vault)
                data = {**snapshot.data, "n": snapshot.data["n"] + request.amount}
                versions.append(await tx.save_state(VAULT, vault, data, _signed(mark)))
            return versions

        keys = [f"{VAULT}/{vault}" for vault in request.targets]
        request.marks.append(mark)
        self._ledger.ask(mark, keys)
        with _Answers(self._ledger, mark):
            versions = await self._process.transactions.run(body, lock=locks)
            self._ledger.acknowledge(mark, dict(zip(keys, versions, strict=True)))


class _Answers:
    """Notes which answer the errors of a change are.

    Any but OutcomeUnknownError says that nothing was written. What is no error of tai_state is no answer.
    """

    def __init__(self, ledger: Ledger, mark: str) -> None:
        self._ledger = ledger
        self._mark = mark

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        match error:
            case OutcomeUnknownError():
                self._ledger.doubt(self._mark)
                raise DoubtError from error
            case ReplayError():
                return False
            case VersionConflictError():
                self._ledger.refuse(self._mark, error.actual)
                return True
            case TaiStateError():
                self._ledger.refuse(self._mark)
                return True
            case _:
                return False


def _signed(mark: str) -> ChangeMetadata:
    return ChangeMetadata(changed_by=mark.partition(".")[0], reason=mark)
