# Generated from tests/_async/recovery/damages.py by .ci/generate_sync.py; do not edit.
"""Ways to damage a store past everything above the port, each with what must be found, and whether the rest proves it.

The store that they damage is sound: state s has a full life of keyed moves, snapshots and segments, state d depends on
it, and state t is young.
"""
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from tai_state import BackendStore, StateMachinePersister, PersistenceConfig
from tai_state.config import Encoding
from tai_state.documents import Delete, DocumentPath, Put
from tai_state.layout import state_layout
from tai_state.rules.history.segments import build_segment, read_segment
from tai_state.rules.history.snapshots import read_snapshot, snapshot_fields
from tai_state.rules.records.chain import event_hash, make_seal
from tai_state.rules.records.documents import event_fields, read_event
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, alter, document_at, find, plant

S, D, T = (state_layout("g", name) for name in ("s", "d", "t"))
CONFIG = PersistenceConfig(snapshot_interval=4, snapshot_retention=2, segment_events=4)
VERSIONS = 11

Store = BackendStore
Damage = Callable[[Store], None]


def live(store: Store) -> StateMachinePersister[dict[str, Any]]:
    """Fill an empty store; s ends at version 11, with snapshots of 4 and 8 and segments of 1 to 4 and 5 to 8."""
    persister = StateMachinePersister(store, COUNTER, CONFIG)
    persister.start("g", "s", {"n": 0}, idempotency_key="k1")
    persister.start("g", "d", {"n": 0}, depends_on=["s"])
    for version in range(2, VERSIONS + 1):
        persister.transition("g", "s", "add", version, idempotency_key=f"k{version}")
    persister.start("g", "t", {"n": 5})
    persister.transition("g", "t", "add", 1)
    persister.transition("g", "t", "shut")
    return persister


@dataclass(frozen=True, slots=True)
class Case:
    """A damage, the kinds that must be found, and whether all of it can be repaired."""

    damage: Damage
    kinds: frozenset[str]
    is_determined: bool = True


CASES: dict[str, Case] = {}


def case(*kinds: str, is_determined: bool = True) -> Callable[[Damage], Damage]:
    """List a damage under its function's name."""

    def listed(damage: Damage) -> Damage:
        name = damage.__name__.removeprefix("async_").replace("_", " ")
        CASES[name] = Case(damage, frozenset(kinds), is_determined)
        return damage

    return listed


def write(store: Store, *writes: Put | Delete) -> None:
    """Commit *writes* as they are."""
    store.runtime.access.backend.commit(list(writes), timeout=TIMEOUT)


def copy(store: Store, source: DocumentPath, target: DocumentPath) -> None:
    """Put what is at *source* at *target*, too."""
    write(store, Put(target, (document_at(store, source)).fields))


# State documents


@case("state_missing")
def state_deleted(store: Store) -> None:
    write(store, Delete(S.state))


@case("state_missing")
def young_state_deleted(store: Store) -> None:
    write(store, Delete(T.state))


@case("corrupt_state")
def state_unreadable(store: Store) -> None:
    plant(store, S.state, data=5)


@case("corrupt_state")
def state_altered(store: Store) -> None:
    plant(store, S.state, status="shut")


@case("corrupt_state")
def state_altered_in_its_version(store: Store) -> None:
    plant(store, S.state, version=99)


@case("state_mismatch")
def state_altered_with_its_digest(store: Store) -> None:
    alter(store, S, data={"n": 99})


@case("state_behind", "lost_mark")
def state_rolled_back(store: Store) -> None:
    event = read_event(document_at(store, S.event(7)), S.governor_id, S.state_id)
    fields = snapshot_fields(event.state(), Encoding())
    write(store, Put(S.state, fields))


@case("stale_marks")
def marks_forgotten(store: Store) -> None:
    alter(store, S, snapshots=[8], sealed_through=4)


@case("lost_mark")
def dependents_forgotten(store: Store) -> None:
    alter(store, S, dependents={})


@case("corrupt_state")
def state_of_another(store: Store) -> None:
    copy(store, T.state, S.state)


@case("corrupt_state")
def young_state_of_an_older_one(store: Store) -> None:
    copy(store, S.state, T.state)


