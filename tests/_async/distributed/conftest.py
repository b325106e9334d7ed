"""Two places on each backend."""

import pytest

from tests._async.distributed.pair import ITEM, AsyncPair
from tests._async.stores import AsyncPlace


@pytest.fixture
async def pair(place, backend_kind, location):
    """Two places of one kind, and five widgets in stock."""
    others = location
    if backend_kind == "sqlite":
        others = {"path": location["path"].with_name("stock.db")}
    elif backend_kind == "redis":
        others = {"url": f"{location['url']}-stock"}
    stock = AsyncPlace(backend_kind, **others)
    pair = AsyncPair(place, stock, "second/half" if backend_kind == "firestore" else "")
    orders, found = pair.opened()
    await orders.save_state("shop", "other", {})
    await found.save_state(*ITEM, {"n": 5})
    yield pair
    await stock.close()
