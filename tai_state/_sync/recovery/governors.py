# Generated from tai_state/_async/recovery/governors.py by .ci/generate_sync.py; do not edit.
"""The governors of a store, as who goes over all of them finds them."""
from collections.abc import Iterator

from tai_state._sync.access.access import Access
from tai_state.clock import Span
from tai_state.errors import InvalidIdError
from tai_state.layout import GOVERNORS, GovernorLayout


def governors(access: Access, timeout: Span = None) -> Iterator[GovernorLayout]:
    """Iterate over all governors; what somebody else wrote among them is passed over: ``verify`` tells of it.

    Args:
        timeout: Bounds each page that is read.
    """
    for stored in access.scan_ids(GOVERNORS, timeout=timeout):
        try:
            governor = GovernorLayout.at(stored)
        except InvalidIdError:
            continue
        yield governor
