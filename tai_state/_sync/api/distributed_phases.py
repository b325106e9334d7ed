# Generated from tai_state/_async/api/distributed_phases.py by .ci/generate_sync.py; do not edit.
"""The phases of a transaction over several stores: begin, prepare, decide, settle; and the end of those that died."""
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tai_state._sync.access.access import Access
from tai_state._sync.commits.feeding import learn
from tai_state._sync.distributed.decisions import Decisions
from tai_state._sync.distributed.participant import Participant
from tai_state._sync.distributed.parts import Parts
from tai_state._sync.distributed.settling import Settler, note_settled
from tai_state._sync.runtime import Runtime
from tai_state._sync.transactions.attempt import Attempt
from tai_state._sync.transactions.held import Held
from tai_state.authors import Author
from tai_state.clock import Deadline, Span
from tai_state.documents import MustNotExist, Put
from tai_state.errors import (
    CommitAmbiguousError,
    ConfigurationError,
    DeadlineExceededError,
    DocumentTooLargeError,
    OutcomeUnknownError,
    PreconditionFailedError,
    TaiStateError,
)
from tai_state.layout import META
from tai_state.rules.commits.decide import meta_fields
from tai_state.rules.distributed.parts import Concerned
from tai_state.rules.distributed.records import Begin, Verdict
from tai_state.rules.distributed.stores import concerned_by
from tai_state.rules.records.prepared import Closed, Part
from tai_state.urls import place_url

log = logging.getLogger("tai_state")

SETTLE_SECONDS = 5.0
"""What settling gets at least once it is decided: what is left then keeps others from writing."""


class Runtimes:
    """The stores of a distributed transaction, and what tells them from each other."""

    def __init__(self, coordinator: Runtime, stores: Mapping[str, Runtime]) -> None:
        """Know nothing of them yet: nothing is read before the first use."""
        self.coordinator = coordinator
        self.coordinator_id = ""
        self.coordinator_url = ""
        self.stores = stores
        self.ids: dict[str, str] = {}

    def begin(self, deadline: Deadline) -> None:
        """Find out the ids of the stores; one that was never written to gets its own.

        Raises:
            ConfigurationError: Two of them are one: all that is done there is one transaction of it.
        """
        if self.coordinator_id:
            return
        places = {name: store.access.backend.place() for name, store in self.stores.items()}
        if len(set(places.values())) != len(places):
            message = f"two of the stores {', '.join(map(repr, places))} are one store: name it once"
            raise ConfigurationError(message)
        for name, store in self.stores.items():
            self.ids[name] = named(store, deadline)
        coordinator_id = named(self.coordinator, deadline)
        if len({*self.ids.values()}) != len(self.ids):
            message = "two of the stores have one id: one is a plain copy of the other; see backup and restore"
            raise ConfigurationError(message)
        place = self.coordinator.access.backend.place()
        if any(one == coordinator_id and places[name] != place for name, one in self.ids.items()):
            message = (
                "the coordinator has the id of one of the stores: it is a plain copy of it; see backup and restore"
            )
            raise ConfigurationError(message)
        self.coordinator_url = place_url(place)
        for store in self.stores.values():
            store.coordinators[coordinator_id] = self.coordinator.access
        self.coordinator_id = coordinator_id


def named(runtime: Runtime, deadline: Deadline) -> str:
    """Return the id of a store, which it gets where nothing was ever written there."""
    access, writer = runtime.access, runtime.writer

    def attempt() -> str:
        meta = (access.read([META], deadline)).get(META)
        store_id = learn(access, writer.feed, meta, deadline)
        if store_id is not None:
            writer.origin = store_id
            return store_id
        made = access.new_id()
        put = Put(META, meta_fields(made, writer.place[1], access.clock.now()), MustNotExist())
        access.backend.commit([put], timeout=access.attempt_seconds(deadline))
        writer.name(made)
        return made

    # Whoever was faster, or an attempt of ours without a reply, has named it.
    also = (PreconditionFailedError, CommitAmbiguousError)
    if writer.origin is not None:
        return writer.origin
    return access.retried(attempt, deadline, also=also, what="the name of a store")


