"""What an operator does to a state by a form: moves, the way back, snapshots; each once, for a reason, and by name."""

from typing import Annotated, Any, Literal, TypedDict

import pytest
from pydantic import BaseModel, Field

from tai_state import Machine, OutcomeUnknownError, Transition
from tai_state.server.console.payloads import fields_of
from tests.unit.server.browsing import Page, browsing
from tests.unit.server.world import World

STATE = "governors/g/states/s"


class Payment(TypedDict, total=False):
    amount: int
    rate: float
    method: Literal["card", "cash"]
    is_first: bool
    note: str
    lines: list[int]


class Parcel(BaseModel):
    weight: Annotated[int, Field(description="in grams")]
    label: str = ""


def paid(data, payload: Payment):
    return {**data, "paid": payload}


def packed(data, payload: Parcel):
    return {**data, "parcel": payload}


def is_light(data, payload: int):
    return payload < 10


SHOP = Machine(
    "shop",
    "new",
    [
        Transition("pay", "new", "paid", apply=paid),
        Transition("pack", "paid", "packed", apply=packed),
        Transition("weigh", "paid", "light", is_light),
        Transition("weigh", "paid", "heavy"),
        Transition("skip", "new", "packed"),
    ],
)


@pytest.fixture
async def world():
    """A server that moves what a shop has."""
    async with World.opened(machines=[SHOP]) as world:
        await world.server.service.persisters["shop"].start("g", "s", {"total": 3})
        yield world


async def sent(browser, action="pay", **fields):
    given = {"action": action, "status": "new", "version": "1", "reason": "the customer called", "key": "k", **fields}
    return await browser.post(f"{STATE}/transition", **given)


async def test_a_form_moves_a_state(world, browser):
    """Signed by who is in the session, with the reason that he gave; what was left empty is left out."""
    answer = await sent(browser, **{"payload.amount": "41", "payload.method": "card", "payload.note": ""})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/{STATE}?done=transition")
    snapshot, version = await world.store.get_state("g", "s")
    assert (snapshot.status, version) == ("paid", 2)
    assert snapshot.data["paid"] == {"amount": 41, "method": "card"}
    assert (snapshot.metadata.changed_by, snapshot.metadata.reason) == ("everything", "the customer called")
    assert "It was moved." in (await browser.get(f"{STATE}?done=transition")).text


async def test_a_page_shows_a_form_for_each_move_that_is_allowed(browser):
    """And for no other one; fields are those of the payload's type."""
    page = await browser.get(STATE)
    assert page.addresses.count(f"/console/{STATE}/transition") == 2
    assert {
        "payload.amount",
        "payload.method",
        "payload.is_first",
        "payload.lines",
        "reason",
        "key",
    } <= page.fields.keys()
    assert page.fields["version"] == "1"


async def test_who_only_reads_is_shown_no_form(world):
    """Nothing that he could not do."""
    async with browsing(world, "reader") as reader:
        page = await reader.get(STATE)
    assert [one for one in page.addresses if one.endswith(("/transition", "/rollback", "/snapshot"))] == []


async def test_a_form_that_is_sent_twice_moves_once(world, browser):
    """Whoever clicks twice, or sends it again behind a lost reply."""
    for _ in range(2):
        assert (await sent(browser, **{"payload.amount": "1"})).status_code == 303
    assert (await world.store.get_state("g", "s"))[1] == 2


async def test_a_state_that_changed_meanwhile_is_not_moved(world, browser):
    """The page showed another one; it leads back to what is there now."""
    await world.server.service.persisters["shop"].transition("g", "s", "pay", {})
    answer = await sent(browser, key="other")
    assert answer.status_code == 409
    page = Page(answer.text)
    assert "version_conflict" in page.text
    assert f"/console/{STATE}" in page.addresses
    assert (await world.store.get_state("g", "s"))[1] == 2


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"reason": "  "}, "say why"),
        ({"key": ""}, "load the page again"),
        ({"version": ""}, "number from 1 on"),
        ({"action": "nope"}, "does not allow this action"),
        ({"payload.amount": "4x"}, "is no integer"),
        ({"payload.rate": "x"}, "is no number"),
        ({"payload.method": "gold"}, "none of those"),
        ({"payload.lines": "[1"}, "invalid"),
    ],
)
async def test_what_is_no_move_is_told_so(world, browser, fields, told):
    """And nothing is written."""
    answer = await sent(browser, **fields)
    assert answer.status_code == 422
    assert told in Page(answer.text).text
    assert (await world.store.get_state("g", "s"))[1] == 1


