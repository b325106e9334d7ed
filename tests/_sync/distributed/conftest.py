# Generated from tests/_async/distributed/conftest.py by .ci/generate_sync.py; do not edit.
"""Two places on each backend."""
import pytest

from tests._sync.distributed.pair import ITEM, Pair
from tests._sync.stores import Place


@pytest.fixture
def pair(place, backend_kind, location):
    """Two places of one kind, and five widgets in stock."""
    others = location
    if backend_kind == "sqlite":
        others = {"path": location["path"].with_name("stock.db")}
    elif backend_kind == "redis":
        others = {"url": f"{location['url']}-stock"}
    stock = Place(backend_kind, **others)
    pair = Pair(place, stock, "second/half" if backend_kind == "firestore" else "")
    orders, found = pair.opened()
    orders.save_state("shop", "other", {})
    found.save_state(*ITEM, {"n": 5})
    yield pair
    stock.close()
