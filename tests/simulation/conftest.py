"""What all simulations share."""

import logging

import pytest


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Keep nothing of what is logged: a kept record holds on to its store, and one run makes thousands of them."""
    caplog.set_level(logging.CRITICAL, logger="tai_state")
