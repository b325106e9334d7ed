# Generated from tai_state/_async/recovery/intents.py by .ci/generate_sync.py; do not edit.
"""Erasures that were begun and not finished."""
from collections.abc import Iterator

from tai_state._sync.access.access import Access
from tai_state.clock import Span
from tai_state.documents import Document
from tai_state.errors import CorruptLogError
from tai_state.layout import GovernorLayout
from tai_state.rules.recovery.erasure import Erasure, read_erasure


def unfinished(
    access: Access, governor: GovernorLayout, timeout: Span
) -> Iterator[tuple[Document, Erasure]]:
    """Iterate over the erasures of a governor that are not finished; nearly always there is none."""
    for document in access.scan(governor.erasures, timeout=timeout):
        try:
            erasure = read_erasure(document, governor.governor_id)
        except CorruptLogError:
            continue
        if not erasure.is_finished:
            yield document, erasure
