"""Commits that the server holds back past later ones: their stamps are old when they land, and they are told."""

import threading
import time

import pytest
from google.cloud.firestore import Client

from tai_state import FirestoreStore
from tai_state.feeds import Subscription, SubscriptionConfig

HELD_SECONDS = 1.6
"""Longer than a look overlaps the one before, and shorter than the emulator lets a commit wait."""

TAIL = SubscriptionConfig(poll=0.5, sweep_every=1_000.0, sweep_window=1_000.0)
SWEEPS = SubscriptionConfig(poll=0.5, sweep_every=0.001, sweep_window=30.0)


@pytest.mark.emulator
@pytest.mark.more
def test_a_commit_that_lands_past_later_ones_is_not_missed(tai_state_project, request):
    """A transaction holds its document in the server; the tail passes it, and the next sweep finds it."""
    store = FirestoreStore(tai_state_project, actor="tester", feed=True)
    request.addfinalizer(store.close)
    told = []

    def worker(config):
        return Subscription(store, "mail", lambda event: told.append((event.state_id, event.version)), config=config)

    for state_id in ("late", "other"):
        store.save_state("g", state_id, {})
    assert worker(TAIL).run_once() == 2
    time.sleep(1.2)
    client = Client(project=tai_state_project)
    holding = client.transaction()
    holding._begin()
    client.document("governors/g/states/late").get(transaction=holding)
    writer = FirestoreStore(tai_state_project, actor="late", feed=True)
    request.addfinalizer(writer.close)
    late = threading.Thread(target=writer.save_state, args=("g", "late", {"n": 2}))
    late.start()
    time.sleep(HELD_SECONDS)
    store.save_state("g", "other", {"n": 2})
    assert worker(TAIL).run_once() == 1
    holding._rollback()
    late.join()
    client.close()
    # What a look alone does not find: else this test would prove nothing.
    assert worker(TAIL).run_once() == 0
    assert worker(SWEEPS).run_once() == 1
    assert told[2:] == [("other", 2), ("late", 2)]
