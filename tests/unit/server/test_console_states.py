"""Governors with their counts, lists of states, and one state: what an operator looks for first."""

from datetime import timedelta

import pytest

from tai_state import (
    AsyncLockManager,
    AsyncStateMachinePersister,
    ChangeMetadata,
    Machine,
    Transition,
)
from tai_state.due import Timeout
from tai_state.layout import state_layout
from tai_state.server.console.views import states
from tai_state.server.console.views.governors import GOVERNORS_SHOWN, STATES_SHOWN, STATUSES_COUNTED
from tests._async.stores import async_plant
from tests.unit.server.browsing import Page, browsing
from tests.unit.server.world import World


async def test_governors_are_shown_with_their_counts(browser, orders):
    """As the engine counts them: one document each."""
    for number in range(3):
        await orders.start("shop-1", f"o-{number}")
    await orders.start("shop-2", "o")
    page = await browser.get("")
    assert "shop-1 3 shop-2 1" in page.text
    assert page.cost == 2 + 2


async def test_governors_are_shown_page_by_page(browser, orders):
    """None is left out, and none is shown twice."""
    names = [f"g-{number:02}" for number in range(GOVERNORS_SHOWN + 2)]
    for name in names:
        await orders.start(name, "s")
    first = await browser.get("")
    (following,) = [one for one in first.addresses if "after=" in one]
    second = Page((await browser.client.get(following)).text)
    assert [name for name in names if name in first.text] == names[:GOVERNORS_SHOWN]
    assert [name for name in names if name in second.text] == names[GOVERNORS_SHOWN:]
    assert [one for one in second.addresses if "after=" in one] == []


async def test_a_governor_is_gone_to_by_its_id(browser):
    """Whatever it is called."""
    answer = await browser.client.get("/console/", params={"governor": "a/b ?"})
    assert answer.headers["location"] == "/console/governors/a%2Fb%20%3F"


async def test_who_reaches_some_governors_is_shown_those(world, orders):
    """And not how many others there are."""
    for name in ("bank", "shop-1", "shop-2"):
        await orders.start(name, "s")
    async with browsing(world, "shops") as shops:
        page = await shops.get("")
    assert ("shop-1" in page.text, "shop-2" in page.text, "bank" in page.text) == (True, True, False)


async def test_states_are_found_by_status_prefix_and_label(browser, orders):
    """And by a label with a status."""
    await orders.start("g", "a-1", labels={"region": "eu"})
    await orders.start("g", "a-2", labels={"region": "us"})
    await orders.start("g", "b-1", labels={"region": "eu"})
    await orders.transition("g", "b-1", "pay", 1)

    async def found(query):
        page = await browser.get(f"governors/g{query}")
        return [name for name in ("a-1", "a-2", "b-1") if name in page.text]

    assert await found("") == ["a-1", "a-2", "b-1"]
    assert await found("?status=paid") == ["b-1"]
    assert await found("?prefix=a-&status=new") == ["a-1", "a-2"]
    assert await found("?label=region%3Deu") == ["a-1", "b-1"]
    assert await found("?label=region%3Deu&status=paid&prefix=") == ["b-1"]
    assert await found("?status=nope") == []


@pytest.mark.parametrize("query", ["label=region", "label=%3Deu", "label=a%3Db&prefix=x", "label=a%3Db&deleted=1"])
async def test_a_label_that_cannot_be_looked_for_is_told_so(browser, query):
    """In the place of a list that would mean something else."""
    assert "is NAME=VALUE" in (await browser.get(f"governors/g?{query}", status=422)).text


async def test_a_list_is_no_scan(browser, orders):
    """A page reads what it shows, one more, and a count for each status, however many states there are."""
    for number in range(3 * STATES_SHOWN):
        await orders.start("g", f"s-{number:03}")
    first = await browser.get("governors/g")
    counted = 1 + len({"new", "paid", "shipped", "still", "ringing"})
    assert first.cost == STATES_SHOWN + 1 + counted
    (following,) = [one for one in first.addresses if "after=" in one]
    second = Page((await browser.client.get(following)).text)
    assert second.cost == STATES_SHOWN + 1
    assert ("s-049" in first.text, "s-050" in first.text, "s-050" in second.text) == (True, False, True)


async def test_the_next_page_is_of_the_same_list(browser, orders):
    """Status, prefix and label go with it."""
    for number in range(STATES_SHOWN + 1):
        await orders.start("g", f"s-{number:03}", labels={"a": "b&c"})
    for query in ({"status": "new", "prefix": "s-"}, {"label": "a=b&c"}):
        first = Page((await browser.client.get("/console/governors/g", params=query)).text)
        (following,) = [one for one in first.addresses if "after=" in one]
        second = Page((await browser.client.get(following)).text)
        assert "s-050" in second.text
        assert {name: second.fields[name] for name in query} == query


async def test_counts_are_bounded():
    """A machine of many statuses makes no page of many reads."""
    wide = Machine("wide", "s0", [Transition(f"to{n}", "s0", f"s{n}") for n in range(1, 2 * STATUSES_COUNTED)])
    async with World.opened(machines=[wide]) as world, browsing(world) as browser:
        assert (await browser.get("governors/g")).cost == 1 + 1 + STATUSES_COUNTED


