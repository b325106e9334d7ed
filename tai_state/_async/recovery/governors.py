"""The governors of a store, as who goes over all of them finds them."""

from collections.abc import AsyncIterator

from tai_state._async.access.access import AsyncAccess
from tai_state.clock import Span
from tai_state.errors import InvalidIdError
from tai_state.layout import GOVERNORS, GovernorLayout


async def async_governors(access: AsyncAccess, timeout: Span = None) -> AsyncIterator[GovernorLayout]:
    """Iterate over all governors; what somebody else wrote among them is passed over: ``verify`` tells of it.

    Args:
        timeout: Bounds each page that is read.
    """
    async for stored in access.scan_ids(GOVERNORS, timeout=timeout):
        try:
            governor = GovernorLayout.at(stored)
        except InvalidIdError:
            continue
        yield governor