@dataclass(frozen=True, slots=True)
class Phases:
    """The phases, for one call of a distributed transaction.

    Attributes:
        author: Who makes it.
        deadline: Until when it is to be decided; settling takes a moment more where it must.
    """

    runtimes: Runtimes
    participants: Mapping[str, Participant]
    lease: timedelta
    author: Author
    deadline: Deadline

    @property
    def decisions(self) -> Decisions:
        """The coordinator's store."""
        return Decisions(self.runtimes.coordinator.access, self.author)

    def run(
        self, transaction_id: str, attempts: Mapping[str, Attempt], held: Mapping[str, Held]
    ) -> None:
        """Decide what a body did, and do it.

        Args:
            held: What was met of others, by the name of the store.

        Raises:
            StaleReadError: What others had in hand is settled now: the body begins anew.
            PreconditionFailedError: What it read has changed: the body begins anew.
            DeadlineExceededError: The lease was over before it was decided; it is aborted.
            TaiStateError: As for ``DistributedTransaction.run``.
        """
        parts: dict[str, tuple[Part, Concerned]] = {}
        try:
            for name, attempt in attempts.items():
                held[name].check(attempt, self.deadline)
                made = self._part(transaction_id, name, attempt)
                if made[0].states or made[0].writes:
                    parts[name] = made
            parties = {**{name: self.runtimes.ids[name] for name in parts}, **dict.fromkeys(self.participants, "")}
            began_at = self.decisions.begin(transaction_id, parties, self.lease, self.deadline)
        except BaseException:
            self.drop(transaction_id)
            raise
        try:
            # Always in the order of their ids: of two that meet in several stores one gets through.
            for name in sorted(parts, key=self.runtimes.ids.__getitem__):
                Parts(self.runtimes.stores[name]).prepare(
                    *parts[name], self.author.changed_by, self.deadline
                )
            for participant in self.participants.values():
                participant.prepare(transaction_id)
        except BaseException:
            self._abort(transaction_id, [*parties], began_at)
            raise
        try:
            verdict = self.decisions.decide(transaction_id, Verdict.COMMIT, began_at, self.deadline)
        except TaiStateError as error:
            self._decide_against(transaction_id, [*parties], began_at, error)
            return
        self._settle(transaction_id, [*parties], verdict or Verdict.ABORT)
        if verdict is not Verdict.COMMIT:
            message = (
                f"the lease of {self.lease.total_seconds():g} seconds of distributed transaction {transaction_id} was "
                "over before it was decided, and it was aborted; nothing was written"
            )
            raise DeadlineExceededError(message)

    def _part(self, transaction_id: str, name: str, attempt: Attempt) -> tuple[Part, Concerned]:
        """Return what a store is to do, as small as it must be.

        Raises:
            DocumentTooLargeError: It is more than the store takes, however small it is made.
            PreparedError: Another transaction has one of its states in hand.
        """
        parts, changed_by = Parts(self.runtimes.stores[name]), self.author.changed_by
        made = self._made(transaction_id, name, attempt)
        try:
            parts.check(*made, changed_by)
        except DocumentTooLargeError:
            attempt.shrink()
            made = self._made(transaction_id, name, attempt)
            parts.check(*made, changed_by)
        return made

    def _made(self, transaction_id: str, name: str, attempt: Attempt) -> tuple[Part, Concerned]:
        concerned = concerned_by(attempt.draft, attempt.documents, attempt.writes)
        part = Part(
            transaction_id=transaction_id,
            name=name,
            coordinator_id=self.runtimes.coordinator_id,
            coordinator=self.runtimes.coordinator_url,
            lease_seconds=self.lease.total_seconds(),
            states=concerned.versions,
            writes=concerned.writes,
        )
        return part, concerned

    def _abort(self, transaction_id: str, names: Sequence[str], began_at: datetime) -> None:
        """Abort what could not be prepared, as far as the stores answer; whoever meets the rest aborts that."""
        try:
            verdict = self.decisions.decide(transaction_id, Verdict.ABORT, began_at, self._longer())
        except TaiStateError as error:
            log.warning("distributed transaction %s is aborted once its lease is over: %s", transaction_id, error)
            return
        self._settle(transaction_id, names, verdict or Verdict.ABORT)

    def _decide_against(
        self, transaction_id: str, names: Sequence[str], began_at: datetime, error: TaiStateError
    ) -> None:
        """Find out how it is decided, by an *error* to commit, or decide it: nobody has to wait for the lease to end.

        The first decision counts: ours to commit, where it arrived, or this one, behind which it never will.

        Raises:
            DeadlineExceededError: It is aborted, from *error*, where that left it open.
            TaiStateError: The *error* itself: it is aborted, or nobody knows.
        """
        try:
            verdict = self.decisions.decide(transaction_id, Verdict.ABORT, began_at, self._longer())
        except TaiStateError as unasked:
            log.warning("distributed transaction %s is settled past its lease: %s", transaction_id, unasked)
            raise error from None
        # Where begin and decision are gone it may have been committed, and is left as it is.
        if verdict is not None:
            self._settle(transaction_id, names, verdict)
        if verdict is Verdict.ABORT and isinstance(error, OutcomeUnknownError):
            message = f"distributed transaction {transaction_id} could not be decided in time; nothing was written"
            raise DeadlineExceededError(message) from error
        if verdict is not Verdict.COMMIT:
            raise error

    def _settle(self, transaction_id: str, names: Sequence[str], verdict: Verdict) -> None:
        """Do what was decided, wherever that can be done now; what cannot is done by whoever meets it."""
        settled: list[str] = []
        for name in names:
            try:
                # Each has a time of its own: one that does not answer takes none of the others'.
                self._settle_one(transaction_id, name, verdict, self._longer())
            except Exception as error:  # noqa: BLE001 - a participant may raise anything, and what is decided stays so
                log.warning("%r settles distributed transaction %s later: %s", name, transaction_id, _told(error))
            else:
                settled.append(name)
        if settled:
            note_settled(self.decisions, Closed(transaction_id, verdict.value), settled, self._longer())

    def _settle_one(self, transaction_id: str, name: str, verdict: Verdict, deadline: Deadline) -> None:
        participant = self.participants.get(name)
        if participant is None:
            closed = Parts(self.runtimes.stores[name]).settle(transaction_id, verdict, deadline)
            if closed.verdict != verdict.value:
                log.error("%r was forced to %s transaction %s, which is decided", name, closed.verdict, transaction_id)
        elif verdict is Verdict.COMMIT:
            participant.commit(transaction_id)
        else:
            participant.abort(transaction_id)

    def _longer(self) -> Deadline:
        return Deadline(self.runtimes.coordinator.access.clock, max(self.deadline.remaining(), SETTLE_SECONDS))

    def drop(self, transaction_id: str) -> None:
        """Let participants forget what a body did under an id that is never begun."""
        for name, participant in self.participants.items():
            try:
                participant.abort(transaction_id)
            except Exception as error:  # noqa: BLE001 - it may raise anything; what the body raised says more
                log.warning("%r could not drop transaction %s: %s", name, transaction_id, _told(error))

    def outcome(self, transaction_id: str) -> bool | None:
        """Return whether a transaction is committed; None: nobody decided it, or nobody knows any more."""
        told = self.decisions.told(transaction_id, self.deadline)
        return None if told.decision is None else told.decision.verdict is Verdict.COMMIT

    def recover(self, timeout: Span) -> int:
        """Settle what was left everywhere; see ``DistributedTransaction.recover``."""
        count = 0
        for runtime in self.runtimes.stores.values():
            for settlement in Settler(runtime, self._decisions_of, self.author).all(timeout):
                count += settlement.verdict is not None
        for name in self.participants:
            count += self._recover_participant(name, timeout)
        for begin, names in self.decisions.unsettled(timeout):
            self._finish(begin, names, timeout)
        return count

    def _recover_participant(self, name: str, timeout: Span) -> int:
        """Settle what a participant has prepared, and return how many; one that fails keeps no other one back."""
        count = 0
        try:
            for transaction_id in self.participants[name].recover():
                verdict = self._verdict(transaction_id, timeout)
                if verdict is not None:
                    self._settle(transaction_id, [name], verdict)
                    count += 1
        except Exception as error:  # noqa: BLE001 - it may raise anything
            log.warning("%r is recovered later: %s", name, _told(error))
        return count

    def _decisions_of(self, part: Part) -> Access | None:
        is_ours = part.coordinator_id == self.runtimes.coordinator_id
        return self.runtimes.coordinator.access if is_ours else None

    def _verdict(self, transaction_id: str, timeout: Span) -> Verdict | None:
        """Return how a transaction is decided, which it is past its lease; None: it is not, or nothing is known."""
        deadline = self.runtimes.coordinator.access.begin(timeout)
        told = self.decisions.told(transaction_id, deadline)
        if told.decision is not None:
            return told.decision.verdict
        if told.begin is None or not told.begin.is_over(told.read_time):
            return None
        return self.decisions.decide(transaction_id, Verdict.ABORT, told.begin.began_at, deadline)

    def _finish(self, begin: Begin, unsettled: Sequence[str], timeout: Span) -> None:
        """Settle, and tell of, those who take part and of whom it is not told, where they are known here."""
        known = {**self.runtimes.ids, **dict.fromkeys(self.participants, "")}
        ours = [name for name in unsettled if known.get(name) == begin.parties[name]]
        try:
            verdict = self._verdict(begin.transaction_id, timeout) if ours else None
        except TaiStateError as error:
            log.warning("distributed transaction %s is not ended here: %s", begin.transaction_id, error)
            return
        if verdict is not None:
            self._settle(begin.transaction_id, ours, verdict)


def _told(error: Exception) -> str:
    """Return what a record tells of an error: of a participant's its type alone, since it may say what is stored."""
    return str(error) if isinstance(error, TaiStateError) else type(error).__name__
