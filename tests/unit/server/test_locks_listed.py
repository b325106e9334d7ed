"""Lists of locks, over HTTP and on pages: what is free stays for good, and a page looks at so many of them."""

import pytest

from tai_state.server.console.views import locks as view
from tai_state.server.http import held
from tests.unit.server.browsing import Page


@pytest.fixture
async def locks(world):
    """Locks: of nine, every third is held."""
    locks = world.server.service.locks
    for number in range(9):
        lock = await locks.acquire(f"r-{number}", heartbeat=False)
        if number % 3:
            await lock.release()
        else:
            lock.detach()
    return locks


async def walked(call, path):
    """Return the resources of each page, and what each page looked at."""
    pages = []
    while path:
        answer = await call.get(path)
        pages.append([one["resource"] for one in answer.json()["items"]])
        path = answer.links.get("next", {}).get("url")
    return pages


@pytest.mark.parametrize("looked_at", [1_000, 2])
async def test_a_list_of_locks_is_walked_page_by_page(call, locks, monkeypatch, looked_at):
    """By its links; none is left out, also where a page looks at fewer than it would have to."""
    monkeypatch.setattr(held, "LOOKED_AT_MAX", looked_at)
    found = await walked(call, "/v1/locks?limit=2")
    assert [one for page in found for one in page] == ["r-0", "r-3", "r-6"]
    everything = await walked(call, "/v1/locks?limit=4&held=false")
    assert [one for page in everything for one in page] == [f"r-{number}" for number in range(9)]


async def test_a_page_of_locks_looks_at_so_many(call, locks, monkeypatch, world):
    """And says where to go on: whoever follows comes to all of them."""
    monkeypatch.setattr(held, "LOOKED_AT_MAX", 2)
    read: list[int] = []
    monkeypatch.setattr(world.server.service, "locks", _Counted(locks, read))
    answer = await call.get("/v1/locks?limit=5&after=r-0")
    assert answer.json()["items"] == []
    assert answer.links["next"]["url"] == "/v1/locks?limit=5&after=r-2"
    assert sum(read) == 2


class _Counted:
    """Locks, and how many of them each page was asked for."""

    def __init__(self, locks, read):
        self._locks, self._read = locks, read

    def list(self, *, limit, **options):
        self._read.append(limit)
        return self._locks.list(limit=limit, **options)


async def test_the_console_shows_locks_page_by_page(browser, locks, monkeypatch):
    """With a way on, and a way back; a page that shows none says that it is here that there is none."""
    monkeypatch.setattr(view, "LOCKS_SHOWN", 2)
    first = await browser.get("locks")
    assert ("r-0" in first.text, "r-3" in first.text, "r-6" in first.text) == (True, True, False)
    (following,) = [one for one in first.addresses if "after=" in one]
    second = Page((await browser.client.get(following)).text)
    assert ("r-6" in second.text, "r-3" in second.text) == (True, False)
    assert [one for one in second.addresses if "after=" in one] == []
    assert "/console/locks" in second.addresses
    assert "None is held here" in (await browser.get("locks?after=r-6")).text
