"""What is fed, and what may come out of it. A target takes data from Hypothesis and returns, or it has found a bug."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from pydantic import BaseModel, create_model

from tai_state import InvalidDataError, MemoryStore, StateMachinePersister, TaiStateError
from tai_state.authors import Author
from tai_state.cli.commands.ingest.lines import BadLineError, parse_line
from tai_state.codec import EMPTY, Payload, from_json, to_json
from tai_state.config import Encoding
from tai_state.conversion import normalize
from tai_state.documents import Check, Document, DocumentPath, MustNotExist, Put, Write
from tai_state.layout import GOVERNORS, escape, state_layout, unescape
from tai_state.machine import Machine
from tai_state.rules.commits.receipts import live_receipt
from tai_state.rules.distributed.parts import lost_marks, settle_writes
from tai_state.rules.distributed.records import (
    Decision,
    Verdict,
    begin_put,
    decision_writes,
    read_begin,
    read_decision,
)
from tai_state.rules.history.segments import read_segment
from tai_state.rules.history.snapshots import read_snapshot
from tai_state.rules.locking.deadlocks import live_wait
from tai_state.rules.locking.leases import read_lease
from tai_state.rules.locking.reservations import read_reservation
from tai_state.rules.records.documents import read_event, read_state
from tai_state.rules.records.prepared import Closed, Part, read_prepared
from tai_state.rules.transactions.record import read_record
from tai_state.urls import parse_url

T = TypeVar("T")
Target = Callable[[st.DataObject], None]
NOW = datetime(2024, 2, 29, tzinfo=UTC)

TEXTS = st.text(max_size=12) | st.sampled_from(["", "..", "a/b", "__x__", "$map", "$time", "x@3", "\0", "%41", "état"])
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXTS | st.binary(max_size=12)
    | st.datetimes(timezones=st.none() | st.just(UTC)) | st.dates() | st.decimals() | st.uuids()
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=12,
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS | st.binary(max_size=12) | st.datetimes(timezones=st.just(UTC)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def ours(call: Callable[[], T]) -> T | None:
    """Return what a call returns; None where it raised an error of ours, and nothing else may come out."""
    try:
        return call()
    except TaiStateError:
        return None


def ids(data: st.DataObject) -> None:
    """Any text is an id that round-trips, or is refused; stored ids of others are refused or decode."""
    text = data.draw(st.text(max_size=200))
    stored = ours(lambda: escape(text, "id"))
    if stored is not None:
        assert unescape(stored, "id") == text
    foreign = data.draw(st.text(max_size=40))
    found = ours(lambda: unescape(foreign, "id"))
    assert found is None or escape(found, "id") == foreign


def codec(data: st.DataObject) -> None:
    """Any value comes back equal under every encoding, or is refused; any stored text or bytes is read or refused."""
    value = data.draw(VALUES)
    normal = ours(lambda: {"v": normalize(value, path="data")})
    if normal is not None:
        for encoding in (Encoding(), Encoding(0, 2**62), Encoding(0, 0)):
            payload = Payload.of(normal["v"])
            assert Payload.stored(payload.field(encoding)) == payload
            assert to_json(payload.value()) == payload.json
    ours(lambda: Payload.stored(data.draw(VALUES)))
    ours(lambda: Payload.stored(data.draw(st.binary(max_size=60))))
    ours(lambda: from_json(data.draw(st.text(max_size=60))))


FIELDS = st.sampled_from([int, str, float, bool, bytes, datetime, list[int], dict[str, int], set[str], int | None, Any])


def models(data: st.DataObject) -> None:
    """Data of any model is stored and comes back as an equal model, or is refused."""
    names = data.draw(st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), unique=True, max_size=4))
    kinds: dict[str, Any] = {name: (data.draw(FIELDS), ...) for name in names}
    model: type[BaseModel] = create_model("Drawn", **kinds)
    try:
        instance = model.model_validate({name: data.draw(VALUES) for name in names})
    except ValueError:
        return
    machine = ours(lambda: Machine("drawn", "new", [], data_type=model))
    if machine is None:
        return
    with MemoryStore() as store:
        persister = StateMachinePersister(store, machine)
        started = ours(lambda: persister.start("g", "s", instance))
        if started is not None:
            assert started.snapshot.data == instance
            assert persister.load_state("g", "s").snapshot.data == instance


def machines(data: st.DataObject) -> None:
    """Any JSON text is a machine that survives its own JSON form, or is refused with its problems."""
    names = st.sampled_from(["a", "b", "", "*", "é"])
    transition = st.fixed_dictionaries(
        {"action": names, "source": names | st.lists(names, max_size=3) | st.integers(), "target": names},
        optional={"guard": names, "apply": names, "more": names},
    )
    drawn = st.fixed_dictionaries(
        {"name": names, "version": st.integers() | names, "initial": names},
        optional={"transitions": st.lists(transition | PLAIN, max_size=4), "terminal": PLAIN, "more": PLAIN},
    )
    text = data.draw(drawn.map(lambda one: json.dumps(one, default=str)) | st.text(max_size=40))
    functions: dict[str, Callable[..., Any]] = {"a": lambda *_: True, "b": lambda data, _: data}
    made = ours(lambda: Machine.from_json(text, functions=functions))
    if made is not None:
        assert Machine.from_json(made.to_json(), functions=functions) == made
        assert made.to_mermaid()


def logs(data: st.DataObject) -> None:
    """Any bytes are a line of a log, or refused with a reason."""
    fields = st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("governor", "machine", "state", "to", "from", "at", "actor", "data", "action", "n"), PLAIN
        ),
    )
    line = fields.map(lambda one: json.dumps(one, default=str)) | st.text(max_size=60)
    raw = data.draw(line.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=60))
    with suppress(BadLineError):
        parse_line(1, raw)


def urls(data: st.DataObject) -> None:
    """Any text is a URL of a store, or is refused."""
    scheme = st.sampled_from(
        ["memory://", "sqlite://", "sqlite:///", "firestore://", "http://", "", "SQLITE:///", "//"]
    )
    text = data.draw(scheme) + data.draw(st.text(max_size=40))
    ours(lambda: parse_url(text))


READERS: list[Callable[[Document], Any]] = [
    lambda document: read_state(document, "g", "s"),
    lambda document: read_event(document, "g", "s"),
    lambda document: read_snapshot(document, "g", "s"),
    lambda document: read_segment(document, "g", "s"),
    lambda document: live_receipt(document, NOW, "g", "s"),
    read_lease,
    read_record,
    read_reservation,
    lambda document: live_wait(document, NOW),
]


def _real_documents() -> list[dict[str, Any]]:
    machine = Machine.from_json(
        '{"name":"m","version":1,"initial":"a","transitions":[{"action":"go","source":"a","target":"a"}]}'
    )
    with MemoryStore() as store:
        persister = StateMachinePersister(store, machine)
        persister.start("g", "s", {"n": 1}, idempotency_key="k")
        persister.transition("g", "s", "go")
        persister.create_snapshot("g", "s")
        paths = state_layout("g", "s")
        wanted = [paths.state, paths.event(1), paths.snapshot(2), paths.receipt("k")]
        read = store.runtime.access.backend.get_many(wanted, timeout=5.0)
        return [dict(document.fields) for document in read.documents.values()]


REAL = _real_documents()


def documents(data: st.DataObject) -> None:
    """Any document, and any of ours with some fields of somebody else's, is read or refused by whoever reads it."""
    fields: dict[str, Any] = dict(data.draw(st.sampled_from([*REAL, {}])))
    names = st.sampled_from(sorted({name for one in REAL for name in one})) | TEXTS
    fields |= data.draw(st.dictionaries(names, PLAIN, max_size=4))
    for name in data.draw(st.lists(names, max_size=2)):
        fields.pop(name, None)
    document = Document(DocumentPath(f"{GOVERNORS}/g/states", "s"), fields, NOW, NOW)
    for reader in READERS:
        ours(lambda reader=reader: reader(document))  # type: ignore[misc]