@case("missing_dependent", is_determined=False)
def dependent_gone_without_a_trace(store: Store) -> None:
    write(store, Delete(D.state), Delete(D.event(1)))


# Events


@case("missing_event")
def sealed_event_deleted(store: Store) -> None:
    write(store, Delete(S.event(3)))


@case("missing_event")
def all_sealed_events_deleted(store: Store) -> None:
    write(store, *(Delete(S.event(version)) for version in range(1, 9)))


@case("corrupt_event")
def sealed_event_altered(store: Store) -> None:
    plant(store, S.event(6), action="made up", payload={"n": 1})


@case("corrupt_event")
def events_swapped(store: Store) -> None:
    second, third = document_at(store, S.event(2)), document_at(store, S.event(3))
    write(store, Put(S.event(2), third.fields), Put(S.event(3), second.fields))


@case("corrupt_event")
def event_in_the_place_of_another(store: Store) -> None:
    copy(store, S.event(2), S.event(5))


@case("corrupt_event")
def sealed_event_forged_with_its_hash(store: Store) -> None:
    forge(store, 6)


@case("corrupt_event")
def unsealed_event_altered_in_what_it_made(store: Store) -> None:
    plant(store, S.event(10), to_state={"n": 99})


@case("corrupt_event")
def unsealed_event_altered_in_where_it_came_from(store: Store) -> None:
    plant(store, S.event(10), from_status="shut")


@case("corrupt_event")
def unsealed_event_unreadable_in_what_it_made(store: Store) -> None:
    plant(store, S.event(10), to_state=5)


@case("corrupt_event")
def last_event_altered_in_its_author(store: Store) -> None:
    event = document_at(store, S.event(VERSIONS))
    plant(store, S.event(VERSIONS), metadata={**event.fields["metadata"], "changed_by": "innocent"})


@case("corrupt_event")
def last_event_unreadable_in_its_hash(store: Store) -> None:
    plant(store, S.event(VERSIONS), hash=None)


@case("corrupt_event")
def unsealed_events_swapped(store: Store) -> None:
    tenth, ninth = document_at(store, S.event(10)), document_at(store, S.event(9))
    write(store, Put(S.event(9), tenth.fields), Put(S.event(10), ninth.fields))


@case("corrupt_event")
def distant_events_swapped(store: Store) -> None:
    last, ninth = document_at(store, S.event(VERSIONS)), document_at(store, S.event(9))
    write(store, Put(S.event(9), last.fields), Put(S.event(VERSIONS), ninth.fields))


@case("missing_event", "extra_event")
def unsealed_event_moved_behind_the_last(store: Store) -> None:
    copy(store, S.event(10), S.event(VERSIONS + 1))
    write(store, Delete(S.event(10)))


@case("corrupt_event")
def unsealed_event_altered_in_its_machine(store: Store) -> None:
    plant(store, S.event(10), machine_version=9)


@case("corrupt_event")
def unsealed_event_altered_in_its_origin(store: Store) -> None:
    plant(store, S.event(10), origin="elsewhere")


@case("extra_event")
def event_doubled_behind_the_last(store: Store) -> None:
    copy(store, S.event(VERSIONS), S.event(VERSIONS + 1))


@case("extra_event")
def event_of_another_behind_the_last(store: Store) -> None:
    copy(store, T.event(3), S.event(VERSIONS + 1))


@case("missing_event", is_determined=False)
def unsealed_event_deleted(store: Store) -> None:
    write(store, Delete(S.event(10)))


@case("missing_event", is_determined=False)
def last_event_deleted(store: Store) -> None:
    write(store, Delete(S.event(VERSIONS)))


@case("corrupt_event", is_determined=False)
def unsealed_event_altered_in_its_payload(store: Store) -> None:
    plant(store, S.event(10), payload={"n": 77})


@case("broken_chain", is_determined=False)
def unsealed_event_forged_with_its_hash(store: Store) -> None:
    forge(store, 9)


@case("state_mismatch", is_determined=False)
def last_event_forged_with_its_hash(store: Store) -> None:
    forge(store, VERSIONS)


# Snapshots and segments


@case("missing_snapshot")
def snapshot_deleted(store: Store) -> None:
    write(store, Delete(S.snapshot(4)))


@case("corrupt_snapshot")
def snapshot_altered(store: Store) -> None:
    plant(store, S.snapshot(8), data={"n": 99})


