"""Outcomes that come later: they are told from whichever thread, or to nobody where nobody is left."""

import asyncio
from unittest.mock import patch

from tai_state._platform.promises import AsyncPromise


async def promised() -> AsyncPromise[int]:
    return AsyncPromise()


def test_an_outcome_for_a_loop_that_has_just_been_closed_is_told_to_nobody() -> None:
    """And whoever has it goes on to the next one."""
    loop = asyncio.new_event_loop()
    promise = loop.run_until_complete(promised())
    loop.close()
    # As it looks to who looked a moment before.
    with patch.object(loop, "is_closed", return_value=False):
        promise.settle(1)
        promise.settle(ValueError())
    assert not promise.future.done()