def stores(data: st.DataObject) -> None:
    """With any document in the place of one of ours, every call answers or refuses, and the neighbour is unharmed."""
    with MemoryStore() as store:
        store.save_state("g", "s", {"n": 1}, idempotency_key="k")
        store.save_state("g", "t", {"n": 2})
        paths = state_layout("g", "s")
        path = data.draw(st.sampled_from([paths.state, paths.event(1), paths.receipt("k")]))
        found = store.runtime.access.backend.get_many([path], timeout=5.0).documents[path].fields
        fields = {**found, **data.draw(st.dictionaries(st.sampled_from(sorted(found)), PLAIN, max_size=3))}
        try:
            store.runtime.access.backend.commit([Put(path, fields)], timeout=5.0)
        except InvalidDataError:
            return  # nothing that an engine holds
        persister = StateMachinePersister(store)
        ours(lambda: store.get_state("g", "s"))
        ours(lambda: store.save_state("g", "s", {"n": 1}, idempotency_key="k"))
        ours(lambda: persister.load_state("g", "s"))
        ours(lambda: persister.replay("g", "s"))
        ours(lambda: list(store.list_states("g")))
        ours(lambda: list(store.get_events("g", "s")))
        assert persister.validate_consistency("g").states >= 1
        assert store.get_state("g", "t")[0].data == {"n": 2}


