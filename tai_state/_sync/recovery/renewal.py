# Generated from tai_state/_async/recovery/renewal.py by .ci/generate_sync.py; do not edit.
"""A copy of a store becomes a store of its own: with another id, and above all tokens that were given out."""
from tai_state._sync.access.access import Access
from tai_state._sync.recovery.importer import bring
from tai_state.authors import Author
from tai_state.documents import DocumentPath, MustNotExist, Put, UpdatedAt, Write
from tai_state.layout import AUDIT, FORMAT, LOCKS, META
from tai_state.rules.recovery.carried import NotCarriedError, carried_fields
from tai_state.rules.recovery.export_lines import Carried
from tai_state.rules.recovery.joining import Item

_LOCKS_WRITTEN = 200


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
