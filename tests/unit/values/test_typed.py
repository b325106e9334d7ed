"""Pydantic models as data: what is given comes back equal, or is refused by its field."""

import os
import subprocess
import sys
import warnings
from collections import deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Any, Literal
from uuid import UUID

import pytest
from pydantic import (
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    Json,
    PrivateAttr,
    RootModel,
    SecretBytes,
    SecretStr,
    computed_field,
    field_serializer,
    field_validator,
)

from tai_state.codec import Payload
from tai_state.conversion import normalize, normalize_data
from tai_state.errors import InvalidDataError
from tai_state.typed import validated


class Colour(Enum):
    RED = "red"


class Animal(BaseModel):
    name: str


class Dog(Animal):
    breed: str = "mutt"


@dataclass
class Point:
    x: int
    tags: frozenset[str] = frozenset()


class Wide(BaseModel):
    when: datetime
    naive: datetime
    day: date
    span: timedelta
    price: Decimal
    key: UUID
    pair: tuple[int, str]
    tags: set[str]
    frozen: frozenset[int]
    colour: Colour
    path: PurePosixPath
    address: IPv4Address
    text_bytes: bytes
    point: Point
    animals: dict[str, list[Animal]]
    choice: Literal["a", "b"] | int
    queue: deque[int]
    other: Any = None


WIDE = Wide(
    when=datetime(2024, 2, 29, 12, tzinfo=UTC),
    naive=datetime(2024, 2, 29, 12),  # noqa: DTZ001 - a model may have one
    day=date(2024, 2, 29),
    span=timedelta(microseconds=1),
    price=Decimal("0.10"),
    key=UUID(int=7),
    pair=(1, "a"),
    tags={"b", "a", "c"},
    frozen=frozenset({3, 1, 2}),
    colour=Colour.RED,
    path=PurePosixPath("/a"),
    address=IPv4Address("10.0.0.1"),
    text_bytes=b"text",
    point=Point(1, frozenset({"x", "y"})),
    animals={"d": [Animal(name="rex")]},
    choice="a",
    queue=deque([1, 2]),
)


class Aliased(BaseModel):
    order_id: int = Field(alias="orderId")
    note: str = Field("", validation_alias="remark", serialization_alias="comment")
    deep: int = Field(0, validation_alias=AliasPath("a", 1))  # type: ignore[pydantic-alias]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    when: datetime
    pair: tuple[int, int]
    price: Decimal

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total(self) -> int:
        return sum(self.pair)


class Encoded(BaseModel):
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
    blob: bytes


class Texts(BaseModel):
    items: Json[list[int]]


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    n: int = 0


class Private(BaseModel):
    n: int
    _cache: dict[str, int] = PrivateAttr(default_factory=dict)


def with_cache(model: Private) -> Private:
    model._cache["seen"] = 1
    return model


class Schemed(BaseModel):
    model_config = ConfigDict(serialize_by_alias=True)
    name: str = Field(alias="Name")


KEPT = {
    "every type": WIDE,
    "aliases": Aliased(orderId=1, remark="r", a=[0, 5]),
    "an alias of its own config": Schemed(Name="n"),
    "strict, with a computed field": Strict(when=WIDE.when, pair=(1, 2), price=Decimal(3)),
    "bytes in base64": Encoded.model_construct(blob=b"\xff\x00"),
    "json in a text": Texts.model_validate({"items": "[1, 2]"}),
    "extra": Open.model_validate({"n": 1, "more": {"a": [1]}}),
    "a root": RootModel[dict[str, int]]({"a": 1}),
    "private attributes": with_cache(Private(n=1)),
    "a text of a dollar": Open.model_validate({"n": 1, "cost": "$5", "more": {"$ref": 1}}),
}


@pytest.mark.parametrize("model", KEPT.values(), ids=KEPT)
def test_what_is_stored_of_a_model_reads_back_equal(model):
    """By the type that it has; and a second time it is stored as the same bytes."""
    payload = Payload.of(normalize_data(model))
    back = validated(type(model), payload.json if payload.is_json else payload.value())
    assert back.__dict__ == model.__dict__
    assert back.model_extra == model.model_extra
    assert Payload.of(normalize_data(back)) == payload


def test_a_model_is_stored_by_the_names_of_its_fields():
    """Whatever its aliases; what is computed is computed again."""
    assert normalize_data(KEPT["aliases"]) == {"order_id": 1, "note": "r", "deep": 5}
    assert normalize_data(KEPT["an alias of its own config"]) == {"name": "n"}
    assert "total" not in normalize_data(KEPT["strict, with a computed field"])


