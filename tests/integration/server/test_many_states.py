"""A governor of 100,000 states: lists of them, over HTTP and on pages, read what they show and no more."""

import statistics
import time
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tai_state import AsyncSqliteStore, SqliteStore, TransactionManager
from tai_state.server import app
from tai_state.server.console.views.governors import STATES_SHOWN
from tai_state.telemetry import Observer, observe
from tests.unit.server.browsing import Page, browsing
from tests.unit.server.world import ORDER, TOKENS, client_of, tokens

pytestmark = [pytest.mark.more, pytest.mark.timeout(900)]

COUNT, AT_ONCE = 100_000, 400
STUCK, MARKED = 250, 120
COUNTED = 2 * COUNT // 1_000 + 5
"""What the counts cost: of all, of those that are new, and of the other statuses, which few or none have."""

LATE = f"o-{COUNT - 2_000:06}"


def number_of(index):
    return f"o-{index:06}"


def saved(states, tx):
    tx.save_states("g", states, status="new")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A file with all of them: every 400th is stuck, and every 833rd has a label."""
    path = tmp_path_factory.mktemp("many") / "many.db"
    with SqliteStore(path) as store:
        manager = TransactionManager(store)
        for begin in range(0, COUNT, AT_ONCE):
            states = {number_of(index): {"n": index} for index in range(begin, begin + AT_ONCE)}
            manager.run(partial(saved, states))
        for index in range(0, COUNT, COUNT // STUCK):
            store.save_state("g", number_of(index), {"n": index}, status="stuck")
        for index in range(MARKED):
            store.save_state("g", number_of(index * 833), {"n": index}, labels={"region": "eu"})
    return path


class Reads(Observer):
    """Counts the documents that are read."""

    count = 0

    def request_ended(self, request, operation):
        del operation
        self.count += request.billed.documents_read


class Many:
    """A server over the file, who calls it, and what that reads."""

    def __init__(self, store, server, call):
        self.store, self.server, self.call = store, server, call

    async def asked(self, path):
        """Return an answer, how many documents were read for it, and the CPU seconds that it took in the median."""
        asked = [await self._asked(path) for _ in range(5)]
        answer, reads, _ = asked[0]
        return answer, reads, statistics.median(seconds for _, _, seconds in asked)

    async def _asked(self, path):
        reads, before = Reads(), time.process_time()
        with observe(self.store, reads):
            answer = await self.call.get(path)
        seconds = time.process_time() - before
        assert answer.status_code == 200, answer.text
        return answer, reads.count, seconds


@pytest.fixture
async def many(path):
    """The server, and one who may do everything."""
    async with AsyncSqliteStore(path) as store:
        server = app(store, machines=[ORDER], auth=tokens())
        async with client_of(server, TOKENS["everything"]) as call:
            yield Many(store, server, call)


STATES = "/v1/governors/g/states"
LISTS: dict[str, tuple[str, dict[str, Any]]] = {
    "all": (STATES, {"limit": 100}),
    "descending": (STATES, {"limit": 100, "descending": "true"}),
    "of a status": (STATES, {"limit": 50, "status": "stuck"}),
    "of a prefix": (STATES, {"limit": 100, "prefix": "o-09"}),
    "of a status that most have": (STATES, {"limit": 100, "status": "new"}),
    "of a label": ("/v1/states", {"limit": 50, "label": "region=eu"}),
    "of a label in a governor": ("/v1/states", {"limit": 50, "label": "region=eu", "governor": "g"}),
}


def behind(path, query, state):
    """Return the page of a list that begins behind a state."""
    place = {"after_governor": "g", "after_state": state} if path == "/v1/states" else {"after": state}
    return f"{path}?{urlencode({**query, **place})}"


@pytest.mark.parametrize("name", LISTS)
async def test_a_page_reads_what_it_shows_wherever_it_is(many, name):
    """The first, and one that begins behind nearly all of them: as many documents, and no more time."""
    path, query = LISTS[name]
    first, reads, seconds = await many.asked(f"{path}?{urlencode(query)}")
    assert len(first.json()["items"]) == query["limit"]
    assert "next" in first.links
    place = number_of(2_000) if "descending" in query else LATE
    late, late_reads, late_seconds = await many.asked(behind(path, query, place))
    assert late.json()["items"]
    assert max(reads, late_reads) <= query["limit"] + 2
    assert late_seconds < 4 * seconds + 0.02, (seconds, late_seconds)


async def test_all_of_them_are_walked(many):
    """By the links of large pages: each is there once, and none is read twice but the last of a page."""
    found, path, reads = [], f"{STATES}?limit=1000", Reads()
    with observe(many.store, reads):
        while path:
            answer = await many.call.get(path)
            found += [one["state_id"] for one in answer.json()["items"]]
            path = answer.links.get("next", {}).get("url")
    assert found == [number_of(index) for index in range(COUNT)]
    assert reads.count <= COUNT * 1.01


PAGES = {
    "all": "",
    "of a status": "status=stuck",
    "of a prefix": "prefix=o-0999",
    "of a label": "label=" + quote("region=eu"),
    "of a prefix that one has": "prefix=o-099999",
    "of a status that none has": "status=nope",
}


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_of_the_console_tells_that_it_reads_what_it_shows(many, name):
    """Its counts are the engine's, billed as one document for each thousand; behind the first page there are none."""
    async with browsing(many) as browser:
        before = time.process_time()
        first = await browser.get(f"governors/g?{PAGES[name]}")
        late = await browser.get(f"governors/g?{PAGES[name]}&after={LATE}")
        assert time.process_time() - before < 2.0
    assert ("100,000" in first.text, "100,000" in late.text) == (True, False)
    assert first.cost <= STATES_SHOWN + 2 + COUNTED
    assert late.cost <= STATES_SHOWN + 2


async def test_the_console_is_walked_by_its_links(many):
    """All that are stuck, page by page."""
    async with browsing(many) as browser:
        found, cost = [], 0
        following = ["/console/governors/g?status=stuck"]
        while following:
            page = Page((await browser.client.get(following[0])).text)
            found += [one.rpartition("/")[2] for one in page.addresses if "/states/" in one]
            cost += page.cost
            following = [one for one in page.addresses if "after=" in one]
    assert found == [number_of(index) for index in range(0, COUNT, COUNT // STUCK)]
    assert cost <= STUCK + 2 * (STUCK // STATES_SHOWN + 1) + COUNTED
