"""What a state went through: its timeline, any version, what lies between two, and whether the chain holds."""

import itertools

import pytest

from tai_state import ChangeMetadata, PersistenceConfig
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tai_state.server.console.views.history import EVENTS_SHOWN
from tests._async.recovery.damages import async_write
from tests._async.stores import async_plant
from tests.unit.server.browsing import Page

STATE = "governors/g/states/s"


@pytest.fixture
def bells(world):
    """What moves bells, as often as one likes."""
    return world.server.service.persisters["bell"]


async def rung(bells, times):
    """Ring a bell until it is at version *times*."""
    await bells.start("g", "s", {"n": 0})
    for action in itertools.islice(itertools.cycle(["ring", "rest"]), times - 1):
        await bells.transition("g", "s", action, metadata=ChangeMetadata(changed_by="ann", reason=f"so {action}"))


def versions(page):
    """Return the versions that a timeline leads to, in its order."""
    return [int(one.rpartition("/")[2]) for one in page.addresses if "/versions/" in one]


async def test_the_timeline_goes_back_page_by_page(browser, bells):
    """The newest first; each page reads little more than what it shows."""
    await rung(bells, EVENTS_SHOWN + 3)
    first = await browser.get(f"{STATE}/history")
    assert versions(first) == list(range(EVENTS_SHOWN + 3, 3, -1))
    assert "rest" in first.text
    assert "by ann: so ring" in first.text
    assert first.cost <= EVENTS_SHOWN + 3
    (older,) = [one for one in first.addresses if "until=" in one]
    second = Page((await browser.client.get(older)).text)
    assert versions(second) == [3, 2, 1]
    assert [one for one in second.addresses if "until=" in one] == []


async def test_a_state_that_never_was_has_no_history(browser):
    """And is told so."""
    assert "no such state" in (await browser.get(f"{STATE}/history", status=404)).text


async def test_any_version_is_shown_as_it_was(browser, orders):
    """By the one event that made it, with who, why, payload and hashes."""
    await orders.start("g", "s", {"total": 5})
    paid = await orders.transition("g", "s", "pay", 41, metadata=ChangeMetadata(changed_by="ann", reason="card"))
    first, second = await browser.get(f"{STATE}/versions/1"), await browser.get(f"{STATE}/versions/2")
    assert ("Status new" in first.text, '"paid"' in first.text, first.cost) == (True, False, 1)
    for told in ("Status paid", '"paid": 41', "By ann", "Why card", "Payload 41", paid.event.hash):
        assert told in second.text
    assert "There is no such version." in (await browser.get(f"{STATE}/versions/3", status=404)).text
    assert "no such state" in (await browser.get("governors/g/states/nope/versions/1", status=404)).text


async def test_what_lies_between_two_versions_is_shown_path_by_path(browser, orders):
    """In either direction, for two documents."""
    await orders.start("g", "s", {"total": 5})
    await orders.transition("g", "s", "pay", {"card": "x"})
    page = await browser.get(f"{STATE}/diff?from=1&to=2")
    assert 'added data.paid {"card": "x"}' in page.text
    assert 'changed status "new" "paid"' in page.text
    assert page.cost == 2
    assert 'removed data.paid {"card": "x"}' in (await browser.get(f"{STATE}/diff?from=2&to=1")).text
    assert "Nothing lies between them." in (await browser.get(f"{STATE}/diff?from=2&to=2")).text


@pytest.mark.parametrize("query", ["", "from=1", "from=0&to=1", "from=1&to=-1", "from=1&to=x", "from=1&to=" + "9" * 30])
async def test_what_are_no_versions_is_told_so(browser, orders, query):
    """Without a look at the store."""
    await orders.start("g", "s")
    assert "from" in (await browser.get(f"{STATE}/diff?{query}", status=422)).text


async def test_a_state_is_found_as_it_was_at_a_time(browser, world, bells):
    """By halves: few events are read of many."""
    await rung(bells, 40)
    events = [one async for one in world.store.get_events("g", "s")]
    for number in (1, 2, 17, 39, 40):
        time = events[number - 1].timestamp
        wanted = max(one.version for one in events if one.timestamp <= time)
        answer = await browser.client.get(f"/console/{STATE}/at", params={"time": time.isoformat()})
        assert answer.headers["location"] == f"/console/{STATE}/versions/{wanted}"
    late = await browser.client.get(f"/console/{STATE}/at", params={"time": "2999-01-01T00:00:00Z"})
    assert late.headers["location"] == f"/console/{STATE}/versions/40"
    early = await browser.client.get(f"/console/{STATE}/at", params={"time": "1999-01-01T00:00:00Z"})
    assert early.status_code == 404


@pytest.mark.parametrize("query", ["", "time=2026-01-01T00:00:00", "time=yesterday", "version=0"])
async def test_a_time_without_an_offset_is_none(browser, orders, query):
    """It would mean another one to everybody."""
    await orders.start("g", "s")
    assert (await browser.get(f"{STATE}/at?{query}", status=422)).text


async def test_a_chain_that_holds_is_told_with_how_much_was_checked(browser, bells):
    """Every event is read for it, and the page says so."""
    await rung(bells, 12)
    page = await browser.get(f"{STATE}/verify")
    assert "The chain holds: 12 events of 1 state follow from one another" in page.text
    assert page.cost >= 12


async def test_where_a_chain_breaks_is_told(world, browser, bells):
    """By the version of the event that does not follow, and where it is stored."""
    await rung(bells, 12)
    await async_plant(world.store, state_layout("g", "s").event(7), to_status="forged")
    page = await browser.get(f"{STATE}/verify")
    assert "The chain holds" not in page.text
    assert "corrupt_event" in page.text
    assert " 7 " in page.text


async def test_a_timeline_with_a_hole_is_shown_up_to_it(world, browser, bells):
    """And says what is missing."""
    await rung(bells, 12)
    await async_write(world.store, Delete(state_layout("g", "s").event(7)))
    history = await browser.get(f"{STATE}/history")
    assert "Not all of it can be read" in history.text
    assert versions(history) == [12, 11, 10, 9, 8]
    (below,) = [one for one in history.addresses if "until=" in one]
    hole = Page((await browser.client.get(below)).text)
    assert "version 7: the event is missing" in hole.text
    (below,) = [one for one in hole.addresses if "until=" in one]
    assert versions(Page((await browser.client.get(below)).text)) == [6, 5, 4, 3, 2, 1]
    assert versions(await browser.get(STATE)) == [12, 11, 10, 9, 8]


async def test_a_version_whose_event_is_sealed_away_is_shown_all_the_same(world, browser):
    """The store finds it in its segment."""
    from tai_state import AsyncStateMachinePersister  # noqa: PLC0415 - of this alone
    from tests.unit.server.world import BELL  # noqa: PLC0415

    bells = AsyncStateMachinePersister(world.store, BELL, PersistenceConfig(segment_events=4, snapshot_interval=4))
    await rung(bells, 12)
    await bells.gc("g")
    assert "Status ringing" in (await browser.get(f"{STATE}/versions/2")).text
