# Generated from tests/_async/backends/test_closed_backends.py by .ci/generate_sync.py; do not edit.
"""A backend that is closed says so by one error; memory, where there is nothing to close, stays readable."""
import pytest

from tai_state import StoreClosedError
from tai_state.documents import DocumentPath, Put, Query
from tests._sync.stores import TIMEOUT

AT = DocumentPath("governors/g/states", "s")


def listed(items):
    return [item for item in items]


CALLS = {
    "get": lambda backend: backend.get(AT, timeout=TIMEOUT),
    "get many": lambda backend: backend.get_many([AT], timeout=TIMEOUT, consistent=False),
    "commit": lambda backend: backend.commit([Put(AT, {"n": 2})], timeout=TIMEOUT),
    "scan": lambda backend: listed(backend.scan(AT.collection, timeout=TIMEOUT)),
    "ids": lambda backend: listed(backend.scan_ids(AT.collection, timeout=TIMEOUT)),
    "query": lambda backend: listed(backend.query(Query(collection=AT.collection), timeout=TIMEOUT)),
    "watch": lambda backend: listed(backend.watch(AT, timeout=TIMEOUT)),
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
def test_a_closed_backend_says_that_it_is_closed(place, is_used):
    """Whatever is asked of it, and whether or not it was ever used: the same call may be served elsewhere."""
    backend = place.store().runtime.access.backend
    if is_used:
        backend.commit([Put(AT, {"n": 1})], timeout=TIMEOUT)
        assert backend.get(AT, timeout=TIMEOUT)
    backend.close()
    for call in CALLS.values():
        with pytest.raises(StoreClosedError, match="closed") as caught:
            call(backend)
        assert (caught.value.code, caught.value.retryable) == ("store_closed", True)