def test_a_model_is_read_by_names_and_by_aliases():
    """As another writer may have stored it."""
    assert validated(Aliased, b'{"orderId": 1, "comment": "", "remark": "r"}').note == "r"
    assert validated(Aliased, b'{"order_id": 1, "note": "r"}').note == "r"


class Odd:
    pass


class Holder(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    n: int = 0
    password: SecretStr | None = None
    token: SecretBytes | None = None
    animal: Animal | None = None
    zoo: dict[str, list[Animal]] = {}
    blob: bytes = b""
    odd: Odd | None = None
    inner: "Holder | None" = None
    anything: Any = None
    hidden: int = Field(0, exclude=True)
    ratio: float = 0.0


class Lossy(BaseModel):
    name: str

    @field_serializer("name")
    def shortened(self, name: str) -> str:
        return name[:2]

    @field_validator("name")
    @classmethod
    def plausible(cls, name: str) -> str:
        if "!" in name:
            message = "no shouting"
            raise ValueError(message)
        return name


REFUSED = {
    "secret": (Holder(password=SecretStr("hunter2")), "data.password"),
    "secret bytes": (Holder(token=SecretBytes(b"hunter2")), "data.token"),
    "nested secret": (Holder(inner=Holder(password=SecretStr("hunter2"))), "data.inner.password"),
    "nested subclass": (Holder(animal=Dog(name="rex", breed="collie")), "data.animal"),
    "subclass in a list": (Holder(zoo={"dogs": [Animal(name="a"), Dog(name="b")]}), "data.zoo.dogs[1]"),
    "bytes that are no text": (Holder(blob=b"\xff"), "data.blob"),
    "nested bytes": (Holder(inner=Holder(blob=b"\xff")), "data.inner.blob"),
    "bytes where anything is": (Holder(anything=[b"\xff"]), "data.anything"),
    "unknown type": (Holder(odd=Odd()), "data.odd"),
    "nested unknown type": (Holder(inner=Holder(inner=Holder(odd=Odd()))), "data.inner.inner.odd"),
    "a tuple where anything is": (Holder(anything=(1, 2)), "data.anything"),
    "a set where anything is": (Holder(anything={"a"}), "data.anything"),
    "a decimal where anything is": (Holder(anything={"price": Decimal(1)}), "data.anything.price"),
    "excluded": (Holder(hidden=1), "data.hidden"),
    "not a number": (Holder(ratio=float("nan")), "data.ratio"),
    "unchecked": (Holder().model_copy(update={"n": "hunter2"}), "data.n"),
    "lossy": (Lossy(name="hunter2"), "data.name"),
    "large int": (Holder(n=2**63), "data.n"),
    "lost root": (RootModel[Any]((1, "hunter2")), "data"),
}


@pytest.mark.parametrize(("model", "path"), REFUSED.values(), ids=REFUSED)
def test_what_would_not_come_back_equal_is_refused_by_its_field(model, path):
    """No warning and no other error, and neither shows the value."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InvalidDataError) as caught:
            normalize_data(model)
    assert caught.value.path == path
    assert "hunter2" not in str(caught.value)


def test_a_model_may_stand_wherever_a_dict_may():
    """In a list, in a dict, as a payload; and what it lacks is named there."""
    assert normalize([Animal(name="a"), {"dog": Dog(name="b")}]) == [
        {"name": "a"},
        {"dog": {"name": "b", "breed": "mutt"}},
    ]
    with pytest.raises(InvalidDataError) as caught:
        normalize({"items": [Holder(password=SecretStr("x"))]}, path="payload")
    assert caught.value.path == "payload.items[0].password"


def test_data_that_does_not_fit_is_told_without_showing_it():
    """The path of the first defect, and what is wrong with each."""
    with pytest.raises(InvalidDataError) as caught:
        validated(Holder, b'{"n": "hunter2", "inner": {"ratio": "hunter2"}}')
    assert caught.value.path == "data.n"
    assert "does not fit Holder" in str(caught.value)
    assert "inner.ratio: " in str(caught.value)
    assert "hunter2" not in str(caught.value)


PRINT_BYTES = """
import sys
from tai_state.codec import to_json
from tai_state.conversion import normalize_data
from tests.unit.values.test_typed import WIDE
sys.stdout.buffer.write(to_json(normalize_data(WIDE)))
"""


def test_a_model_with_sets_has_the_same_bytes_in_every_process():
    """Though each process has another order of hashes."""
    seen = {
        subprocess.run(
            [sys.executable, "-c", PRINT_BYTES],
            env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in range(1, 5)
    }
    assert len(seen) == 1
    assert b'"tags":["a","b","c"]' in next(iter(seen))