async def test_a_lost_verdict_leads_to_the_same_form_again(world, browser, monkeypatch):
    """Under the same key, so that it is done once, whatever became of it."""
    moves = world.server.service.persisters["shop"]
    transition = moves.transition

    async def lost(*args, **kwargs):
        await transition(*args, **kwargs)
        raise OutcomeUnknownError("t", "g", "s", 2)

    monkeypatch.setattr(moves, "transition", lost)
    answer = await sent(browser)
    assert answer.status_code in {500, 503}
    again = Page(answer.text)
    assert "Send it again" in again.text
    monkeypatch.setattr(moves, "transition", transition)
    answer = await browser.client.post(f"/console/{STATE}/transition", data=again.fields)
    assert answer.status_code == 303
    assert (await world.store.get_state("g", "s"))[1] == 2


async def test_a_payload_that_is_no_object_is_one_field(world, browser):
    """A number, say; where functions disagree, or say nothing, it is JSON."""
    await sent(browser)
    page = await browser.get(STATE)
    assert "payload" in page.fields
    answer = await sent(browser, "weigh", status="paid", version="2", payload="12", key="k2")
    assert answer.status_code == 303
    assert (await world.store.get_state("g", "s"))[0].status == "heavy"


def test_fields_are_those_of_the_type():
    """With its words, its choices, and whether they may stay empty."""
    pay = {one.label: one for one in fields_of(SHOP, "new", "pay")}
    assert {name: one.kind for name, one in pay.items()} == {
        "amount": "integer",
        "rate": "number",
        "method": "choice",
        "is_first": "boolean",
        "note": "text",
        "lines": "json",
    }
    assert pay["method"].choices == ("card", "cash")
    weight, label = fields_of(SHOP, "paid", "pack")
    assert (weight.kind, weight.is_required, weight.told, label.is_required) == ("integer", True, "in grams", False)
    assert [(one.kind, one.is_required) for one in fields_of(SHOP, "new", "skip")] == [("json", False)]
    assert [one.kind for one in fields_of(SHOP, "paid", "weigh")] == ["integer"]


def test_what_cannot_be_told_of_a_type_is_json():
    """A class of somebody's own, an annotation that leads nowhere, a function without a signature."""

    def own(data, payload: 7): ...  # type: ignore[valid-type]  # what is tested

    def nowhere(data, payload: "Nowhere"): ...  # type: ignore[name-defined]  # noqa: F821 - what is tested

    functions: list[Any] = [own, nowhere, dict.get, lambda data, payload: data]
    for function in functions:
        machine = Machine("m", "a", [Transition("go", "a", "b", apply=function)])
        assert [field.kind for field in fields_of(machine, "a", "go")] == ["json"]


async def test_a_rollback_makes_a_new_version(world, browser):
    """With what the earlier one held."""
    await sent(browser)
    given = {"to_version": "1", "version": "2", "reason": "wrong customer", "key": "k3"}
    for _ in range(2):
        assert (await browser.post(f"{STATE}/rollback", **given)).status_code == 303
    snapshot, version = await world.store.get_state("g", "s")
    assert (snapshot.status, version, snapshot.metadata.reason) == ("new", 3, "wrong customer")
    assert (await browser.post(f"{STATE}/rollback", **{**given, "to_version": ""})).status_code == 422
    assert (await browser.post(f"{STATE}/rollback", **{**given, "key": "k4"})).status_code == 409


async def test_a_snapshot_is_kept(world, browser):
    """Of the state as it is."""
    answer = await browser.post(f"{STATE}/snapshot")
    assert answer.headers["location"].endswith("?done=snapshot")
    assert [one.version async for one in world.server.service.plain.list_snapshots("g", "s")] == [1]
