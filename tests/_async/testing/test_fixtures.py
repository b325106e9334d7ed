"""The fixtures that users get: a ready store of each kind, empty for every test."""

import pytest


async def async_use(store):
    assert [one async for one in store.list_governors()] == []
    assert await store.save_state("g", "s", {"n": 1}) == 1
    assert (await store.get_state("g", "s"))[0].data == {"n": 1}


@pytest.mark.parametrize("_turn", [1, 2])
async def test_memory(async_tai_state_memory, _turn):
    """What the first test wrote, the second one does not see."""
    await async_use(async_tai_state_memory)


@pytest.mark.parametrize("_turn", [1, 2])
async def test_sqlite(async_tai_state_sqlite, _turn):
    """What the first test wrote, the second one does not see."""
    await async_use(async_tai_state_sqlite)


@pytest.mark.emulator
@pytest.mark.parametrize("_turn", [1, 2])
async def test_emulator(async_tai_state_emulator, _turn):
    """What the first test wrote, the second one does not see."""
    await async_use(async_tai_state_emulator)
