# Generated from tests/_async/transactions/test_transactions_told.py by .ci/generate_sync.py; do not edit.
"""What transactions leave in the log: each change, and damage that they meet; nothing of what else they write."""
import logging

import pytest

from tai_state import LockManager, TransactionManager
from tai_state.layout import state_layout
from tests._sync.stores import plant


@pytest.fixture
def records(caplog):
    """What was logged of one kind: the records of the event of that name."""
    caplog.set_level(logging.DEBUG, logger="tai_state")

    def of(event):
        return [record for record in caplog.records if getattr(record, "event", None) == event]

    return of


def test_each_change_of_a_transaction_is_told_at_debug(store, records):
    """Beside its states it writes a lease, checks what it read, and removes nothing."""
    store.save_state("g", "read", {})
    store.save_state("g", "a", {})

    def body(tx):
        tx.get_state("g", "read")
        tx.delete_state("g", "a")
        tx.save_state("g", "b", {"n": 1})

    with LockManager(store).hold("r") as lock:
        before = len(records("change"))
        TransactionManager(store).run(body, lock=lock)
    told = [(one.levelname, one.state_id, one.version, one.action) for one in records("change")[before:]]
    assert sorted(told) == [("DEBUG", "a", 2, "delete"), ("DEBUG", "b", 1, "save")]


def test_an_altered_document_is_told_once_an_attempt(store, records):
    """As an error; what a log rebuilds without a doubt is not."""
    store.save_state("g", "s", {"n": 1})
    plant(store, state_layout("g", "s").state, status="altered")
    TransactionManager(store).run(lambda tx: tx.get_state("g", "s"))
    (told,) = records("damage")
    assert (told.levelname, told.governor_id, told.state_id) == ("ERROR", "g", "s")
