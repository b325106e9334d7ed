"""Decide a change: from what was read to the one commit that makes it, or to the error that refuses it."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from tai_state.causality import node_key
from tai_state.codec import EMPTY, Payload
from tai_state.documents import Check, MustNotExist, Put, Write
from tai_state.errors import (
    InvalidDataError,
    SchemaVersionError,
    StateExistsError,
    StateNotFoundError,
    StatusConflictError,
    VersionConflictError,
)
from tai_state.layout import FORMAT, META, StateLayout
from tai_state.rules.commits.change import Change, Fresh, Head, Needs, Plan, Replay, Settings, Target, View
from tai_state.rules.commits.receipts import (
    Receipt,
    check_same_request,
    live_receipt,
    receipt_write,
    request_fingerprint,
)
from tai_state.rules.due.arming import Entry, armed, due_marks
from tai_state.rules.history.segments import Segment, sealed_alone
from tai_state.rules.history.snapshots import add_snapshot, begins_period
from tai_state.rules.history.upcasting import Place
from tai_state.rules.records.chain import GENESIS, covered_text, erasable, seal_of
from tai_state.rules.records.documents import content_fields, event_fields, state_put
from tai_state.rules.records.erased import ERASE
from tai_state.rules.records.feeding import FEED, META_FORMAT, Feed, feed_key
from tai_state.rules.records.occasional import Cause, prepared_error
from tai_state.rules.records.record import (
    NO_STATE,
    EventRecord,
    Marks,
    MetadataRecord,
    Signal,
    StateRecord,
    complete,
)

_IS_NEW = MustNotExist()

REBUILT = "tai_rebuilt"
"""In the context of an event: that the state document which it rests on was missing or damaged, and was rebuilt."""


def decide(change: Change, view: View, fresh: Fresh, settings: Settings) -> Plan | Replay:
    """Return the commit that makes *change*, or the earlier change that it repeats.

    The verdicts come in this order: receipt, fence, the mark of a transaction over several stores, existence, expected
    version and status, schema, what the machine allows, guard.

    Raises:
        IdempotencyMismatchError, FencedOutError, PreparedError, StateNotFoundError, StateExistsError,
        VersionConflictError, StatusConflictError, SchemaVersionError: The change is refused; so it is by what its
            ``target_of`` raises.
    """
    # Without a read there is no receipt to see; the commit's own precondition on it tells then.
    is_seen = change.idempotency_key is not None and view.read_time is not None
    receipt = _receipt(change, view) if is_seen else None
    # Before every other verdict: a repetition of what was done is answered, whatever became of the state since.
    if receipt is not None:
        return Replay(receipt.version, receipt.transition_id)
    record = view.head.record if view.head else None
    if view.guard is not None and view.documents is not None:
        view = replace(view, guard=view.guard.as_read(view.documents))
    fences: Mapping[str, int] = record.fences if record else {}
    if view.guard is not None:
        fences = view.guard.fences(fences)
    # Existence before version: "there is none" explains more than "it is at another version".
    if record is None or record.deleted or record.marks.prepared is not None or change.needs is Needs.ABSENT:
        _check_existence(change, record)
    if change.expected_version is not None:
        _check_version(change, change.expected_version, record)
    if change.expected_status is not None:
        _check_status(change, change.expected_status, record)
    schema = change.schema
    if schema is not None and record is not None and record.schema_version > schema.version and not record.deleted:
        raise _newer(change, record.schema_version, record.version)
    target = change.target_of(None if record is None or (record.deleted and change.needs is not Needs.EVER) else record)
    if schema is not None and target.schema_version > schema.version:
        raise _newer(change, target.schema_version, record.version if record is not None else None)
    event = _event(change, view, target, fresh, settings, fences=fences)
    if settings.alone is not None and (event.depends_on or (record is not None and record.marks.dependents)):
        settings.alone(record, event)
    return _plan(change, view, event, fresh, settings)


def _receipt(change: Change, view: View) -> Receipt | None:
    assert change.idempotency_key is not None
    assert view.read_time is not None
    ids = (change.paths.governor_id, change.paths.state_id)
    receipt = live_receipt(view.receipt, view.read_time, *ids)
    if receipt is not None:
        check_same_request(receipt, fingerprint_of(change), change.idempotency_key, *ids)
    return receipt


def _check_existence(change: Change, record: StateRecord | None) -> None:
    ids = (change.paths.governor_id, change.paths.state_id)
    # Whatever is refused below, or done, would rest on a state that may be another one already.
    if record is not None and record.marks.prepared is not None:
        raise prepared_error(record)
    if change.needs is Needs.LIVE and (record is None or record.deleted):
        raise StateNotFoundError(*ids, deleted=record is not None, last=record.version if record else 0)
    if change.needs is Needs.EVER and record is None:
        raise StateNotFoundError(*ids)
    if change.needs is Needs.ABSENT and record is not None and not record.deleted:
        raise StateExistsError(*ids, record.version)


def _check_version(change: Change, expected: int, record: StateRecord | None) -> None:
    actual = record.version if record else 0
    # A deleted state counts as absent for a caller who expects none.
    absent = record is None or record.deleted
    if expected != actual and not (expected == 0 and absent):
        raise VersionConflictError(change.key, expected, actual)


def _check_status(change: Change, expected: str, record: StateRecord | None) -> None:
    # Neither a state that is not there nor a tombstone is in any status.
    actual = None if record is None or record.deleted else record.status
    if actual != expected:
        raise StatusConflictError(change.key, expected, actual)


def _newer(change: Change, label: int, version: int | None) -> SchemaVersionError:
    assert change.schema is not None
    return change.schema.newer(label, Place(change.paths.governor_id, change.paths.state_id, version))


def _event(
    change: Change, view: View, target: Target, fresh: Fresh, settings: Settings, *, fences: Mapping[str, int]
) -> EventRecord:
    before = view.head.record if view.head else None
    floor = before.timestamp if before else None
    if change.timestamp is not None:
        _check_timestamp(change.timestamp, floor, fresh.store_time)
    # The writer's clock may be behind the previous writer's; a state's timestamps never fall.
    timestamp = change.timestamp or (max(fresh.now, floor) if floor else fresh.now)
    # The first commit of a store names it; a store that was copied must take a new name before it syncs.
    origin = view.origin or fresh.store_id
    merges, is_erasing = change.merges, change.kind == ERASE
    if merges is None:
        causality = dict(before.causality) if before else {}
        writer = node_key(origin, settings.node) if settings.node else origin
        causality[writer] = causality.get(writer, 0) + 1
    else:
        is_erasing, causality = merges.erases, dict(merges.clock)
        timestamp = max(merges.timestamp, floor or merges.timestamp)
    # A state that is made again is a new one that goes on with the old one's versions.
    reborn = before is None or (before.deleted and not target.deleted)
    depends_on: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()
    if before is None or before.depends_on or before.signals or change.depends_on or target.signals:
        depends_on, signals = _dependence(change, before, target, reborn=reborn)
    labels = target.labels or ()
    if target.labels is None and before is not None and before.labels and not (reborn or target.deleted):
        labels = before.labels
    due, timeouts = None, settings.timeouts
    # Nothing is due of most states, and their machines have no timeouts.
    if target.due is not None or timeouts is not None or (before is not None and before.due is not None):
        due = armed(before, _entry(change, before, target, fresh), timeouts)
    return EventRecord(
        governor_id=change.paths.governor_id,
        state_id=change.paths.state_id,
        version=before.version + 1 if before else 1,
        action=target.action or change.action,
        kind=change.kind,
        payload=change.payload,
        idempotency_key=change.idempotency_key,
        from_status=before.status if before else None,
        to_status=target.status,
        from_state=NO_STATE if before is None else EMPTY if is_erasing else before.data,
        to_state=target.data,
        last_error=target.last_error,
        deleted=target.deleted,
        schema_version=target.schema_version,
        machine=target.machine,
        metadata=MetadataRecord(
            change.author.changed_by,
            change.author.reason,
            before.version if before else None,
            change.author.context if view.head is None or view.head.rebuilt is None else _rebuilt(change, view.head),
        ),
        causality=causality,
        fences=fences,
        origin=origin,
        parents=(before.version,) if before else (),
        transition_id=fresh.transition_id,
        fencing_token=view.guard.token if view.guard else None,
        timestamp=timestamp,
        created_at=timestamp if reborn or before is None else before.created_at,
        occurred_at=change.occurred_at,
        previous_hash=before.hash if before else GENESIS,
        hash="",
        depends_on=depends_on,
        signals=signals,
        due=due,
        labels=labels,
        cause=None if change.author.caused is None else Cause(*change.author.caused[:2]),
        foreign_parent=None if merges is None else merges.foreign,
    )


def _entry(change: Change, before: StateRecord | None, target: Target, fresh: Fresh) -> Entry:
    """Return what of a change decides on what is due."""
    return Entry(
        version=before.version + 1 if before else 1,
        status=target.status,
        machine=target.machine,
        now=fresh.store_now(),
        deleted=target.deleted,
        # The way back leads into a status as if the state came there now.
        enters=change.kind == "rollback",
        wanted=target.due,
    )


def _check_timestamp(timestamp: datetime, floor: datetime | None, ceiling: datetime | None) -> None:
    """Refuse a time of a change's own that is before the last change's, or later than the store's clock.

    One from the future would drag every later change of the state there: their times never fall.
    """
    instead = "leave timestamp out, and say when it happened with occurred_at"
    if floor is not None and timestamp < floor:
        message = f"{timestamp.isoformat()} is before the state's last change at {floor.isoformat()}; {instead}"
        raise InvalidDataError(message, path="timestamp")
    if ceiling is not None and timestamp > ceiling:
        message = f"{timestamp.isoformat()} is later than the store's clock, {ceiling.isoformat()}; {instead}"
        raise InvalidDataError(message, path="timestamp")


def _rebuilt(change: Change, head: Head) -> Payload:
    """Return the author's context, and beside it that the change rests on a state that had to be rebuilt."""
    note = {REBUILT: {"document": head.rebuilt, "version": head.record.version}}
    return Payload.of({**change.author.context.value(), **note})


