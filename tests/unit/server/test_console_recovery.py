"""An incident, by pages alone: find the stuck state, see why, dry-run, recover, move it on, verify; locks broken."""

import asyncio

import pytest

from tai_state import ChangeMetadata, FencedOutError
from tai_state.layout import state_layout
from tai_state.rules.locking.leases import lease_path
from tests._async.stores import async_plant
from tests.unit.server.browsing import Page, browsing


async def over(world):
    """Wait until nothing goes on in the background."""
    await asyncio.gather(*world.server.service.background._tasks)


async def ended(world, browser, answer):
    """Return the page of an operation that a form has begun, once it has ended."""
    assert answer.status_code == 303
    path = answer.headers["location"]
    await over(world)
    return Page((await browser.client.get(path)).text)


async def test_a_whole_incident_is_handled_by_pages(world, browser):
    """As somebody does it who has nothing else at hand."""
    orders = world.server.service.persisters["order"]
    for number in range(5):
        await orders.start("shop", f"o-{number}", {"total": number})
    why = ChangeMetadata(changed_by="worker-7", reason="the card was charged")
    await orders.transition("shop", "o-3", "pay", 1, metadata=why, error="the carrier does not answer")
    await async_plant(world.store, state_layout("shop", "o-3").state, status="shipped")
    listed = await browser.get("governors/shop?status=paid")
    assert "/console/governors/shop/states/o-3" not in listed.addresses, "its document says something else"
    shown = await browser.get("governors/shop/states/o-3")
    assert "was rebuilt from its events" in shown.text
    assert "the carrier does not answer" in shown.text
    found = await ended(world, browser, await browser.post("governors/shop/verify"))
    assert "corrupt_state" in found.text
    dry = await ended(world, browser, await browser.post("governors/shop/dry-run"))
    assert "nothing was written" in dry.text
    assert (await world.store.get_state("shop", "o-3"))[0].recovered
    answer = await browser.post("governors/shop/recover", reason="bad disk", dry_run=dry.fields["dry_run"])
    done = await ended(world, browser, answer)
    assert "It did what is listed below." in done.text
    snapshot, version = await world.store.get_state("shop", "o-3")
    assert (snapshot.status, snapshot.recovered) == ("paid", False)
    page = await browser.get("governors/shop/states/o-3")
    moved = await browser.post(
        "governors/shop/states/o-3/transition",
        **{**page.fields, "action": "ship", "status": "paid", "reason": "by hand"},
    )
    assert moved.status_code == 303
    assert (await world.store.get_state("shop", "o-3"))[1] == version + 1
    assert (
        "All is sound: every chain holds."
        in (await ended(world, browser, await browser.post("governors/shop/verify"))).text
    )


async def test_a_repair_follows_its_dry_run_alone(world, browser):
    """Of the same governor, one that has ended; and for a reason."""
    await world.store.save_state("a", "s", {})
    await world.store.save_state("b", "s", {})
    dry = (await browser.post("governors/a/dry-run")).headers["location"].rpartition("/")[2]
    await over(world)
    verified = (await browser.post("governors/a/verify")).headers["location"].rpartition("/")[2]
    for governor, shown in (("a", ""), ("a", "nope"), ("b", dry), ("a", verified)):
        answer = await browser.post(f"governors/{governor}/recover", reason="why", dry_run=shown)
        assert "begin with that" in Page(answer.text).text
    assert "say why" in Page((await browser.post("governors/a/recover", reason=" ", dry_run=dry)).text).text
    assert (await browser.post("governors/a/recover", reason="why", dry_run=dry)).status_code == 303


async def test_a_check_tells_what_it_read(world, browser):
    """Which no page of it could: it goes on behind them."""
    await world.server.service.persisters["order"].start("g", "s")
    page = await ended(world, browser, await browser.post("governors/g/verify"))
    (operation,) = world.server.service.background.operations.values()
    assert operation.documents_read > 0
    assert f"1 state, {operation.documents_read} documents read." in page.text
    assert page.cost == 0


async def test_a_check_that_runs_is_asked_how_far_it_has_come(world, browser):
    """And shown to who reaches its governor alone."""
    going = asyncio.Event()
    service = world.server.service

    async def work(operation):
        service.background.progress(operation)("g", "s")
        going.set()
        await asyncio.Event().wait()

    operation = service.background.begin("verify", "g", "ann", work)
    await going.wait()
    path = f"governors/g/operations/{operation.id}"
    text = (await browser.client.get(f"/console/{path}")).text
    assert f'data-version="running 1" data-look="/console/{path}/progress"' in text
    assert (await browser.client.get(f"/console/{path}/progress")).text == "running 1"
    assert (await browser.client.get(f"/console/governors/other/operations/{operation.id}")).status_code == 404
    for task in service.background._tasks:
        task.cancel()


async def test_who_reads_may_check_and_repair_nothing(world):
    """As over HTTP."""
    async with browsing(world, "reader") as reader:
        assert (await reader.post("governors/g/verify")).status_code == 303
        assert (await reader.post("governors/g/dry-run")).status_code == 403
        assert (await reader.post("governors/g/recover")).status_code == 403


async def test_a_lock_is_broken_for_a_reason(world, browser):
    """That grant alone which the page showed."""
    locks = world.server.service.locks
    lock = await locks.acquire("bank/<b>", owner="worker-7", heartbeat=False)
    assert "worker-7" in (await browser.get("locks")).text
    page = await browser.get("locks/bank%2F%3Cb%3E")
    assert page.fields["token"] == str(lock.fencing_token)
    path = "locks/bank%2F%3Cb%3E/break"
    assert (await browser.post(path, token=page.fields["token"], reason="")).status_code == 422
    assert (await browser.post(path, token="99", reason="dead")).status_code == 409
    answer = await browser.post(path, token=page.fields["token"], reason="its host is gone")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/locks/bank%2F%3Cb%3E?done=1")
    assert "It is free" in (await browser.get("locks/bank%2F%3Cb%3E?done=1")).text
    with pytest.raises(FencedOutError):
        await locks.break_lock("bank/<b>", lock.fencing_token, "again")
    lock.detach()


async def test_locks_are_shown_to_who_reaches_them(world):
    """Free ones, and those of others, are not."""
    locks = world.server.service.locks
    for name in ("shop-1", "bank"):
        (await locks.acquire(name, heartbeat=False)).detach()
    await (await locks.acquire("shop-2", heartbeat=False)).release()
    async with browsing(world, "shops") as shops:
        page = await shops.get("locks")
    assert ("shop-1" in page.text, "shop-2" in page.text, "bank" in page.text) == (True, False, False)


async def test_locks_are_shown_past_one_that_is_damaged(world, browser):
    """Which is named."""
    (await world.server.service.locks.acquire("a", heartbeat=False)).detach()
    (await world.server.service.locks.acquire("b", heartbeat=False)).detach()
    await async_plant(world.store, lease_path("a"), fencing_token="no number")
    page = await browser.get("locks")
    assert "Not all of it can be read" in page.text
    assert "/console/locks/b" in page.addresses
    assert page.cost >= 2


async def test_a_link_cannot_tell_that_something_was_done(world, browser):
    """What it says is said of what is so."""
    (await world.server.service.locks.acquire("a", heartbeat=False)).detach()
    assert "It is free" not in (await browser.get("locks/a?done=1")).text
    await world.store.save_state("g", "s", {})
    assert "Done" not in (await browser.get("governors/g/states/s?done=everything")).text