async def test_a_state_is_shown_with_all_that_is_known_of_it():
    """Status, data, who, why and when, its lock, what is due, what it reacts to, its labels."""
    machine = Machine(
        "m",
        "a",
        [Transition("go", "a", "b"), Transition("back", "b", "a")],
        timeouts={"b": Timeout(timedelta(1), "back")},
    )
    async with World.opened(machines=[machine]) as world, browsing(world) as browser:
        moves = world.server.service.persisters["m"]
        await moves.start("g", "first")
        await moves.start("g", "s", {"total": 77}, labels={"region": "eu"}, depends_on=["first"])
        why = ChangeMetadata(changed_by="ann", reason="the bell rang", context={"ticket": "T-9"})
        await moves.transition("g", "s", "go", {"pay": "load"}, metadata=why, error="no answer")
        await AsyncLockManager(world.store).acquire("g/s", owner="worker-7", heartbeat=False)
        page = await browser.get("governors/g/states/s")
    for told in ("Status b", "Version 2", "By ann", "Why the bell rang", "T-9", "Last error no answer", '"total": 77'):
        assert told in page.text
    for told in ("back at 20", "by worker-7, token 1", "region=eu", "m, version 1", '{"pay": "load"}'):
        assert told in page.text
    assert "/console/governors/g/states/first" in page.addresses
    assert page.cost == 1 + 1 + 1 + 1 + 2, "the state, its lock, its marks, its version for the events, and those"


async def test_the_status_is_marked_on_the_diagram(browser, orders):
    """And what leads on from it."""
    await orders.start("g", "s")
    await orders.transition("g", "s", "pay", 1)
    text = (await browser.client.get("/console/governors/g/states/s")).text
    marked = text.partition('class="box current"')[2].partition("</g>")[0]
    assert ">paid</text>" in marked
    assert 'class="label open"' in text


async def test_a_state_of_no_known_machine_is_shown_without_a_diagram(world, browser):
    """One that was saved, and one that another server's machine moved."""
    await world.store.save_state("g", "saved", {}, status="odd")
    await AsyncStateMachinePersister(world.store, Machine("other", "a", [Transition("go", "a", "b")])).start("g", "s")
    assert "none moved it" in (await browser.get("governors/g/states/saved")).text
    page = await browser.get("governors/g/states/s")
    assert "not known to this server" in page.text
    assert "svg" not in page.tags


async def test_a_deleted_state_is_shown_as_that(world, browser, orders):
    """Its history stays; a list has it where deleted ones are asked for."""
    await orders.start("g", "s", {"total": 1})
    await world.store.delete_state("g", "s")
    assert "It is deleted" in (await browser.get("governors/g/states/s")).text
    assert "/states/s" not in str((await browser.get("governors/g")).addresses)
    assert "/states/s" in str((await browser.get("governors/g?deleted=1")).addresses)


async def test_data_that_is_long_is_shown_in_part_until_all_is_asked_for(browser, orders):
    """With how much of it that is."""
    await orders.start("g", "s", {"text": "é" * 450_000, "zz": "the end"})
    page = await browser.get("governors/g/states/s")
    assert "These are 20,000 of 450,0" in page.text
    assert "the end" not in page.text
    assert "the end" in (await browser.get("governors/g/states/s?whole=1")).text


async def test_one_cheap_read_tells_whether_a_state_has_changed(browser, orders):
    """Which the page asks for itself, and says that it does."""
    await orders.start("g", "s")
    text = (await browser.client.get("/console/governors/g/states/s")).text
    assert 'data-version="1" data-look="/console/governors/g/states/s/version"' in text
    await orders.transition("g", "s", "pay", 1)
    answer = await browser.client.get("/console/governors/g/states/s/version")
    assert (answer.text, answer.headers["x-documents-read"]) == ("2", "1")
    assert (await browser.client.get("/console/governors/g/states/gone/version")).text == ""


async def test_a_damaged_document_is_told_and_the_rest_is_shown(world, browser, orders):
    """In the list, and on its own page: rebuilt from its events where these tell it."""
    for name in ("a", "b"):
        await orders.start("g", name, {"total": 5})
    await async_plant(world.store, state_layout("g", "a").state, data=5)
    page = await browser.get("governors/g?status=new")
    assert "/states/b" in str(page.addresses)
    assert "/console/governors/g/states/a" in (await browser.get("governors/g")).addresses, "named, and led to"
    shown = await browser.get("governors/g/states/a")
    assert "was rebuilt from its events" in shown.text
    assert '"total": 5' in shown.text


async def test_a_state_leads_to_those_that_react_to_it(monkeypatch):
    """With their statuses; of many, those that are shown are read."""
    machine = Machine(
        "m", "a", [Transition("go", "a", "b"), Transition("follow", "a", "c")], on_dependency={"b": "follow"}
    )
    monkeypatch.setattr(states, "DEPENDENTS_SHOWN", 2)
    async with World.opened(machines=[machine]) as world, browsing(world) as browser:
        moves = world.server.service.persisters["m"]
        await moves.start("g", "first")
        alone = await browser.get("governors/g/states/first")
        assert "Reacting to it" not in alone.text
        for name in ("two", "three", "<b>four"):
            await moves.start("g", name, depends_on=["first"])
        await moves.transition("g", "first", "go")
        page = await browser.get("governors/g/states/first")
        assert "Reacting to it <b>four c three c and others" in page.text
        assert "/console/governors/g/states/%3Cb%3Efour" in page.addresses
        assert page.cost <= alone.cost + 4
