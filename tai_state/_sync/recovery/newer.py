# Generated from tai_state/_async/recovery/newer.py by .ci/generate_sync.py; do not edit.
"""The look at whose store it is, before upkeep writes to one: what ``tai/meta`` says goes for everything."""
from contextlib import suppress

from tai_state._sync.access.access import Access
from tai_state._sync.commits.feeding import store_id_in
from tai_state.clock import Span
from tai_state.errors import CorruptLogError
from tai_state.layout import META


def check_store(access: Access, timeout: Span) -> None:
    """Refuse a store that a newer release keeps, or whose document is none of ours.

    Raises:
        CorruptLogError: That document is damaged.
        SchemaVersionError: A newer release wrote it.
    """
    meta = (access.read([META], access.begin(timeout))).get(META)
    if meta is not None:
        store_id_in(meta)


def check_not_newer(access: Access, timeout: Span) -> None:
    """Refuse a store that a newer release keeps; in one whose document is damaged the rest can be mended all the same.

    Raises:
        SchemaVersionError: A newer release wrote it.
    """
    with suppress(CorruptLogError):
        check_store(access, timeout)
