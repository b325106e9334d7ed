"""Erasures that were begun and not finished."""

from collections.abc import AsyncIterator

from tai_state._async.access.access import AsyncAccess
from tai_state.clock import Span
from tai_state.documents import Document
from tai_state.errors import CorruptLogError
from tai_state.layout import GovernorLayout
from tai_state.rules.recovery.erasure import Erasure, read_erasure


async def async_unfinished(
    access: AsyncAccess, governor: GovernorLayout, timeout: Span
) -> AsyncIterator[tuple[Document, Erasure]]:
    """Iterate over the erasures of a governor that are not finished; nearly always there is none."""
    async for document in access.scan(governor.erasures, timeout=timeout):
        try:
            erasure = read_erasure(document, governor.governor_id)
        except CorruptLogError:
            continue
        if not erasure.is_finished:
            yield document, erasure