def _dependence(
    change: Change, before: StateRecord | None, target: Target, *, reborn: bool
) -> tuple[tuple[str, ...], tuple[Signal, ...]]:
    """Return what the state depends on, and the signals behind its status.

    A tombstone keeps its dependencies: a rollback brings it back with them, any other change without.
    """
    if change.depends_on is not None:
        depends_on = change.depends_on
    else:
        depends_on = before.depends_on if before and (not reborn or change.needs is Needs.EVER) else ()
    if target.signals is not None:
        return depends_on, target.signals
    stays = before is not None and not reborn and before.status == target.status
    return depends_on, before.signals if before and stays else ()


def segment_is_due(plan: Plan, settings: Settings) -> bool:
    """Whether the state that a plan changes has a full run of events unsealed."""
    maintenance, base = settings.maintenance, plan.base
    if maintenance is None or base is None:
        return False
    return base.record.version - base.record.marks.first_unsealed + 1 >= maintenance.segment_events


def with_segment(plan: Plan, paths: StateLayout, segment: Segment, settings: Settings, erased_through: int) -> Plan:
    """Return *plan* with a segment that is due, and its mark in the state; as it is where another has sealed it.

    Args:
        erased_through: Up to which version the state was erased when the events were read. Where it was since, the
            segment holds what is gone, and is left out: the next change has it read again.
    """
    if plan.base is None:
        return plan
    found = plan.base.record.marks
    if (segment.first, erased_through) != (found.first_unsealed, found.erased_through):
        return plan
    record, state, sealed = sealed_state(paths, plan.record, segment, plan.base.update_time, settings)
    return replace(plan, state_put=lambda: state, others=(*plan.others, *sealed), record=record)


