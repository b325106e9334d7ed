"""What the example service logs is what the metrics of infra/terraform count."""

import json
import logging
from contextlib import contextmanager

import pytest
from orders.logs import log_as_json

from tai_state import StoreUnavailableError
from tai_state.adapters.problems import log_failure, problem_of


@contextmanager
def nobody_has_said_how():
    """Have a process in which nothing logs yet, the tests' own handlers included."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(logging.root, "handlers", [])
        patched.setattr(logging.root, "level", logging.WARNING)
        yield


def test_a_record_is_a_line_of_json(capsys):
    """With the package's fields, of which filters speak."""
    error = StoreUnavailableError("10.0.0.7 is away")
    with nobody_has_said_how():
        log_as_json()
        log_failure(problem_of(error), error)
    told = json.loads(capsys.readouterr().err)
    assert (told["severity"], told["event"]) == ("WARNING", "request_failed")
    assert (told["code"], told["status"]) == ("store_unavailable", 503)


def test_who_has_said_how_to_log_is_left_alone():
    """As a program that puts the application into its own."""
    mine = logging.NullHandler()
    with nobody_has_said_how():
        logging.root.addHandler(mine)
        log_as_json()
        assert logging.root.handlers == [mine]
