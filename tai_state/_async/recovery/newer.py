"""The look at whose store it is, before upkeep writes to one: what ``tai/meta`` says goes for everything."""

from contextlib import suppress

from tai_state._async.access.access import AsyncAccess
from tai_state._async.commits.feeding import store_id_in
from tai_state.clock import Span
from tai_state.errors import CorruptLogError
from tai_state.layout import META


async def async_check_store(access: AsyncAccess, timeout: Span) -> None:
    """Refuse a store that a newer release keeps, or whose document is none of ours.

    Raises:
        CorruptLogError: That document is damaged.
        SchemaVersionError: A newer release wrote it.
    """
    meta = (await access.read([META], access.begin(timeout))).get(META)
    if meta is not None:
        store_id_in(meta)


async def async_check_not_newer(access: AsyncAccess, timeout: Span) -> None:
    """Refuse a store that a newer release keeps; in one whose document is damaged the rest can be mended all the same.

    Raises:
        SchemaVersionError: A newer release wrote it.
    """
    with suppress(CorruptLogError):
        await async_check_store(access, timeout)