def _real_parts() -> list[Document]:
    """What a transaction over two stores has left of itself: a begin, and parts before and behind their settlement."""
    paths = state_layout("g", "s")
    mark = "t", "stock", "id-1", "sqlite:////srv/orders.db", 30.0
    writes: dict[DocumentPath, Write] = {
        paths.event(1): Put(paths.event(1), {"n": 1}),
        paths.segment(1): Check(paths.segment(1), MustNotExist()),
    }
    part = Part(*mark, {paths.state: 0}, writes)
    begin = begin_put("t", {"stock": "id-1"}, timedelta(seconds=30), Author("ann", "", EMPTY), NOW)
    decision, _ = decision_writes("t", Decision(Verdict.ABORT, "who"), NOW, Author("ann", "", EMPTY), NOW)
    assert isinstance(decision, Put)
    closed = Closed("t", "commit")
    documents = [part.fields(Encoding()), closed.fields(NOW)]
    return [
        *(Document(part.path, fields, NOW, NOW) for fields in documents),
        *(Document(put.path, dict(put.fields), NOW, NOW) for put in (begin, decision)),
    ]


PARTS = _real_parts()


def parts(data: st.DataObject) -> None:
    """Any document in the place of what is prepared, begun or decided is read or refused; so is any write in it."""
    real = data.draw(st.sampled_from(PARTS))
    names = st.sampled_from(sorted({name for one in PARTS for name in one.fields}))
    fields = {**real.fields, **data.draw(st.dictionaries(names, PLAIN, max_size=3))}
    if "states" in fields and data.draw(st.booleans()):
        place = {"collection": data.draw(TEXTS | st.just("governors/g/states")), "id": data.draw(TEXTS), "version": 0}
        fields["states"] = [{**place, **data.draw(st.dictionaries(st.sampled_from(sorted(place)), PLAIN, max_size=1))}]
    if "states" in fields and data.draw(st.booleans()):
        kept = {"collection": "governors/g/events", "id": "s@1", "must": data.draw(TEXTS | st.just("absent"))}
        more = st.sampled_from(["fields", "check", "stamped", "id", "must", "collection"])
        one = {**kept, **data.draw(st.dictionaries(more, PLAIN | st.just("{}"), max_size=3))}
        writes = data.draw(st.lists(st.just(one) | PLAIN, max_size=2) | PLAIN)
        fields["writes"] = Payload.of({"writes": writes}).field(Encoding())
    document = Document(real.path, fields, NOW, NOW)
    begin = ours(lambda: read_begin(document))
    assert begin is None or begin.is_over(NOW) in {True, False}
    ours(lambda: read_decision(document, "t"))
    found = ours(lambda: read_prepared(document))
    if isinstance(found, Closed):
        assert Verdict(found.verdict)
    if isinstance(found, Part):
        assert isinstance(document.create_time + timedelta(seconds=found.lease_seconds), datetime)
        ours(lambda: lost_marks(found, {}, "ann", Encoding(), NOW))
        closing = Put(found.path, Closed("t", "commit").fields(NOW))
        for verdict in Verdict:
            ours(lambda verdict=verdict: settle_writes(found, closing, {}, verdict, Encoding()))  # type: ignore[misc]


TARGETS: dict[str, Target] = {
    target.__name__: target for target in (ids, codec, models, machines, logs, urls, documents, stores, parts)
}
