"""The example of two stores, on two engines."""

import pytest

from docs.examples.two_stores import main
from tai_state import verify

pytestmark = pytest.mark.emulator


def test_an_order_in_firestore_and_stock_in_sqlite_change_together(tai_state_emulator, tai_state_sqlite):
    """What is there is sold, and no more; both stores are sound behind it."""
    assert list(main(tai_state_emulator, tai_state_sqlite)) == [
        "order-1: placed, 1 left",
        "order-2: placed, 0 left",
        "order-3: tea is sold out",
        "2 orders, 0 left",
    ]
    for store in (tai_state_emulator, tai_state_sqlite):
        assert all(report.is_consistent for report in verify(store))
