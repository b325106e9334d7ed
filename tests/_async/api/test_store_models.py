"""Pydantic models, enum members and plain text as data, payload and names: the same on every backend."""

from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, Json, SecretStr, computed_field

from tai_state import (
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    ChangeMetadata,
    DocumentTooLargeError,
    InvalidDataError,
    Machine,
    Transition,
    change_context,
    codec,
)
from tests._async.stores import in_memory


@pytest.fixture
def bound(scale, monkeypatch):
    """The most bytes of JSON that can be read again: 64 MiB, or a small form of it."""
    bound = scale(2**20, 64 * 2**20)
    monkeypatch.setattr(codec, "PAYLOAD_BYTES_MAX", bound)
    return bound


class Colour(StrEnum):
    RED = "red"


class Line(BaseModel):
    text: str
    tags: set[str] = set()


class Basket(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    basket_id: int = Field(alias="basketId")
    lines: tuple[Line, ...] = ()
    limits: Json[list[int]] = []
    secret: SecretStr | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def size(self) -> int:
        return len(self.lines)


class Gift(Basket):
    wrapped: bool = False


class Put(BaseModel):
    line: Line
    colour: Colour = Colour.RED


def put(basket: Basket, payload: dict[str, Any]) -> Basket:
    if payload["line"]["text"] == "secret":
        return basket.model_copy(update={"secret": SecretStr("x")})
    if payload["line"]["text"] == "gift":
        return Gift(basketId=basket.basket_id, wrapped=True)
    if payload["line"]["text"] == "much":
        return basket.model_copy(update={"lines": (Line(text="x" * vars(codec)["PAYLOAD_BYTES_MAX"]),)})
    return basket.model_copy(update={"lines": (*basket.lines, Line.model_validate(payload["line"]))})


BASKETS = Machine("basket", "open", [Transition("put", "open", "open", apply=put)], data_type=Basket)
RAW: Any = "[1, 2]"  # what is given for Json[...] is a text
BASKET = Basket(basketId=7, lines=(Line(text="a", tags={"x", "y"}),), limits=RAW)


@pytest.fixture
def baskets(store):
    return AsyncStateMachinePersister(store, BASKETS)


async def test_a_model_comes_back_equal(baskets, store):
    """With aliases, sets, tuples, Json and computed fields, under strict and extra="forbid"; stored by its names."""
    await baskets.start("g", "s", BASKET)
    moved = await baskets.transition("g", "s", "put", Put(line=Line(text="b")))
    loaded = (await baskets.load_state("g", "s")).snapshot.data
    assert loaded == moved.snapshot.data == BASKET.model_copy(update={"lines": (*BASKET.lines, Line(text="b"))})
    assert (await store.get_state("g", "s"))[0].data["basket_id"] == 7
    assert (await baskets.validate_consistency("g")).problems == []
    assert (await baskets.replay("g", "s")).data == loaded


async def test_a_dict_may_have_aliases_or_names(baskets):
    """As the body of a request has them, or a document of ours."""
    for state_id, data in (("a", {"basketId": 7}), ("b", {"basket_id": 7})):
        await baskets.start("g", state_id, data)
        assert (await baskets.load_state("g", state_id)).snapshot.data == Basket(basketId=7)


@pytest.mark.parametrize(("text", "path"), [("secret", "data.secret"), ("gift", "data")])
async def test_what_a_reducer_makes_must_come_back_equal(baskets, text, path):
    """Else the move is refused, and the state stays as it was."""
    await baskets.start("g", "s", BASKET)
    with pytest.raises(InvalidDataError) as caught:
        await baskets.transition("g", "s", "put", {"line": {"text": text}})
    assert caught.value.path == path
    assert (await baskets.load_state("g", "s")).snapshot.data == BASKET


@in_memory
async def test_a_model_of_another_type_is_refused(place):
    """A subclass would lose what it has beyond its base."""
    store, backend = place.counting()
    persister = AsyncStateMachinePersister(store, BASKETS)
    with pytest.raises(InvalidDataError, match="must be a Basket"):
        await persister.start("g", "s", Gift(basketId=7, wrapped=True))
    with pytest.raises(InvalidDataError, match="must be a Basket"):
        await persister.log_transition("g", "s", "found", to_status="open", data=Gift(basketId=7))
    assert backend.calls == []


async def test_a_model_is_a_payload_a_result_and_a_context(store):
    """Wherever a dict may stand."""
    await store.save_state("g", "s", {"line": Line(text="a"), "colour": Colour.RED})
    with change_context(context=Line(text="why")):
        await store.save_state("g", "s", Line(text="b", tags={"x"}))
    first, second = [event async for event in store.get_events("g", "s")]
    assert first.to_state == {"line": {"text": "a", "tags": []}, "colour": "red"}
    assert (second.to_state, second.metadata.context["text"]) == ({"text": "b", "tags": ["x"]}, "why")

    async def body(tx):
        await tx.save_state("g", "t", {})
        return Line(text="done")

    result = await AsyncTransactionManager(store).run(body, idempotency_key="once")
    assert result == {"text": "done", "tags": []}


async def test_a_member_of_an_enum_is_plain_text_wherever_text_is(store):
    """As key, id, author, reason, status and error: stored, compared and given back as its text, on every engine."""
    metadata = ChangeMetadata(changed_by=Colour.RED, reason=Colour.RED, context={Colour.RED: Colour.RED})
    assert await store.save_state(Colour.RED, Colour.RED, {}, metadata, idempotency_key=Colour.RED) == 1
    assert await store.save_state("red", "red", {}, idempotency_key="red") == 1
    with change_context(changed_by=Colour.RED, reason=Colour.RED):
        await store.save_state("red", "red", {})
    first, second = [event async for event in store.get_events("red", "red")]
    texts = [first.idempotency_key]
    texts += [event.metadata.changed_by for event in (first, second)]
    texts += [event.metadata.reason for event in (first, second)]
    texts += [first.governor_id, first.state_id]
    assert [(text, type(text)) for text in texts] == [("red", str)] * len(texts)
    assert first.metadata.context == {"red": "red"}


async def test_dependencies_of_a_set_are_the_same_request_in_any_order(store):
    """A set has another order in every process: the ids are sorted, those of a list stay as they are."""
    persister = AsyncStateMachinePersister(store, Machine("m", "new", [Transition("go", "new", "gone")]))
    names = [f"d{number}" for number in range(9)]
    for name in names:
        await persister.start("g", name)
    started = await persister.start("g", "s", depends_on=set(names), idempotency_key="k")
    assert started.event.depends_on == tuple(names)
    again = await persister.start("g", "s", depends_on=names, idempotency_key="k")
    assert again.replayed
    listed = await persister.start("g", "t", depends_on=["d3", "d1"])
    assert listed.event.depends_on == ("d3", "d1")


async def test_what_could_not_be_read_again_is_refused(store, bound):
    """A state of 64 MiB of JSON compresses into a document, and would never be read: data, payload, context, result."""
    too_large = {"text": "x" * bound}
    await store.save_state("g", "s", {"n": 1})
    persister = AsyncStateMachinePersister(store, BASKETS)
    await persister.start("g", "b", BASKET)

    async def body(tx):
        await tx.save_state("g", "t", {})
        return too_large

    calls = {
        "data": lambda: store.save_state("g", "s", too_large),
        "payload": lambda: persister.transition("g", "b", "put", too_large),
        "metadata.context": lambda: store.save_state("g", "s", {}, ChangeMetadata(changed_by="a", context=too_large)),
        "result": lambda: AsyncTransactionManager(store).run(body, idempotency_key="k"),
    }
    for what, call in calls.items():
        with pytest.raises(DocumentTooLargeError, match=what) as caught:
            await call()
        assert (caught.value.size > caught.value.limit, caught.value.limit) == (True, bound)
    with pytest.raises(DocumentTooLargeError, match="data"):
        await persister.transition("g", "b", "put", {"line": {"text": "much"}})
    assert (await store.get_state("g", "s"))[1] == 1
    assert (await persister.load_state("g", "b")).snapshot.version == 1
    assert not await store.exists("g", "t")


async def test_the_largest_data_is_read_again(store, bound):
    """What is acknowledged is readable, up to the bound."""
    data = {"text": "x" * (bound // 64 * 63)}
    await store.save_state("g", "s", data)
    assert (await store.get_state("g", "s"))[0].data == data
