"""What has expired goes away by itself in memory and on SQLite: nothing that lives, and a bounded number at a time."""

from datetime import timedelta

import pytest

import tai_state.backends.expiry
import tai_state.backends.sqlite.expiry
from tai_state import AsyncTransactionManager, IdempotencyMismatchError
from tai_state._platform.tasks import async_together
from tai_state.backends.expiry import COMMITS_BETWEEN
from tai_state.documents import DocumentPath, MustExist, Put, UpdatedAt
from tai_state.layout import TRANSACTIONS, WAITS, state_layout
from tai_state.rules.locking.deadlocks import WAIT_SECONDS, Edge, Wait, wait_path, wait_write
from tai_state.rules.locking.owners import Owner
from tai_state.rules.locking.reservations import RESERVED_SECONDS, Waiter, reserve_write
from tai_state.testing.clock import ManualClock
from tests._async.stores import TIMEOUT, async_document_at, async_find

engines_that_remove = pytest.mark.parametrize("backend_kind", ["memory", "sqlite"])
pytestmark = engines_that_remove
TTL = timedelta(hours=1)
BETWEEN = 5
RECEIPTS = state_layout("g", "s").governor.receipts


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def soon(monkeypatch):
    """Every fifth commit removes, counted from the first: a random one might do so before its time."""
    for module in (tai_state.backends.expiry, tai_state.backends.sqlite.expiry):
        monkeypatch.setattr(module, "COMMITS_BETWEEN", BETWEEN)
    monkeypatch.setattr("tai_state.backends.sqlite.group.commits_until_first", lambda: BETWEEN)


@pytest.fixture
async def store(place, clock, soon):
    del soon
    return place.store(clock=clock, receipt_ttl=TTL)


async def async_ids(store, collection):
    return [found.path.id async for found in store.runtime.access.backend.scan(collection, timeout=TIMEOUT)]


async def async_commit(store, *writes):
    return await store.runtime.access.backend.commit(list(writes), timeout=TIMEOUT)


async def async_pass_turns(store):
    """Make as many commits as lie between two removals, and one removal at least."""
    for number in range(BETWEEN):
        await async_commit(store, Put(DocumentPath("others", "o"), {"n": number}))


async def test_receipts_that_expired_go(store, clock):
    """With them only they: states, events and what stays for ever are as they were."""
    await store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    assert len(await async_ids(store, RECEIPTS)) == 1
    clock.advance(TTL.total_seconds() + 1)
    await async_pass_turns(store)
    assert await async_ids(store, RECEIPTS) == []
    assert (await store.get_state("g", "s"))[1] == 1
    assert await async_ids(store, state_layout("g", "s").governor.events) == ["s@0000000000000000001"]
    assert await store.save_state("g", "s", {"n": 2}, idempotency_key="k") == 2


async def test_records_of_transactions_that_expired_go(store, clock):
    """As receipts do."""
    manager = AsyncTransactionManager(store, record_ttl=TTL)

    async def body(tx):
        await tx.save_state("g", "s", {"n": 1})

    await manager.run(body, idempotency_key="k")
    assert len(await async_ids(store, TRANSACTIONS)) == 1
    await async_pass_turns(store)
    assert len(await async_ids(store, TRANSACTIONS)) == 1
    clock.advance(TTL.total_seconds() + 1)
    await async_pass_turns(store)
    assert await async_ids(store, TRANSACTIONS) == []
    await manager.run(body, idempotency_key="k")
    assert (await store.get_state("g", "s"))[1] == 2


async def test_waits_and_reservations_that_a_dead_one_left_go(store, clock):
    """Both carry their expiry; a wait that is renewed stays."""
    edge = Edge("r", "holder", 1)
    dead, living = (Wait(owner=Owner(name, name), nonce=name, edges=(edge,)) for name in ("dead", "living"))
    waiter = Waiter("dead", "dead", clock.now())
    await async_commit(
        store,
        wait_write(dead, now=clock.now()),
        wait_write(living, now=clock.now()),
        reserve_write("r", waiter, None, round_=1, now=clock.now()),
    )
    clock.advance(max(WAIT_SECONDS, RESERVED_SECONDS) - 0.1)
    await async_commit(store, wait_write(Wait(owner=living.owner, nonce="", edges=(edge,)), now=clock.now()))
    clock.advance(0.2)
    await async_pass_turns(store)
    assert await async_ids(store, WAITS) == [wait_path("living").id]
    clock.advance(WAIT_SECONDS + 1)
    await async_pass_turns(store)
    assert await async_ids(store, WAITS) == []


async def test_a_receipt_with_seconds_left_replays(store, clock):
    """However many commits pass: the key is known until its last moment."""
    await store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    clock.advance(TTL.total_seconds() - 2)
    await async_pass_turns(store)
    assert await store.save_state("g", "s", {"n": 1}, idempotency_key="k") == 1
    with pytest.raises(IdempotencyMismatchError):
        await store.save_state("g", "s", {"n": 2}, idempotency_key="k")


async def test_no_step_of_the_wall_clock_hastens_it(store, clock):
    """The store's clock alone counts, here in this process and in a store that is opened behind the step."""
    await store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    clock.step_wall(10 * TTL.total_seconds())
    await async_pass_turns(store)
    assert await store.save_state("g", "s", {"n": 1}, idempotency_key="k") == 1


