"""The console in a real browser: every page, a whole incident by clicks, hostile content, the keyboard alone."""

from urllib.parse import quote

import pytest

from tai_state import ChangeMetadata, LockManager, Machine, SqliteStore, StateMachinePersister, Transition
from tai_state.documents import Put
from tai_state.keys import Keys
from tai_state.layout import state_layout
from tests.integration.server.browsers import NARROW, axe_source, browser
from tests.integration.server.served import serving

pytestmark = [pytest.mark.more, pytest.mark.timeout(600)]

ORDER = Machine(
    "order",
    "new",
    [
        Transition("pay", "new", "paid"),
        Transition("ship", "paid", "shipped"),
        Transition("fail", ["new", "paid"], "failed"),
        Transition("retry", "failed", "new"),
    ],
)
HOSTILE = [
    "<script>window.hostile=1</script><img src=x onerror=window.hostile=1>",
    "../../x",
    "\u05d0\u05d1\u05d2 \u202e evil",
    "\U0001f469\u200d\U0001f680 \u2764\ufe0f",
    "x" * 400,
]
PAGES = ["", "locks", "keys", "jobs", "timers", "sagas", "subscriptions", "performance", "nope"]


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The script of axe-core."""
    return axe_source(tmp_path_factory.mktemp("axe"))


@pytest.fixture
def site(tmp_path):
    """A server with a stuck state, whose document is damaged, and with hostile content."""
    (tmp_path / "order.json").write_text(ORDER.to_json())
    with SqliteStore(tmp_path / "tai_state.db", actor="seed") as store:
        orders = StateMachinePersister(store, ORDER)
        for number in range(60):
            orders.start("shop", f"order-{number:02}", {"total": number}, labels={"region": "eu"})
        why = ChangeMetadata(changed_by="worker-7", reason="the carrier was asked")
        orders.transition("shop", "order-17", "fail", metadata=why, error="the carrier does not answer")
        for text in HOSTILE:
            said = ChangeMetadata(changed_by=text, reason=text, context={text: text})
            orders.start(text, text, {text: text}, metadata=said)
            orders.transition(text, text, "fail", {text: text}, metadata=said, error=text)
            Keys(store, text).set(text, {text: text})
            LockManager(store).acquire(text, owner="owner", ttl=600, heartbeat=False).detach()
        orders.start("shop", "big", {"text": "<b>" + "é" * 450_000})
        path = state_layout("shop", "order-17").state
        document = store.runtime.access.backend.get_many([path], timeout=5).get(path)
        assert document is not None
        store.runtime.access.backend.commit([Put(path, {**document.fields, "status": "shipped"})], timeout=5)
    with serving(tmp_path, "--machine", "order.json") as served:
        yield served


@pytest.fixture
def window(site, axe):
    """A browser in which somebody has logged in by the link that works once."""
    with browser(site.address, axe) as window:
        window.driver.get(site.told["login"])
        yield window


def pages_of(text):
    """Return the pages that show what is called *text*."""
    one = quote(text, safe="")
    state = f"governors/{one}/states/{one}"
    below = ("", "/history", "/versions/1", "/diff?from=1&to=2", "/verify")
    return [
        f"governors/{one}",
        *(state + part for part in below),
        f"keys/{one}",
        f"keys/{one}/keys/{one}",
        f"locks/{one}",
    ]


def test_every_page_is_sound(window):
    """To axe-core, by day and by night, at 360 px and wide; nothing is asked of another host."""
    for path in [*PAGES, "governors/shop", "governors/shop?status=failed", *pages_of(HOSTILE[1]), "keys/a/transaction"]:
        for scheme, width in (("light", 1280), ("dark", NARROW)):
            window.scheme(scheme)
            window.width(width)
            window.go(path)
            assert window.faults() == [], (path, scheme, width)
    assert window.hosts() == []


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_content_is_text(window, text):
    """On every page; nothing of it runs, and no page grows wider than a small window."""
    window.width(NARROW)
    for path in pages_of(text):
        window.go(path)
        assert window.faults() == [], path
        assert window.driver.execute_script("return window.hostile") is None
    assert window.hosts() == []


def test_data_of_900_kib_is_shown_in_part(window):
    """And all of it where that is asked for."""
    window.go("governors/shop/states/big")
    assert window.faults() == []
    window.follow("Show all of them")
    assert len(window.find("pre.data").get_attribute("textContent")) > 450_000


def test_an_incident_is_handled_by_clicks(window, site):
    """Find the stuck state, see why, dry-run, recover, move it on, verify."""
    window.follow("shop")
    window.find("#prefix").send_keys("order-17")
    window.press("Find")
    window.follow("order-17")
    assert "was rebuilt from its events" in window.text
    assert "the carrier does not answer" in window.text
    window.follow("shop")
    window.press("Recover: dry run")
    window.until(lambda: "nothing was written" in window.text)
    window.find("#reason-recover").send_keys("the disk was bad")
    window.press("Recover")
    window.until(lambda: "It did what is listed below." in window.text)
    window.go("governors/shop/states/order-17")
    window.find("details.act summary").click()
    window.find("#reason-retry").send_keys("the carrier is back")
    window.press("Move it by retry")
    assert "It was moved." in window.text
    window.follow("Check the chain")
    assert "The chain holds: 3 events of 1 state" in window.text
    window.follow("shop")
    window.press("Check all of it")
    window.until(lambda: "All is sound" in window.text)
    assert window.faults() == []
    events = site.call("GET", "/v1/governors/shop/states/order-17/events").json()["items"]
    assert events[-1]["metadata"] | {"context": {}} == {
        "changed_by": "operator",
        "reason": "the carrier is back",
        "parent_version": 2,
        "context": {},
    }


def test_a_change_is_shown_without_a_reload(window, site):
    """And does not take away a form that somebody is at: that is told so."""
    window.go("governors/shop/states/order-01")
    state = "/v1/governors/shop/states/order-01"
    window.driver.execute_script("window.stayed = true")
    assert site.call("POST", f"{state}/transitions", {"action": "pay"}).status == 200
    window.until(lambda: "paid" in window.find("dl .status").text)
    assert window.driver.execute_script("return window.stayed")
    window.find("details.act summary").click()
    assert site.call("POST", f"{state}/transitions", {"action": "ship"}).status == 200
    window.until(lambda: window.find("#news").is_displayed())
    assert "paid" in window.find("dl .status").text
    assert "to see whether it has changed" in window.find("footer").text
    window.follow("Show it")
    assert "shipped" in window.find("dl .status").text
    assert window.complaints() == []


def test_the_keyboard_alone_moves_a_state(site, axe):
    """From the page for logging in on."""
    from selenium.webdriver.common.keys import Keys as Press  # noqa: PLC0415 - for `make test-more` alone

    with browser(site.address, axe) as window:
        window.go("login")

        def press(*keys):
            window.driver.switch_to.active_element.send_keys(*keys)

        def tab_to(text):
            for _ in range(80):
                press(Press.TAB)
                here = window.driver.switch_to.active_element
                if text in {here.text.strip(), here.get_attribute("id")}:
                    return
            pytest.fail(f"the keyboard does not reach {text!r}")

        press(site.told["token"], Press.ENTER)
        tab_to("shop")
        press(Press.ENTER)
        tab_to("prefix")
        press("order-02", Press.ENTER)
        tab_to("order-02")
        press(Press.ENTER)
        tab_to("pay → paid")
        press(Press.ENTER)
        tab_to("reason-pay")
        press("by hand", Press.ENTER)
        window.until(lambda: "It was moved." in window.text)
        tab_to("Log out")
        press(Press.ENTER)
        window.until(lambda: "Log in" in window.text)