def sealed_state(
    paths: StateLayout, record: StateRecord, segment: Segment, found: datetime | None, settings: Settings
) -> tuple[StateRecord, Put, tuple[Write, ...]]:
    """Return a state whose marks name a segment that has just been made, its write, and those of the segment.

    Args:
        found: The update_time of the state's document, over which it is written.
    """
    assert segment.write is not None
    record = replace(record, marks=replace(record.marks, sealed_through=segment.last))
    is_compacted = settings.maintenance is not None and settings.maintenance.compact_sealed
    sealed = sealed_alone(segment, paths) if is_compacted else (segment.write,)
    return record, state_put(paths, record, settings.encoding, found), sealed


def _plan(change: Change, view: View, event: EventRecord, fresh: Fresh, settings: Settings) -> Plan:
    values = erasable(event)
    seal = seal_of(values, fresh.salt)
    complete(event, "seal", seal)
    covered = covered_text(event, seal)
    complete(event, "hash", hashlib.sha256(covered).hexdigest())
    before = view.head.record if view.head else None
    extra: list[Write] = []
    marks = before.marks if before else None
    if event.due is not None or (before is not None and before.due is not None):
        was = before.due if before else None
        marks = due_marks(marks or Marks(), was, event.due, (event.origin, change.paths), settings.due_shards)
    if view.feed and (marks is None or not marks.feed_key):
        marks = replace(marks or Marks(), feed_key=feed_key(event.origin, change.paths.state, view.feed))
    record = event.state(marks)
    maintenance = settings.maintenance
    if maintenance is not None and (
        # A multiple of the interval is reached. By the newest snapshot, not by the version alone: so one that was put
        # off there is due with the next commit.
        record.version - record.version % maintenance.snapshot_interval > record.marks.newest_snapshot
        or (maintenance.snapshot_every is not None and _begins_period(before, record, maintenance.snapshot_every))
    ):
        record, snapshots = add_snapshot(change.paths, record, settings.encoding, maintenance.snapshot_retention)
        extra += snapshots
    found = view.head.update_time if view.head else None
    common = content_fields(event, settings.encoding)
    fields = event_fields(event, settings.encoding, common)
    put = partial(state_put, change.paths, record, settings.encoding, found, common)
    writes: list[Write] = [Put(change.paths.event(event.version), fields, _IS_NEW, is_sound=True)]
    if view.head is None:
        # A state that has lost its document may have lost its first event to its first segment, or to a trim.
        writes.append(Check(change.paths.segment(1), MustNotExist()))
    if change.idempotency_key is not None:
        writes.append(_receipt_write(change, view, event, fresh, settings))
    # With the first change, not before it: a store that is only read is not written.
    if view.origin is None:
        writes.append(Put(META, meta_fields(fresh.store_id, view.feed, fresh.now), MustNotExist()))
    guarded = view.guard.writes() if view.guard else ()
    return Plan(put, (*writes, *guarded, *extra), event, covered, values, record, view.head, view.guard)


