"""How a subscription looks and tries: what cannot work is refused, and how long what failed waits."""

import pytest

from tai_state.errors import ConfigurationError
from tai_state.feeds import SubscriptionConfig


@pytest.mark.parametrize("name", ["poll", "lease", "wait_max", "sweep_every", "sweep_window"])
def test_who_never_waits_would_never_rest(name):
    """Zero is refused where something is done again and again."""
    with pytest.raises(ConfigurationError, match=name):
        SubscriptionConfig(**{name: 0})


def test_what_failed_may_be_tried_again_at_once():
    """Then no wait grows from nothing."""
    config = SubscriptionConfig(wait_initial=0.0)
    assert [config.wait_seconds(attempts) for attempts in (1, 2, 9)] == [0.0, 0.0, 0.0]
    with pytest.raises(ConfigurationError, match="wait_initial"):
        SubscriptionConfig(wait_initial=-0.1)


def test_each_wait_is_twice_as_long_up_to_the_most():
    """However often it was tried."""
    config = SubscriptionConfig(wait_initial=0.5, wait_max=3.0)
    assert [config.wait_seconds(attempts) for attempts in (1, 2, 3, 4, 10_000)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_sweeps_leave_nothing_between_them():
    """Each looks back at least to the one before."""
    with pytest.raises(ConfigurationError, match="sweep_window"):
        SubscriptionConfig(sweep_every=300.0, sweep_window=299.0)
    assert SubscriptionConfig(sweep_every=300.0, sweep_window=300.0).sweep_window == 300.0