async def test_a_writers_clock_that_is_behind_hastens_nothing(store, clock):
    """A receipt whose own time has long passed stays for its ttl by the store's clock."""
    await async_pass_turns(store)
    clock.step_wall(-10 * TTL.total_seconds())
    await store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    await async_pass_turns(store)
    assert await store.save_state("g", "s", {"n": 1}, idempotency_key="k") == 1
    clock.advance(TTL.total_seconds() + 1)
    await async_pass_turns(store)
    assert await async_ids(store, RECEIPTS) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"ttl_seconds": 1.0},
        {"tai_expires_at": "2020-01-01", "ttl_seconds": 1.0},
        {"tai_expires_at": None, "ttl_seconds": 1.0},
        {"tai_expires_at": ...},
        {"tai_expires_at": ..., "ttl_seconds": True},
        {"tai_expires_at": ..., "ttl_seconds": 1e300},
        {"tai_expires_at": ..., "ttl_seconds": "1"},
        {"inner": {"tai_expires_at": ..., "ttl_seconds": 1.0}},
    ],
)
async def test_what_says_no_time_of_its_own_stays(store, clock, fields):
    """A document goes only by both fields, each of its type, at its top."""
    moment = clock.now()

    def timed(value):
        if type(value) is dict:
            return {key: timed(item) for key, item in value.items()}
        return moment if value is ... else value

    path = DocumentPath("others", "kept")
    await async_commit(store, Put(path, timed(fields)))
    clock.advance(10 * TTL.total_seconds())
    await async_pass_turns(store)
    assert await async_find(store, path) is not None


async def test_a_document_that_was_written_again_lives_by_its_new_time(store, clock):
    """By every kind of write; and one that lost the field stays for ever."""
    past = {"tai_expires_at": clock.now(), "ttl_seconds": 1.0}
    paths = [DocumentPath("others", name) for name in ("put", "must_exist", "as_read", "without")]
    made = await async_commit(store, *[Put(path, past) for path in paths])
    clock.advance(5)
    future = {"tai_expires_at": clock.now() + TTL, "ttl_seconds": 1.0}
    await async_commit(
        store,
        Put(paths[0], future),
        Put(paths[1], future, MustExist()),
        Put(paths[2], future, UpdatedAt(made.update_times[paths[2]])),
        Put(paths[3], {"n": 1}),
    )
    clock.advance(5)
    await async_pass_turns(store)
    assert [await async_find(store, path) is not None for path in paths] == [True] * 4
    clock.advance(2 * TTL.total_seconds())
    await async_pass_turns(store)
    assert [await async_find(store, path) is not None for path in paths] == [False, False, False, True]


async def test_one_removal_is_bounded(store, clock, monkeypatch):
    """What is left waits for its turn."""
    for module in (tai_state.backends.expiry, tai_state.backends.sqlite.expiry):
        monkeypatch.setattr(module, "DOCUMENTS_MAX", 3)
        monkeypatch.setattr(module, "COMMITS_BETWEEN_PARTS", BETWEEN)
    past = {"tai_expires_at": clock.now(), "ttl_seconds": 1.0}
    await async_pass_turns(store)
    await async_commit(store, *[Put(DocumentPath("expired", f"{number}"), past) for number in range(8)])
    clock.advance(5)
    counts = []
    for _ in range(3):
        await async_pass_turns(store)
        counts.append(len(await async_ids(store, "expired")))
    assert counts == [5, 2, 0]


async def test_a_key_is_applied_once_while_its_old_receipt_goes(store, place, clock):
    """An expired receipt is read, and is gone before the change that would replace it: the change is made, once."""
    other = place.store(clock=clock, receipt_ttl=TTL)
    await store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    for number in range(2, 8):
        clock.advance(TTL.total_seconds() + 1)

        async def save(store, number=number):
            return await store.save_state("g", "s", {"n": number}, idempotency_key="k")

        calls = [lambda: save(store), lambda: save(other), lambda: async_pass_turns(store)]
        versions = await async_together(calls)
        assert versions[:2] == [number, number]


@pytest.mark.parametrize("each", [1, 3])
async def test_a_store_does_not_grow(place, clock, each):
    """With the numbers as they are: thousands of commits, whose receipts last for a hundred of them."""
    options = {"synchronous": "NORMAL"} if place.kind == "sqlite" else {}
    store = place.store(clock=clock, **options)
    for number in range(4 * COMMITS_BETWEEN):
        clock.advance(1)
        receipt = {"tai_expires_at": clock.now() + timedelta(seconds=100), "ttl_seconds": 100.0}
        await async_commit(store, *(Put(DocumentPath("receipts", f"{number}.{n}"), receipt) for n in range(each)))
    left = await async_ids(store, "receipts")
    assert 100 * each <= len(left) <= (COMMITS_BETWEEN + 101) * each
    newest = {f"{4 * COMMITS_BETWEEN - 1 - number}.0" for number in range(100)}
    assert newest <= set(left)
    assert (await async_document_at(store, DocumentPath("receipts", min(newest)))).fields["ttl_seconds"] == 100.0
