"""The bank for minutes: processes that move money under keys and are killed, while an auditor adds all of it up."""

import multiprocessing
import os
import random
import signal
import time
from contextlib import ExitStack
from functools import partial

import pytest

from tai_state import RetryPolicy, StateMachinePersister, TransactionManager, connect
from tests._sync import bank as threads
from tests._sync.accounts import BANK, open_accounts, transfer
from tests.children import end_with_parent

PROCESSES = 4
ACCOUNTS = [f"account-{number}" for number in range(16)]
OPENING = 1_000
SHARE = {"sqlite": 1_250, "firestore": 150}
KILLS = 25
"""How many kills there are, at most: on a busy machine a worker must get somewhere before the next one."""

PATIENT = RetryPolicy(wait_initial=0.005, wait_max=0.1, deadline=120.0)
SECONDS_MAX = 1_800


def work(url, seed, share):
    """Make the *share* of transfers of worker *seed*: the same ones under the same keys, however often it begins."""
    end_with_parent()
    with connect(url, actor=f"worker-{seed}") as store:
        manager = TransactionManager(store, PATIENT)
        for number in range(share):
            rng = random.Random(f"{seed}/{number}")
            source, target = rng.sample(ACCOUNTS, 2)
            amount = rng.randint(1, 9)
            body = partial(transfer, source=source, target=target, amount=amount)
            manager.run(body, idempotency_key=f"{seed}/{number}")


@pytest.fixture
def url(kind, request):
    """The URL of an empty place on it."""
    if kind == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path') / 'bank.db'}"
    return f"firestore://{request.getfixturevalue('tai_state_project')}"


@pytest.mark.torture
def test_the_total_never_changes_though_workers_are_killed(url, kind, tell):
    """Each worker is killed now and then and begins anew: every transfer is made exactly once."""
    context = multiprocessing.get_context("spawn")
    rng = random.Random(os.environ.get("TORTURE_SEED", "bank"))
    with connect(url, actor="auditor") as store:
        open_accounts(store, **dict.fromkeys(ACCOUNTS, OPENING))
        manager = TransactionManager(store, PATIENT)
        workers = {seed: _start(context, url, seed, kind) for seed in range(PROCESSES)}
        audits = kills = 0
        began = time.monotonic()
        next_kill = began + rng.uniform(1, 4)
        try:
            while workers:
                assert time.monotonic() - began < SECONDS_MAX, "the workers never end"
                assert manager.run(_add_up, read_only=True) == OPENING * len(ACCOUNTS)
                audits += 1
                for seed, worker in list(workers.items()):
                    if worker.exitcode == 0:
                        del workers[seed]
                    elif worker.exitcode is not None:
                        assert worker.exitcode == -signal.SIGKILL, f"worker {seed} ended with {worker.exitcode}"
                        workers[seed] = _start(context, url, seed, kind)
                if workers and kills < KILLS and time.monotonic() > next_kill:
                    rng.choice(list(workers.values())).kill()
                    kills += 1
                    next_kill = time.monotonic() + rng.uniform(1, 4)
        finally:
            for worker in workers.values():
                worker.kill()
                worker.join()
        transfers = PROCESSES * SHARE[kind]
        assert manager.run(_add_up, read_only=True) == OPENING * len(ACCOUNTS)
        assert sum(1 for _ in manager.list_transactions()) == transfers
        assert store.stats(BANK).events == len(ACCOUNTS) + 2 * transfers
        assert StateMachinePersister(store).validate_consistency(BANK).problems == []
        _expect(store, transfers)
    seconds = time.monotonic() - began
    tell(f"bank of processes on {kind}: {transfers} transfers, {kills} kills, {audits} audits in {seconds:.0f} s")


@pytest.mark.torture
def test_no_read_only_transaction_sees_another_total(url, kind, tell):
    """Eight workers with clients of their own make two thousand transfers, while an auditor adds up."""
    with ExitStack() as stores:
        bank = threads.Bank(lambda: stores.enter_context(connect(url, actor="bank")), accounts=16)
        bank.open()
        began = time.monotonic()
        bank.run(workers=8, transfers=2_000, seconds_max=SECONDS_MAX)
        seconds = time.monotonic() - began
        tell(
            f"bank of threads on {kind}: {bank.transfers} transfers in {bank.attempts} attempts, "
            f"{len(bank.totals)} audits in {seconds:.0f} s"
        )
        assert bank.transfers == 2_000
        assert set(bank.totals) == {threads.OPENING * bank.accounts}
        assert len(bank.totals) >= 10
        store = stores.enter_context(connect(url, actor="auditor"))
        assert store.stats(BANK).events == bank.accounts + 2 * bank.transfers
        assert StateMachinePersister(store).validate_consistency(BANK).problems == []


def _start(context, url, seed, kind):
    worker = context.Process(target=work, args=(url, seed, SHARE[kind]), daemon=True)
    worker.start()
    return worker


def _add_up(tx):
    found = tx.batch_get_states(BANK, ACCOUNTS).found
    return sum(snapshot.data["n"] for snapshot in found.values())


def _expect(store, transfers):
    """Hold every account against the sum of the transfers that were to be made, whatever their order was."""
    expected = dict.fromkeys(ACCOUNTS, OPENING)
    for seed in range(PROCESSES):
        for number in range(transfers // PROCESSES):
            rng = random.Random(f"{seed}/{number}")
            source, target = rng.sample(ACCOUNTS, 2)
            amount = rng.randint(1, 9)
            expected[source] -= amount
            expected[target] += amount
    found = store.batch_get_states(BANK, ACCOUNTS).found
    assert {name: snapshot.data["n"] for name, snapshot in found.items()} == expected
