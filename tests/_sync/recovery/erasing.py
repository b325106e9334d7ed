# Generated from tests/_async/recovery/erasing.py by .ci/generate_sync.py; do not edit.
"""A state that holds a mark wherever a state can hold something, and who still holds it."""
from tai_state import (
    StateMachinePersister,
    TransactionManager,
    ChangeMetadata,
    PersistenceConfig,
)
from tai_state.layout import GovernorLayout, state_layout
from tai_state.values import to_json
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT

S, T = state_layout("g", "s"), state_layout("g", "t")
CONFIG = PersistenceConfig(snapshot_interval=5, segment_events=3)

MARK = "M4rkOfWhatIsToGo"
NAMES = ("states", "events", "snapshots", "segments", "receipts", "audit", "quarantine", "erasures")


def persisted(store):
    return StateMachinePersister(store, COUNTER, CONFIG)


def marked(store, state_id="s", changes=12):
    """Return a persister, and a state that holds the mark wherever a state can hold something."""
    persister = persisted(store)
    why = ChangeMetadata(changed_by=f"by {MARK}", reason=f"for {MARK}", context={"k": MARK})
    persister.start("g", state_id, {"n": 0, "text": MARK}, metadata=why, idempotency_key=f"start {MARK}")
    for number in range(changes):
        payload, key = {"text": MARK * 50, "number": number}, f"{MARK} {number}"
        persister.log_transition(
            "g",
            state_id,
            "say",
            to_status="open",
            data=payload,
            payload=payload,
            metadata=why,
            error=MARK,
            idempotency_key=key,
        )

    def body(tx):
        tx.save_state("g", state_id, {"text": MARK})
        return MARK

    TransactionManager(store).run(body, idempotency_key="run")
    return persister


def holding(store, mark=MARK):
    """Return the paths of the documents that hold a text, compressed or not."""
    layout = GovernorLayout("g")
    found = []
    for collection in (*(getattr(layout, name) for name in NAMES), "transactions", "audit"):
        documents = store.runtime.access.backend.scan(collection, timeout=TIMEOUT)
        found += [str(one.path) for one in documents if mark.encode() in opened(one.fields)]
    return found


def opened(value):
    """Return all that a field says, unpacked."""
    from tai_state.compression import decompress  # noqa: PLC0415

    if isinstance(value, dict):
        return b" ".join([key.encode() + opened(one) for key, one in value.items()])
    if isinstance(value, list):
        return b" ".join(map(opened, value))
    if isinstance(value, bytes):
        try:
            return decompress(value)
        except ValueError:
            return value
    return value.encode() if isinstance(value, str) else to_json(value)
