"""Keys, jobs, timers, sagas, subscriptions, and what the process does, as pages show them and forms change them."""

from datetime import timedelta

import pytest

from tai_state import Machine, Transition
from tai_state.due import Timeout
from tai_state.feeds import AsyncSubscription, SubscriptionConfig
from tai_state.keys import ABSENT
from tai_state.sagas import AsyncSagaRunner, Saga, Step
from tai_state.server.console.views.keys import KEYS_SHOWN, OPS
from tests.unit.server.browsing import Page, browsing
from tests.unit.server.world import World

ALL_THERE_IS = ("timers", "subscriptions", "subscriptions/x", "performance", "performance/mark")


@pytest.fixture
def keys(world):
    """The keys of a group."""
    return world.server.service.keys("g")


@pytest.mark.parametrize("path", ALL_THERE_IS)
async def test_what_is_of_all_governors_is_for_who_reaches_all(world, path):
    """Whoever reaches some is told so."""
    async with browsing(world, "shops") as shops:
        assert "does not reach all" in (await shops.get(path, status=403)).text


async def test_groups_and_keys_are_browsed(browser, keys):
    """By prefix, page by page: a page reads little more than it shows."""
    for number in range(2 * KEYS_SHOWN):
        await keys.set(f"k-{number:03}", {"n": number})
    assert "/console/keys/g" in (await browser.get("keys")).addresses
    first = await browser.get("keys/g?prefix=k-")
    assert "k-049" in first.text
    assert '{"n": 49}' in first.text
    assert first.cost <= KEYS_SHOWN + 2
    (following,) = [one for one in first.addresses if "after=" in one]
    assert "k-099" in Page((await browser.client.get(following)).text).text


async def test_a_key_is_set_only_while_it_has_the_value_that_was_shown(browser, keys):
    """And removed; by somebody, for a reason."""
    page = await browser.get("keys/g/keys/k")
    assert "There is no such key now." in page.text
    assert (await browser.post("keys/g/keys/k/set", value='{"n": 1}', key="a", reason="new")).status_code == 303
    page = await browser.get("keys/g/keys/k")
    assert "by everything: new" in page.text
    assert page.fields["old"] == '{"n":1}'
    await keys.set("k", 5)
    answer = await browser.post("keys/g/keys/k/set", value="2", old=page.fields["old"], key="b", reason="late")
    assert answer.status_code == 422
    assert await keys.get("k") == 5
    assert (await browser.post("keys/g/keys/k/set", value="[1", old="5", key="c", reason="x")).status_code == 422
    assert (await browser.post("keys/g/keys/k/set", old="5", remove="1", key="d", reason="x")).status_code == 303
    assert await keys.get("k", ABSENT) is ABSENT


async def test_a_value_that_is_long_is_shown_in_part_and_not_changed_here(browser, keys):
    """Its form would have to carry it whole."""
    await keys.set("k", "é" * 450_000)
    page = await browser.get("keys/g/keys/k")
    assert "These are 20,000 of" in page.text
    assert "too long to be changed here" in page.text
    assert len(page.text) < 50_000


async def test_a_transaction_is_built_of_rows(browser, keys):
    """All of it or none, once, and what each returns is shown."""
    rows = {"op-0": "set", "key-0": "a", "arguments-0": '{"value": 5}', "op-1": "increment", "key-1": "a"}
    rows |= {"op-3": "push", "key-3": "l", "arguments-3": '{"items": [1, 2]}', "key": "t", "reason": "by hand"}
    for _ in range(2):
        page = Page((await browser.post("keys/g/transaction", **rows)).text)
        assert "Increment a 6 Push l [1,2]" in page.text
    assert (await keys.get("a"), await keys.get("l")) == (6, [1, 2])
    bad = {**rows, "op-1": "push", "arguments-1": '{"items": [1]}', "key": "t2"}
    assert (await browser.post("keys/g/transaction", **bad)).status_code == 422
    assert await keys.get("a") == 6
    for wrong in ({"arguments-0": "[]"}, {"arguments-0": "{"}, {"op-0": "nope"}, {"arguments-1": '{"unheard": 1}'}):
        assert (await browser.post("keys/g/transaction", **{**rows, **wrong, "key": "t3"})).status_code == 422
    assert (await browser.post("keys/g/transaction", key="t4", reason="nothing")).status_code == 422


async def test_every_operation_of_the_builder_is_one(browser, keys):
    """What is chosen there is known."""
    for op in OPS:
        answer = await browser.post("keys/g/transaction", **{"op-0": op, "key-0": "k", "key": op, "reason": "r"})
        assert "is no operation" not in Page(answer.text).text, op