def writes_of(*plans: Plan) -> tuple[Write, ...]:
    """Return the writes of one commit, that of the state first: the last of its *plans* makes that one.

    Args:
        plans: Of one state, each decided upon what the one before it makes.
    """
    return (plans[-1].state_put(), *[write for plan in plans for write in plan.others])


def _begins_period(before: StateRecord | None, record: StateRecord, every: timedelta) -> bool:
    return before is not None and begins_period(before, record, every)


def _receipt_write(change: Change, view: View, event: EventRecord, fresh: Fresh, settings: Settings) -> Write:
    assert change.idempotency_key is not None
    return receipt_write(
        change.paths.receipt(change.idempotency_key),
        Receipt(fingerprint_of(change), event.version, event.transition_id),
        key=change.idempotency_key,
        state_id=change.paths.state_id,
        expired=view.receipt,
        ttl=settings.receipt_ttl,
        now=fresh.now,
    )


def fingerprint_of(change: Change) -> str:
    """Return what a later call under the same key must match."""
    return request_fingerprint(change.kind, change.action, change.request)


def meta_fields(store_id: str, feed: int = 0, now: datetime | None = None) -> dict[str, object]:
    """Return the fields of a new store's ``tai/meta``; with *feed* keys by which it feeds, from *now* on."""
    if not feed or now is None:
        return {"format": FORMAT, "store_id": store_id}
    # There is no state yet that could lack its key, and none is made by somebody who finds no such document.
    switched = Feed(feed, now, is_scanned=True, is_complete=True)
    return {"format": META_FORMAT, "store_id": store_id, FEED: switched.fields()}
