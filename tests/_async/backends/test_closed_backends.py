"""A backend that is closed says so by one error; memory, where there is nothing to close, stays readable."""

import pytest

from tai_state import StoreClosedError
from tai_state.documents import DocumentPath, Put, Query
from tests._async.stores import TIMEOUT

AT = DocumentPath("governors/g/states", "s")


async def async_listed(items):
    return [item async for item in items]


CALLS = {
    "get": lambda backend: backend.get(AT, timeout=TIMEOUT),
    "get many": lambda backend: backend.get_many([AT], timeout=TIMEOUT, consistent=False),
    "commit": lambda backend: backend.commit([Put(AT, {"n": 2})], timeout=TIMEOUT),
    "scan": lambda backend: async_listed(backend.scan(AT.collection, timeout=TIMEOUT)),
    "ids": lambda backend: async_listed(backend.scan_ids(AT.collection, timeout=TIMEOUT)),
    "query": lambda backend: async_listed(backend.query(Query(collection=AT.collection), timeout=TIMEOUT)),
    "watch": lambda backend: async_listed(backend.watch(AT, timeout=TIMEOUT)),
    "time": lambda backend: backend.server_time(timeout=TIMEOUT),
}


@pytest.mark.parametrize(
    "backend_kind",
    [
        "sqlite",
        pytest.param("firestore", marks=pytest.mark.emulator),
        pytest.param("redis", marks=pytest.mark.more),
    ],
)
@pytest.mark.parametrize("is_used", [True, False], ids=["used", "unused"])
async def test_a_closed_backend_says_that_it_is_closed(place, is_used):
    """Whatever is asked of it, and whether or not it was ever used: the same call may be served elsewhere."""
    backend = place.store().runtime.access.backend
    if is_used:
        await backend.commit([Put(AT, {"n": 1})], timeout=TIMEOUT)
        assert await backend.get(AT, timeout=TIMEOUT)
    await backend.close()
    for call in CALLS.values():
        with pytest.raises(StoreClosedError, match="closed") as caught:
            await call(backend)
        assert (caught.value.code, caught.value.retryable) == ("store_closed", True)
