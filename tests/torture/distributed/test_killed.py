"""Processes killed with SIGKILL at each listed call of a transaction over two stores: both agree, and writers go on.

By itself: ``pytest -m torture --timeout=0 tests/torture/distributed/test_killed.py``, a quarter of an hour or so.
"""

import os
import signal
import time

import pytest

from tai_state import connect, verify
from tai_state.distributed import DistributedTransaction, PreparedError, settle
from tai_state.errors import VersionConflictError
from tai_state.layout import PREPARED
from tests.chaos.crew import Life
from tests.chaos.distributing import ITEM, POINTS, Order, work
from tests.simulation import distributed

LEASE_SECONDS = 0.5
STOCK = 10_000
PATIENCE_SECONDS = 20.0
SEEDS = 200


@pytest.fixture(params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def urls(request, tmp_path):
    """The URLs of the orders, whose store decides, and of the stock; the emulator's address; kills at each point."""
    stock = f"sqlite:///{tmp_path / 'stock.db'}"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'orders.db'}", stock, None, 10
    host = request.getfixturevalue("tai_state_emulator_server").host
    os.environ.setdefault("FIRESTORE_EMULATOR_HOST", host)
    return f"firestore://{request.getfixturevalue('tai_state_project')}", stock, host, 3


def write_until_it_goes_through(stock):
    """Change the item as somebody else does; return after how many seconds, and whether it was kept waiting."""
    began, was_blocked = time.monotonic(), False
    while True:
        try:
            item, version = stock.get_state(*ITEM)
            stock.update_state(*ITEM, {**item.data}, version)
        except PreparedError as error:
            was_blocked = True
            assert time.monotonic() < began + PATIENCE_SECONDS
            time.sleep(min(error.retry_after or 0.0, 0.05))
            settle(stock)
        except VersionConflictError:
            pass  # the change itself has settled what was decided, which came first
        else:
            return time.monotonic() - began, was_blocked


def open_parts(store):
    """Return what is prepared in a store, and not settled."""
    return [one.path for one in store.runtime.access.scan(PREPARED) if one.fields["is_open"]]


def settle_until_nothing_is_open(store):
    """Settle what a killed process has left in a store, once its lease is over."""
    began = time.monotonic()
    while open_parts(store):
        settle(store)
        assert time.monotonic() < began + PATIENCE_SECONDS
        time.sleep(0.02)


@pytest.mark.torture
def test_two_stores_agree_wherever_a_process_is_killed(urls, tell):
    """No mark stays, and whoever is blocked goes on once the lease is over."""
    orders_url, stock_url, host, kills = urls
    blocked, longest, number, placed = 0, 0.0, 0, 0
    with connect(orders_url, actor="judge") as orders, connect(stock_url, actor="judge") as stock:
        stock.save_state(*ITEM, {"left": STOCK})
        for number, point in enumerate(point for point in POINTS for _ in range(kills)):
            told = Order(orders_url, stock_url, f"o-{number}", point, LEASE_SECONDS, host)
            life = Life()
            life.start(work, told, 0)
            assert life.wait(told.seconds_max) == -signal.SIGKILL, point
            seconds, was_blocked = write_until_it_goes_through(stock)
            blocked, longest = blocked + was_blocked, max(longest, seconds)
            settle_until_nothing_is_open(orders)
            placed = sum(1 for _ in orders.list_states("shop"))
            left = stock.get_state(*ITEM)[0].data["left"]
            assert placed == STOCK - left, (point, number)
        both = DistributedTransaction(orders, {"orders": orders, "stock": stock})
        both.recover()
        for store in (orders, stock):
            assert open_parts(store) == []
            assert all(report.is_consistent for report in verify(store))
        assert 0 < placed < number + 1
    assert blocked > 0
    engine = orders_url.partition(":")[0]
    tell(f"two stores, one on {engine}: {number + 1} kills, {blocked} writers blocked, for {longest:.1f} s at most")


@pytest.mark.torture
@pytest.mark.parametrize("point", distributed.POINTS, ids=str)
def test_two_stores_agree_in_two_hundred_runs_of_each_point(point):
    """As in the simulation of `make test`, at its full size."""
    reports = distributed.run_point(point, SEEDS)
    assert sum(report.crashes for report in reports) >= SEEDS / 2
