"""What transactions leave in the log: each change, and damage that they meet; nothing of what else they write."""

import logging

import pytest

from tai_state import AsyncLockManager, AsyncTransactionManager
from tai_state.layout import state_layout
from tests._async.stores import async_plant


@pytest.fixture
def records(caplog):
    """What was logged of one kind: the records of the event of that name."""
    caplog.set_level(logging.DEBUG, logger="tai_state")

    def of(event):
        return [record for record in caplog.records if getattr(record, "event", None) == event]

    return of


async def test_each_change_of_a_transaction_is_told_at_debug(store, records):
    """Beside its states it writes a lease, checks what it read, and removes nothing."""
    await store.save_state("g", "read", {})
    await store.save_state("g", "a", {})

    async def body(tx):
        await tx.get_state("g", "read")
        await tx.delete_state("g", "a")
        await tx.save_state("g", "b", {"n": 1})

    async with AsyncLockManager(store).hold("r") as lock:
        before = len(records("change"))
        await AsyncTransactionManager(store).run(body, lock=lock)
    told = [(one.levelname, one.state_id, one.version, one.action) for one in records("change")[before:]]
    assert sorted(told) == [("DEBUG", "a", 2, "delete"), ("DEBUG", "b", 1, "save")]


async def test_an_altered_document_is_told_once_an_attempt(store, records):
    """As an error; what a log rebuilds without a doubt is not."""
    await store.save_state("g", "s", {"n": 1})
    await async_plant(store, state_layout("g", "s").state, status="altered")
    await AsyncTransactionManager(store).run(lambda tx: tx.get_state("g", "s"))
    (told,) = records("damage")
    assert (told.levelname, told.governor_id, told.state_id) == ("ERROR", "g", "s")
