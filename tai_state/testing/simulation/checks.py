"""The invariants of a whole run, seen through a sound store once everything has arrived."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tai_state._async.api.connect import AsyncBackendStore
from tai_state.layout import escape, state_layout
from tai_state.models import Event
from tai_state.rules.history.replay import differing_field
from tai_state.testing.linearizability import Move, Moved, Operation, violations
from tai_state.testing.simulation.disturbances import problems_of_ours
from tai_state.testing.simulation.failure import BrokenError
from tai_state.testing.simulation.ledger import Ledger, Promise
from tai_state.testing.simulation.plan import BANK, SHOP, VAULT, SimulationPlan
from tai_state.testing.simulation.process import persister_of
from tai_state.testing.simulation.requests import names


@dataclass(frozen=True, slots=True)
class Outcome:
    """What stands in the store: the events of each state, and how long the keys that made them are remembered."""

    events: dict[str, list[Event[Any]]]
    receipt_ttl: timedelta

    def by_mark(self) -> dict[str, list[tuple[str, int]]]:
        """Return the states and versions that each mark made; of one whose key was forgotten meanwhile, the last."""
        found: dict[str, list[tuple[str, int]]] = defaultdict(list)
        forgotten = self.forgotten()
        for key, events in self.events.items():
            for event in events:
                if (event.metadata.reason, key, event.version) not in forgotten:
                    found[event.metadata.reason].append((key, event.version))
        return found

    def forgotten(self) -> set[tuple[str, str, int]]:
        """Return mark, state and version of each change that its caller, who got no answer, made a second time.

        It asked again under the same key after its receipt had expired, as a clock that jumps lets it: no store can
        know it then.
        """
        found: set[tuple[str, str, int]] = set()
        for key, events in self.events.items():
            last: dict[tuple[str, str], Event[Any]] = {}
            for event in events:
                if event.idempotency_key is None:
                    continue
                same = event.metadata.reason, event.idempotency_key
                before = last.get(same)
                if before is not None and self.has_expired(before, event):
                    found.add((same[0], key, before.version))
                last[same] = event
        return found

    def has_expired(self, before: Event[Any], event: Event[Any]) -> bool:
        """Whether the receipt of the one *before* had expired when *event* was committed."""
        return _committed(event) - _committed(before) > self.receipt_ttl


async def check_run(store: AsyncBackendStore, plan: SimulationPlan, ledger: Ledger, total: int) -> int:
    """Hold the store against what the clients were told; return the number of events.

    Raises:
        BrokenError: An invariant does not hold.
    """
    outcome = Outcome(await _events(store, plan), timedelta(seconds=plan.receipt_ttl))
    _check_versions(outcome)
    _check_promises(outcome, ledger)
    _check_keys(outcome)
    _check_tokens(outcome)
    await _check_bank(store, plan, total)
    await _check_states(store, plan)
    found = violations(_explained(ledger.operations(), outcome))
    if found:
        raise BrokenError("linearizability", "; ".join(map(str, found)))
    return sum(map(len, outcome.events.values()))


def _explained(operations: list[Operation], outcome: Outcome) -> Iterator[Operation]:
    """Yield the history with what the store tells of changes without a reply: made as which version, or never.

    Left open, each could be anywhere or nowhere, and many of them are more than a search can try.
    """
    made = {(mark, key): version for mark, found in outcome.by_mark().items() for key, version in found}
    forgotten: dict[tuple[str, str], list[int]] = defaultdict(list)
    for mark, key, earlier in outcome.forgotten():
        forgotten[mark, key].append(earlier)
    for operation in operations:
        if isinstance(operation.call, Move):
            for earlier in forgotten[operation.call.mark, operation.key]:
                yield replace(operation, reply=Moved(earlier))
        if operation.reply is not None or not isinstance(operation.call, Move):
            yield operation
        elif (version := made.get((operation.call.mark, operation.key))) is not None:
            yield replace(operation, reply=Moved(version))


def all_states(plan: SimulationPlan) -> Iterator[tuple[str, str]]:
    """Yield the governor and the id of every state of a run."""
    for governor, kind, count in (
        (SHOP, "order", plan.states),
        (BANK, "account", plan.accounts),
        (VAULT, "vault", plan.vaults),
    ):
        for name in names(kind, count):
            yield governor, name


async def _events(store: AsyncBackendStore, plan: SimulationPlan) -> dict[str, list[Event[Any]]]:
    return {
        f"{governor}/{name}": [event async for event in store.get_events(governor, name)]
        for governor, name in all_states(plan)
    }


def _check_versions(outcome: Outcome) -> None:
    for key, events in outcome.events.items():
        versions = [event.version for event in events]
        if versions != list(range(1, len(versions) + 1)):
            raise BrokenError("contiguous versions", f"{key} has the versions {versions}")


def _check_promises(outcome: Outcome, ledger: Ledger) -> None:
    made = outcome.by_mark()
    for mark, promise in ledger.promises.items():
        _check_promise(mark, promise, made.pop(mark, []))
    if made:
        raise BrokenError("known changes", f"nobody asked for {sorted(made)}")


def _check_promise(mark: str, promise: Promise, made: list[tuple[str, int]]) -> None:
    told = sorted(promise.versions.items())
    if told and sorted(made) != told:
        raise BrokenError("acknowledged exactly once", f"{mark} was told to be {told}, there is {made}")
    if promise.is_refused and made:
        raise BrokenError("refused means not written", f"{mark} was refused, and made {made}")
    if promise.is_absent and made:
        raise BrokenError("cancelled means settled", f"{mark} was not there when its call ended, and made {made}")
    keys = [key for key, _ in made]
    if len(keys) != len(set(keys)):
        raise BrokenError("unacknowledged at most once", f"{mark} made {made}")
    if made and sorted(keys) != sorted(promise.calls):
        raise BrokenError("all or none", f"{mark} was to change {sorted(promise.calls)}, and made {made}")


def _check_keys(outcome: Outcome) -> None:
    """See that a key made a second change only once its receipt had expired."""
    for key, events in outcome.events.items():
        last: dict[str, Event[Any]] = {}
        for event in events:
            if event.idempotency_key is None:
                continue
            before = last.get(event.idempotency_key)
            if before is not None and not outcome.has_expired(before, event):
                told = f"{event.idempotency_key} made the versions {before.version} and {event.version} of {key}"
                raise BrokenError("a key counts once", told)
            last[event.idempotency_key] = event


def _committed(event: Event[Any]) -> datetime:
    assert event.committed_at is not None
    return event.committed_at


def _check_tokens(outcome: Outcome) -> None:
    for key, events in outcome.events.items():
        tokens = [event.fencing_token for event in events if event.fencing_token is not None]
        # With several locks the token is that of the first, so of one state's own lock only where there is one.
        if key == f"{VAULT}/{escape('vault-0')}" and tokens != sorted(tokens):
            raise BrokenError("tokens rise", f"{key} was written under the tokens {tokens}")


async def _check_bank(store: AsyncBackendStore, plan: SimulationPlan, total: int) -> None:
    found = (await store.batch_get_states(BANK, names("account", plan.accounts))).found
    held = sum(snapshot.data["balance"] for snapshot in found.values())
    if held != total:
        raise BrokenError("bank total", f"the accounts hold {held}, not {total}")


async def _check_states(store: AsyncBackendStore, plan: SimulationPlan) -> None:
    """See that each state is the fold of its events, whole, chained, run again, and rebuilt from its snapshots."""
    persister = persister_of(store, plan)
    for governor in (SHOP, BANK, VAULT):
        report = await persister.validate_consistency(governor)
        if problems := problems_of_ours(report):
            raise BrokenError("state is replay", repr(problems))
    for governor, name in all_states(plan):
        record = await store.runtime.record(state_layout(governor, name), None) if governor == SHOP else None
        if record is None:
            continue
        kept = [snapshot.version async for snapshot in persister.list_snapshots(governor, name)]
        if kept != list(record.marks.snapshots):
            raise BrokenError("snapshots kept", f"{governor}/{name} has {kept}, and names {record.marks.snapshots}")
        rebuilt = await store.runtime.history.rebuild(state_layout(governor, name))
        if rebuilt is None or differing_field(record, rebuilt) is not None:
            raise BrokenError("snapshots and events", f"{governor}/{name} comes out as {rebuilt}")
