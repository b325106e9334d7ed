"""A copy of a store whose clock was set back: what is due in it, and where its subscriptions look, is set back, too."""

from collections.abc import AsyncIterator
from datetime import datetime

from tai_state._async.recovery.governors import async_governors
from tai_state._async.runtime import AsyncRuntime
from tai_state.documents import Document, Put, UpdatedAt
from tai_state.errors import InvalidIdError, ReplayError
from tai_state.layout import SUBSCRIPTIONS, state_layout, state_of
from tai_state.rules.records.documents import read_state, state_put
from tai_state.rules.recovery.carried import is_due
from tai_state.rules.recovery.set_back import due_again, looks_again


async def async_set_back(runtime: AsyncRuntime, floor: datetime) -> None:
    """Bring back what documents say of times to come, in a copy that nobody else uses yet.

    What is damaged, or somebody else's, is passed over: the check tells of it.

    Args:
        floor: Before all times of changes that were brought back.
    """
    access = runtime.access
    now = await access.server_time(access.begin(None))
    async for governor in async_governors(access):
        async for document in access.scan(governor.states):
            if is_due(document.path, document.fields):
                await _async_due(runtime, document, now)
    async for document in _async_of_subscriptions(runtime):
        fields = looks_again(document.fields, floor, now)
        if fields is not None:
            await _async_put(runtime, Put(document.path, fields, UpdatedAt(document.update_time)))


async def _async_due(runtime: AsyncRuntime, document: Document, now: datetime) -> None:
    try:
        paths = state_layout(*state_of(str(document.path)))
        wanted = due_again(read_state(document, paths.governor_id, paths.state_id), now)
    except (InvalidIdError, ReplayError):
        return
    if wanted is not None:
        encoding = runtime.settings.encoding
        await _async_put(runtime, state_put(paths, wanted, encoding, document.update_time, keeps_mark=True))


async def _async_put(runtime: AsyncRuntime, put: Put) -> None:
    access = runtime.access
    await access.backend.commit([put], timeout=access.attempt_seconds(access.begin(None)))


async def _async_of_subscriptions(runtime: AsyncRuntime) -> AsyncIterator[Document]:
    """Iterate over all that subscriptions keep of where they are."""
    async for own in runtime.access.scan(SUBSCRIPTIONS):
        yield own
        for part in ("shards", "positions"):
            async for document in runtime.access.scan(f"{own.path}/{part}"):
                yield document
