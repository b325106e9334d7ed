# Generated from tests/_async/feeds/test_state_container.py by .ci/generate_sync.py; do not edit.
"""Containers: one state as a value that is validated, persisted, and only then told."""
import hashlib
from typing import Any, cast

import pytest
from pydantic import BaseModel

from tai_state import (
    BackendStore,
    ConfigurationError,
    InvalidDataError,
    StateNotFoundError,
    StoredDataError,
    VersionNotFoundError,
)
from tai_state._sync.feeds.container import StateContainer
from tests._sync.stores import WrappedBackend, in_memory


class Settings(BaseModel):
    """What the containers of these tests hold."""

    colour: str
    size: int = 1


def known(container: StateContainer) -> tuple[Any, ...]:
    """What a container knows without asking."""
    return container.version, container.created_at, container.checksum


def test_a_value_is_set_got_updated_and_swapped(place):
    """Two containers over one state see each other's values, and a swap rests on the value alone."""
    one = StateContainer(place.store(), "g", "s", Settings)
    other = StateContainer(place.store(), "g", "s", Settings)
    assert one.get() is None
    assert one.get(Settings(colour="none")) == Settings(colour="none")
    assert one.compare_and_swap(None, Settings(colour="red")) is True
    assert other.compare_and_swap(None, Settings(colour="blue")) is False
    assert other.get() == Settings(colour="red")
    assert other.update(lambda value: Settings(colour=value.colour, size=value.size + 1)) == Settings(
        colour="red", size=2
    )
    assert one.compare_and_swap(Settings(colour="red"), Settings(colour="green")) is False
    assert one.compare_and_swap({"colour": "red", "size": 2}, Settings(colour="green")) is True
    assert other.get() == Settings(colour="green")
    assert [event.to_state for event in one.history()] == [
        Settings(colour="red"),
        Settings(colour="red", size=2),
        Settings(colour="green"),
    ]


@in_memory
def test_an_update_runs_again_where_another_was_first(store):
    """Neither change is lost."""
    container, other = (StateContainer(store, "g", "s") for _ in range(2))
    container.set({"n": 1})

    class Between(WrappedBackend):
        """Lets another writer in before the first commit."""

        is_done = False

        def commit(self, writes, *, timeout):
            if not self.is_done:
                self.is_done = True
                other.update(lambda value: {"n": value["n"] + 10})
            return super().commit(writes, timeout=timeout)

    backend = Between(store.runtime.access.backend)
    late = StateContainer(BackendStore(backend, actor="tester"), "g", "s")
    assert late.update(lambda value: {"n": value["n"] + 1}) == {"n": 12}
    assert container.get() == {"n": 12}


@in_memory
def test_what_is_refused_is_not_stored(store):
    """By the model, by the check, and by what the check raises."""

    def even(value):
        if value.size < 0:
            raise ValueError("negative")
        return value.size % 2 == 0

    container = StateContainer(store, "g", "s", Settings, validate=even)
    seen: list[Any] = []
    listener = container.subscribe(seen.append)
    with pytest.raises(InvalidDataError, match="does not fit Settings"):
        container.set({"colour": 3, "size": 2})
    with pytest.raises(InvalidDataError, match="was refused by validate"):
        container.set({"colour": "red"})
    with pytest.raises(ValueError, match="negative"):
        container.compare_and_swap(None, {"colour": "red", "size": -1})
    with pytest.raises(InvalidDataError, match="was refused by validate"):
        container.update(lambda _: Settings(colour="red"))
    assert container.get() is None
    container.set({"colour": "red", "size": 2})
    listener.close()
    assert seen == [Settings(colour="red", size=2)]


@in_memory
def test_subscribers_are_told_of_each_value_once_it_is_durable(store):
    """Whoever made it, by the store; None tells that it was deleted, and other states are none of theirs."""
    container = StateContainer(store, "g", "s", Settings)
    seen: list[Any] = []
    listener = container.subscribe(seen.append)
    container.set(Settings(colour="red"))
    store.save_state("g", "s", {"colour": "blue", "size": 7})
    store.save_state("g", "t", {"colour": "none"})
    store.save_state("g", "s", {"odd": True})
    store.delete_state("g", "s")
    listener.close()
    assert seen == [Settings(colour="red"), Settings(colour="blue", size=7), {"odd": True}, None]


@in_memory
def test_a_value_goes_back(store):
    """As many changes as are said, as a new version; a way back that is not there changes nothing."""
    container = StateContainer(store, "g", "s")
    with pytest.raises(StateNotFoundError):
        container.rollback(1)
    for number in range(4):
        container.set({"n": number})
    assert container.rollback(1) == {"n": 2}
    assert container.rollback(3) == {"n": 1}
    with pytest.raises(VersionNotFoundError):
        container.rollback(6)
    assert container.version == 6
    assert container.get() == {"n": 1}


@in_memory
def test_a_value_is_stored_as_its_model_writes_it(store):
    """With what a caller leaves to its defaults: another default tomorrow does not change what was meant today."""
    StateContainer(store, "g", "s", Settings).set({"colour": "red"})
    assert (store.get_state("g", "s"))[0].data == {"colour": "red", "size": 1}


@in_memory
def test_what_a_container_knows_without_asking(store):
    """Tags, and of the value what was last seen of it."""
    container = StateContainer(store, "g", "s", tags=["b", "a", "b"])
    assert container.tags == ("a", "b")
    assert known(container) == (0, None, None)
    container.set({"b": 1, "a": 2})
    (event,) = [event for event in store.get_events("g", "s")]
    assert container.created_at == event.created_at
    assert container.checksum == hashlib.sha256(b'{"a":2,"b":1}').hexdigest()
    store.delete_state("g", "s")
    assert container.get() is None
    assert known(container) == (0, None, None)
    assert container.compare_and_swap(None, {"n": 1}) is True
    assert container.version == 3


@in_memory
def test_values_are_copies(store):
    """What anybody does to a value that he got or gave changes nothing that is stored."""
    container = StateContainer(store, "g", "s")
    given = {"list": [1]}
    container.set(given)
    given["list"].append(2)
    (container.get())["list"].append(3)
    assert container.get() == {"list": [1]}


@in_memory
def test_another_writers_data_is_told_by_its_place(store):
    """A container of a model refuses to show what does not fit it."""
    store.save_state("g", "s", {"odd": True})
    with pytest.raises(StoredDataError):
        StateContainer(store, "g", "s", Settings).get()


@in_memory
def test_a_container_of_something_else_is_none(store):
    """A model is a class of pydantic's, and a store is one of this colour."""
    for wrong in (3, lambda: True, lambda value: (yield value)):
        with pytest.raises(ConfigurationError, match="validate: "):
            StateContainer(store, "g", "s", validate=cast("Any", wrong))
        with pytest.raises(ConfigurationError, match="fn: "):
            StateContainer(store, "g", "s").update(cast("Any", wrong))
    with pytest.raises(ConfigurationError, match="model must be a class of pydantic models, not <class 'dict'>"):
        StateContainer(store, "g", "s", dict)
    with pytest.raises(ConfigurationError):
        StateContainer(cast("Any", "memory://"), "g", "s")
