"""What errors say: in sentences that hold whatever is not known."""

import inspect

import pytest

from tai_state import errors
from tai_state.errors import CorruptLogError, StaleReadError, TransitionNotAllowedError

ARGUMENTS = {
    "action": "ship",
    "allowed": ["pay"],
    "attempts": 5,
    "cycle": ["a", "b", "a"],
    "damaged": {"s": "its digest is another"},
    "dependency_id": "d",
    "governor_id": "g",
    "kept": [1, 4],
    "key": "k",
    "limit": 1,
    "message": "message",
    "path": "p",
    "place": ["a"],
    "problems": ["one"],
    "reason": "why",
    "resource": "r",
    "resources": [],
    "state_id": "s",
    "status": "new",
    "transition_id": "t",
    "what": "it",
}
"""Values of arguments by name; others are 7."""


def open_arguments():
    """Yield each error with the name of each argument that may be None."""
    for name in errors.__all__:
        kind = getattr(errors, name)
        parameters = inspect.signature(kind).parameters.values()
        for parameter in parameters:
            if "None" in str(parameter.annotation):
                yield pytest.param(kind, parameter.name, id=f"{name}-{parameter.name}")


def made(kind, **given):
    """Return an error of *kind* with every argument given."""
    positional: list[object] = []
    named: dict[str, object] = {}
    for name, parameter in inspect.signature(kind).parameters.items():
        value = given[name] if name in given else ARGUMENTS.get(name, 7)
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional.append("message")
        elif parameter.kind is parameter.KEYWORD_ONLY:
            named[name] = value
        else:
            positional.append(value)
    return kind(*positional, **named)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_can_be_made_here(name):
    """With plausible values of all arguments, none of which is lost."""
    assert str(made(getattr(errors, name)))


@pytest.mark.parametrize(("kind", "name"), list(open_arguments()))
def test_what_is_not_known_is_not_called_none(kind, name):
    """None is no word of a sentence."""
    assert "None" not in str(made(kind, **{name: None}))


@pytest.mark.parametrize("name", ["CorruptLogError", "OutcomeUnknownError", "StoredDataError", "UpcastError"])
def test_a_version_that_is_not_known_is_said_to_be_unknown(name):
    """In the place where it would stand."""
    kind = getattr(errors, name)
    assert "version unknown" in str(made(kind, version=None))
    assert "version 7" in str(made(kind))


def test_a_document_of_no_state_names_none():
    """The store's own is damaged, and no state is."""
    assert str(CorruptLogError("", "", None, "document tai/meta is not ours")) == "document tai/meta is not ours"


def test_a_refused_action_is_not_among_the_allowed():
    """Its guards refused it, so it is not open."""
    error = TransitionNotAllowedError("new", "pay", ["pay", "drop"], "guard 'rich' refused")
    assert error.allowed == ["drop"]
    assert str(error).endswith("allowed: 'drop'")
    assert str(TransitionNotAllowedError("new", "pay", ["pay"])).endswith("allowed: none")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "a document changed after a transaction read it"),
        ({"path": "tai/meta"}, "tai/meta changed"),
        ({"path": "governors/g/states/s", "governor_id": "g", "state_id": "s"}, "state 's' of governor 'g' changed"),
        ({"transaction_id": "t-1"}, "after transaction t-1 read it"),
    ],
)
def test_a_stale_read_tells_what_is_known(arguments, told):
    """The state rather than its document, and the transaction."""
    error = StaleReadError(**arguments)
    assert told in str(error)
    assert {name: getattr(error, name) for name in arguments} == arguments
