"""Handlers of the other colour are refused before there is anything to tell: each event would become a dead letter."""

import pytest

from tai_state import ConfigurationError, MemoryStore
from tai_state.feeds import AsyncSubscription, StateContainer, Subscription


async def handler(event):
    """Be told, by whoever awaits it."""


async def condition(event):
    """Be true, whatever it would say."""
    return False


class Handler:
    """An object that is called."""

    async def __call__(self, event):
        """Be told, by whoever awaits it."""


@pytest.mark.parametrize("wrong", [handler, Handler()])
def test_a_sync_store_takes_no_async_handler(wrong):
    """Nobody would await it."""
    with MemoryStore() as store:
        subscription = Subscription(store, "mail")
        with pytest.raises(ConfigurationError, match="a handler is async: give a sync store a plain function"):
            Subscription(store, "mail", wrong)
        with pytest.raises(ConfigurationError, match="a handler is async"):
            subscription.when(status="paid")(wrong)
        with pytest.raises(ConfigurationError, match="a listener is async"):
            store.on_change(wrong)


@pytest.mark.parametrize("colour", [Subscription, AsyncSubscription])
def test_a_condition_is_a_plain_function(colour, monkeypatch):
    """In both colours: one that is async would be true of every event."""
    monkeypatch.setattr(f"{colour.__module__}.check_colour", lambda *_: None)
    with MemoryStore() as store, pytest.raises(ConfigurationError, match="condition: 'condition' is async"):
        colour(store, "mail", print, condition=condition)


def test_the_check_of_a_container_is_a_plain_function():
    """One that is async would refuse nothing."""
    with MemoryStore() as store, pytest.raises(ConfigurationError, match="validate: 'validate' is async"):
        StateContainer(store, "g", "s", validate=condition)
