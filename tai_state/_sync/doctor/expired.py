# Generated from tai_state/_async/doctor/expired.py by .ci/generate_sync.py; do not edit.
"""Receipts, records of transactions and waits that have expired, and that nothing removes."""
from collections.abc import Iterator

from tai_state._sync.doctor.visit import Visit
from tai_state.layout import PREPARED, TRANSACTIONS, WAITS, GovernorLayout
from tai_state.models import Checkup
from tai_state.rules.doctor import verdicts
from tai_state.rules.recovery.retention import has_expired

DOCUMENTS_MAX = 1_000
"""So many documents of each kind are looked at."""


def expired(visit: Visit) -> Iterator[Checkup]:
    """Look at some of each kind, by the store's clock."""
    sample = visit.sample()
    places = {
        "receipts": [GovernorLayout(one).receipts for one in sample.governors],
        # As gc counts them: what a store had in hand of one over several is closed, and goes later.
        "transactions": [TRANSACTIONS, PREPARED],
        "waits": [WAITS],
    }
    long_ago = visit.access.server_time(visit.access.begin(visit.timeout)) - verdicts.LEFT_SINCE
    for name, collections in places.items():
        documents, is_all = visit.some(collections, DOCUMENTS_MAX)
        left = sum(has_expired(one, long_ago) for one in documents)
        yield verdicts.expired(name, len(documents), left, is_all=is_all)
