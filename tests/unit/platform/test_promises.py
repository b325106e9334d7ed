"""Outcomes that come later: they are told from whichever thread, or to nobody where nobody is left."""

import asyncio
from unittest.mock import patch

import pytest

from tai_state._platform.promises import AsyncPromise


async def promised() -> AsyncPromise[int]:
    return AsyncPromise()


def test_an_outcome_for_a_loop_that_is_closed_is_told_to_nobody() -> None:
    """And whoever has it goes on to the next one."""
    loop = asyncio.new_event_loop()
    promise = loop.run_until_complete(promised())
    loop.close()
    promise.settle(1)
    promise.settle(ValueError())
    assert not promise.future.done()


def test_trouble_of_a_loop_that_is_open_is_not_passed_over() -> None:
    """Else whoever waits there would wait for ever, and nobody knew."""
    loop = asyncio.new_event_loop()
    promise = loop.run_until_complete(promised())
    with (
        patch.object(loop, "call_soon_threadsafe", side_effect=RuntimeError("no more")),
        pytest.raises(RuntimeError, match="no more"),
    ):
        promise.settle(1)
    loop.close()
