"""What ends a call from this side: cancellation and close."""

import asyncio

import pytest

from tai_state._async.backends.firestore import AsyncFirestoreBackend
from tai_state.errors import CommitAmbiguousError, StoreClosedError
from tests.integration.backends.firestore_loopback import AT, TIMEOUT, put


async def _under_way(server, call):
    server.release.clear()
    task = asyncio.ensure_future(call)
    assert await asyncio.to_thread(server.arrived.wait, TIMEOUT)
    return task


@pytest.mark.parametrize("rpc", ["commit", "get_many"])
async def test_a_cancelled_task_is_cancelled(server, rpc):
    """The cancellation of the caller's own task passes through unchanged."""
    backend = AsyncFirestoreBackend("p")
    argument = [put()] if rpc == "commit" else [AT]
    task = await _under_way(server, getattr(backend, rpc)(argument, timeout=TIMEOUT))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await backend.close()


async def test_a_commit_cut_off_by_close_is_ambiguous(server):
    """Closing the backend cancels nobody's task: a commit under way has lost its verdict."""
    backend = AsyncFirestoreBackend("p")
    task = await _under_way(server, backend.commit([put()], timeout=TIMEOUT))
    await backend.close()
    with pytest.raises(CommitAmbiguousError):
        await task


def test_a_closed_backend_refuses(driver):
    """After close nothing is sent, and a second close does nothing."""
    driver.get_many(AT)
    driver.close()
    driver.close()
    with pytest.raises(StoreClosedError, match="closed"):
        driver.get_many(AT)
