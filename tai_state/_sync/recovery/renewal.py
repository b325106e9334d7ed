# Generated from tai_state/_async/recovery/renewal.py by .ci/generate_sync.py; do not edit.
"""A copy of a store becomes a store of its own: with another id, and above all tokens that were given out.

What is due in it is looked for under its own id then: workers of the store that it was copied from do not see it.
"""
from tai_state._sync.access.access import Access
from tai_state._sync.recovery.governors import governors
from tai_state._sync.recovery.importer import bring
from tai_state.authors import Author
from tai_state.documents import DocumentPath, MustNotExist, Put, UpdatedAt, Write
from tai_state.layout import AUDIT, FORMAT, LOCKS, META
from tai_state.rules.recovery.carried import NotCarriedError, carried_fields, is_due, placed
from tai_state.rules.recovery.export_lines import Carried
from tai_state.rules.recovery.joining import Item

_LOCKS_WRITTEN = 200
_STATES_WRITTEN = 50


def renew(access: Access, file: str, author: Author) -> None:
    """Give a copy, which nobody else uses yet, an id of its own, raise its tokens, and record where it comes from."""
    deadline = access.begin(None)
    meta = (access.read([META], deadline)).get(META)
    store_id = access.new_id()
    entry = {
        "format": FORMAT,
        "kind": "restored",
        "file": file,
        "store_id": None if meta is None else meta.fields.get("store_id"),
        "changed_by": author.changed_by,
        "reason": author.reason,
        "timestamp": access.clock.now(),
    }
    writes: list[Write] = [Put(DocumentPath(AUDIT, access.new_id()), entry, MustNotExist())]
    if meta is not None:
        # Its history parts here from that of the store that it was copied from, which may go on.
        writes.append(Put(META, {**meta.fields, "store_id": store_id}, UpdatedAt(meta.update_time)))
    access.backend.commit(writes, timeout=access.attempt_seconds(deadline))
    raise_tokens(access, access)
    if meta is not None:
        _place(access, store_id)


def _place(access: Access, store_id: str) -> None:
    """Write anew where what is due is looked for; nobody else uses the store yet, so no state moves meanwhile."""
    for governor in governors(access):
        puts: list[Write] = []
        for document in access.scan(governor.states):
            if is_due(document.path, document.fields):
                fields = placed(document.path, document.fields, store_id)
                puts.append(Put(document.path, fields, UpdatedAt(document.update_time)))
            if len(puts) == _STATES_WRITTEN:
                access.backend.commit(puts, timeout=access.attempt_seconds(access.begin(None)))
                puts = []
        if puts:
            access.backend.commit(puts, timeout=access.attempt_seconds(access.begin(None)))


def raise_tokens(access: Access, given: Access) -> None:
    """Raise the counters of locks above all that were *given* out in a store, that of *access* or another one.

    A lock whose document cannot be read is passed over: the check tells of it.
    """
    items: list[Item] = []
    for document in given.scan(LOCKS):
        try:
            items.append(Item(Carried(0, document.path, carried_fields(document), 0)))
        except NotCarriedError:
            continue
        if len(items) == _LOCKS_WRITTEN:
            bring(access, items)
            items = []
    bring(access, items)