@case("corrupt_snapshot")
def snapshot_truncated(store: Store) -> None:
    fields = (document_at(store, S.snapshot(8))).fields
    write(store, Put(S.snapshot(8), {name: fields[name] for name in ("format", "version", "status")}))


@case("corrupt_snapshot")
def snapshot_of_another_state(store: Store) -> None:
    copy(store, T.state, S.snapshot(8))


@case("corrupt_snapshot")
def snapshot_forged_with_its_digest(store: Store) -> None:
    snapshot = read_snapshot(document_at(store, S.snapshot(4)), S.governor_id, S.state_id)
    write(store, Put(S.snapshot(4), snapshot_fields(replace(snapshot, status="shut"), Encoding())))


@case("missing_segment")
def segment_deleted(store: Store) -> None:
    write(store, Delete(S.segment(1)))


@case("missing_segment")
def all_segments_deleted(store: Store) -> None:
    write(store, Delete(S.segment(1)), Delete(S.segment(5)))


@case("corrupt_segment")
def segment_truncated(store: Store) -> None:
    blob = (document_at(store, S.segment(5))).fields["events"]
    plant(store, S.segment(5), events=blob[: len(blob) // 2])


@case("corrupt_segment")
def segment_in_the_place_of_another(store: Store) -> None:
    copy(store, S.segment(1), S.segment(5))


@case("corrupt_segment")
def segment_forged_with_its_digest(store: Store) -> None:
    segment = read_segment(document_at(store, S.segment(5)), S.governor_id, S.state_id)
    events = [replace(event, to_status="shut") if event.version == 6 else event for event in segment.events]
    forged = build_segment(S, events)
    assert forged is not None
    assert forged.write is not None
    write(store, forged.write)


# What stands beside


@case("orphaned_receipt")
def receipt_of_no_change(store: Store) -> None:
    receipt = document_at(store, S.receipt("k3"))
    made_up = {**receipt.fields, "idempotency_key": "made up", "transition_id": "made up"}
    write(store, Put(S.receipt("made up"), made_up))


@case("corrupt_receipt")
def receipt_altered_in_its_change(store: Store) -> None:
    plant(store, S.receipt("k3"), transition_id="made up")


@case("corrupt_receipt")
def receipt_altered_in_its_version(store: Store) -> None:
    plant(store, S.receipt("k3"), version=99)


@case("corrupt_receipt", is_determined=False)
def receipt_in_the_place_of_another(store: Store) -> None:
    copy(store, S.receipt("k4"), S.receipt("k5"))


@case("corrupt_segment")
def segment_altered_in_its_hash(store: Store) -> None:
    plant(store, S.segment(5), hash="0" * 64)


@case("foreign_document", is_determined=False)
def document_of_somebody_else(store: Store) -> None:
    write(store, Put(S.event(1)._replace(id="a.b"), {"x": 1}))


@case("foreign_document", is_determined=False)
def document_of_somebody_else_among_receipts(store: Store) -> None:
    write(store, Put(DocumentPath(S.governor.receipts, "a.b"), {"x": 1}))


def forge(store: Store, version: int) -> None:
    """Let an event say something else, with digests and a hash that fit."""
    event = read_event(document_at(store, S.event(version)), S.governor_id, S.state_id)
    forged = replace(event, metadata=replace(event.metadata, changed_by="innocent"))
    assert forged.seal is not None
    assert forged.seal.salt is not None
    forged = replace(forged, seal=make_seal(forged, forged.seal.salt))
    forged = replace(forged, hash=event_hash(forged))
    write(store, Put(S.event(version), event_fields(forged, Encoding())))


def sound_contents(store: Store) -> dict[str, dict[str, Any]]:
    """Return the fields of every document of the governor that a repair brings back; the engine's times aside."""
    names = ("states", "events", "snapshots", "segments", "receipts")
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        for document in store.runtime.access.backend.scan(getattr(S.governor, name), timeout=TIMEOUT):
            fields = {key: value for key, value in document.fields.items() if key != "committed_at"}
            found[str(document.path)] = fields
    return found


def is_there(store: Store, path: DocumentPath) -> bool:
    """Whether there is a document at *path*."""
    return find(store, path) is not None