async def test_jobs_are_counted_listed_and_put_back(world, browser):
    """By their queue."""
    queue = world.server.service.queue("mail")
    failed, waiting = await queue.enqueue({"to": "ann"}, priority=5), await queue.enqueue({"to": "bob"})
    job = await queue.claim("worker-7")
    assert job is not None
    await job.fail("no such address", retry=False)
    assert "queued 1 failed 1" in (await browser.get("jobs")).text
    page = await browser.get("jobs/mail?status=failed")
    assert "no such address" in page.text
    assert waiting not in page.text
    assert (await browser.post("jobs/mail/status", job=failed, status="queued", reason="r")).status_code == 303
    assert (await browser.post("jobs/mail/status", job=waiting, status="cancelled", reason="r")).status_code == 303
    assert {one: (await queue.get(one)).status for one in (failed, waiting)} == {failed: "queued", waiting: "cancelled"}
    assert (await browser.post("jobs/mail/status", job=failed, status="succeeded")).status_code == 422
    assert (await browser.post("jobs/mail/status", job="nope", status="queued", reason="r")).status_code == 404


async def test_timers_are_shown_in_the_order_of_time():
    """With what is taken then."""
    after = {"b": Timeout(timedelta(hours=2), "back"), "a": Timeout(timedelta(hours=1), "go")}
    machine = Machine("m", "a", [Transition("go", "a", "b"), Transition("back", "b", "a")], timeouts=after)
    async with World.opened(machines=[machine]) as world, browsing(world) as browser:
        moves = world.server.service.persisters["m"]
        await moves.start("g", "late")
        await moves.transition("g", "late", "go")
        await moves.start("g", "soon")
        text = (await browser.get("timers")).text
    assert text.index("g / soon") < text.index("g / late")
    assert "back" in text


async def test_a_server_without_machines_has_no_timers():
    """And says so."""
    async with World.opened(machines=[]) as world, browsing(world) as browser:
        assert "Nothing is due" in (await browser.get("timers")).text


async def test_a_saga_is_shown_step_by_step_and_turned_back(world, browser):
    """By who is in the session, for a reason."""

    def fails(_):
        raise ValueError("no <b>stock</b>")

    saga = Saga("order", [Step("reserve", lambda _: 7, lambda _: None), Step("charge", fails, lambda _: None)])
    runner = AsyncSagaRunner(world.store, [saga])
    await runner.start("shop", "s-1", "order", {"total": 3})
    await runner.run_due()
    assert "/console/sagas/shop" in (await browser.get("sagas")).addresses
    assert "s-1" in (await browser.get("sagas/shop")).text
    page = await browser.get("sagas/shop/sagas/s-1")
    assert "no <b>stock</b>" in page.text
    assert "reserve" in page.text
    assert (await browser.post("sagas/shop/sagas/s-1/compensate", reason=" ")).status_code == 422
    assert (await browser.get("sagas/shop?status=completed")).text.count("No saga is found so.") == 1


async def test_a_saga_is_turned_back_by_a_form(world, browser):
    """While it runs."""
    runner = AsyncSagaRunner(world.store, [Saga("order", [Step("reserve", lambda _: 7, lambda _: None)])])
    await runner.start("shop", "s-2", "order")
    answer = await browser.post("sagas/shop/sagas/s-2/compensate", reason="wrong order")
    assert answer.headers["location"].endswith("?done=compensate")
    turned = await runner.get("shop", "s-2")
    assert turned.reason == "wrong order"
    assert (await browser.post("sagas/shop/sagas/s-2/retry", reason="again")).status_code in {303, 422}


async def test_a_dead_letter_is_seen_and_delivered_again(world, browser):
    """With its error; and how far the subscription is behind."""
    told: list[int] = []

    def handler(event):
        told.append(event.version)
        if len(told) == 1:
            raise ValueError("the <b>mailer</b> is down")

    subscription = AsyncSubscription(world.store, "mailer", handler, max_attempts=1, config=SubscriptionConfig())
    await world.server.service.persisters["order"].start("g", "s")
    await subscription.run_once()
    assert "/console/subscriptions/mailer" in (await browser.get("subscriptions")).addresses
    page = await browser.get("subscriptions/mailer")
    assert "the <b>mailer</b> is down" in page.text
    given = {"governor": "g", "state": "s", "version": "1"}
    assert (await browser.post("subscriptions/mailer/retry", **given)).status_code == 303
    await subscription.run_once()
    assert told == [1, 1]
    assert (await browser.post("subscriptions/mailer/retry", **given)).status_code == 404
    assert "There is none." in (await browser.get("subscriptions/mailer")).text


async def test_what_the_process_does_is_shown(world, browser):
    """Operations with how long they took, what is billed, conflicts, errors; and its mark changes with each."""
    orders = world.server.service.persisters["order"]
    await orders.start("g", "s")
    before = (await browser.client.get("/console/performance/mark")).text
    for _ in range(3):
        await world.everything.post(
            "/v1/governors/g/states/nope/transitions", json={"action": "pay", "machine": "order"}
        )
    page = await browser.get("performance")
    assert "transition 3" in page.text
    assert "state_not_found 3" in page.text
    assert "documents written" in page.text
    assert page.cost == 0
    assert (await browser.client.get("/console/performance/mark")).text != before
