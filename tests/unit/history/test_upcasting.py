"""Upcasters: which ones a configuration takes, and what they make of stored data, purely."""

import copy
import pickle
from functools import partial

import pytest

from tai_state import ConfigurationError, PersistenceConfig, SchemaVersionError, UpcastError
from tai_state.codec import Payload
from tai_state.rules.history.upcasting import Place, Schema

AT = Place("g", "s", 7)


def named(data):
    return {"first": data["name"].split()[0], "last": data["name"].split()[1]}


def counted(data):
    return {**data, "greetings": 0}


async def later(data):
    return data


def of_two(data, payload):
    return data


WRONG = {
    "no mapping": ([named], "must map a schema version"),
    "None": (None, "must map a schema version"),
    "no int": ({"1": named}, "an int of at least 1"),
    "a bool": ({True: named}, "an int of at least 1"),
    "below 1": ({0: named}, "an int of at least 1"),
    "from the newest on": ({1: named, 3: counted}, "raise it"),
    "a gap": ({1: named}, "none from there to 3"),
    "no function": ({1: "named", 2: counted}, "from schema version 1 must be callable"),
    "async": ({1: named, 2: later}, "'later' is async"),
    "of two arguments": ({1: named, 2: of_two}, "cannot be called as of_two"),
}


@pytest.mark.parametrize(("upcasters", "told"), WRONG.values(), ids=WRONG)
def test_upcasters_that_cannot_lead_to_the_schema_are_refused(upcasters, told):
    """When the configuration is made, and the message says which."""
    with pytest.raises(ConfigurationError, match=told):
        PersistenceConfig(schema_version=3, upcasters=upcasters)


def test_a_chain_may_begin_behind_version_1():
    """Where nothing of the older versions is left."""
    assert PersistenceConfig(schema_version=3, upcasters={2: counted}).upcasters == {2: counted}


def test_a_configuration_has_a_mapping_of_its_own():
    """What becomes of the caller's changes nothing."""
    mine = {1: named}
    config = PersistenceConfig(schema_version=2, upcasters=mine)
    mine.clear()
    assert config.upcasters == {1: named}


def test_a_configuration_stays_a_value():
    """With upcasters, too: it can be hashed, copied and pickled, and is equal to its like."""
    config = PersistenceConfig(schema_version=2, upcasters={1: named})
    assert hash(config) == hash(PersistenceConfig(schema_version=2, upcasters={1: named}))
    assert pickle.loads(pickle.dumps(config)) == copy.deepcopy(config) == config
    assert config != PersistenceConfig(schema_version=2)


@pytest.mark.parametrize(
    ("label", "data", "seen"),
    [
        (1, {"name": "Ada Lovelace"}, {"first": "Ada", "last": "Lovelace", "greetings": 0}),
        (2, {"first": "Ada", "last": "L"}, {"first": "Ada", "last": "L", "greetings": 0}),
        (3, {"first": "Ada"}, {"first": "Ada"}),
    ],
)
def test_data_goes_through_all_that_follow_its_version(label, data, seen):
    """From its own version up to the reader's, and not further."""
    schema = Schema(3, {1: named, 2: counted})
    assert schema.upcast(Payload.given(data), label, AT).value() == seen


def test_an_upcaster_gets_a_copy_of_its_own():
    """It may change what it is given."""

    def spoiling(data):
        data["list"].append(1)
        return data

    stored = Payload.given({"list": []})
    schema = Schema(2, {1: spoiling})
    assert [schema.upcast(stored, 1, AT).value() for _ in range(2)] == [{"list": [1]}, {"list": [1]}]
    assert stored.value() == {"list": []}


def test_without_upcasters_older_data_is_read_as_it_is():
    """Who raised the version alone said that it can be."""
    stored = Payload.given({"n": 1})
    assert Schema(3).upcast(stored, 1, AT) is stored


def test_a_newer_version_is_refused_with_what_to_do():
    """Nobody knows what it means."""
    with pytest.raises(SchemaVersionError) as caught:
        Schema(2, {1: named}).upcast(Payload.given({}), 3, AT)
    assert (caught.value.stored, caught.value.ours) == (3, 2)
    told = str(caught.value)
    assert "state 's' of governor 'g', version 7," in told
    assert told.endswith("use a persister with schema_version=3 or higher, and the upcasters that lead there")


def raising(data):
    raise KeyError("name")


def returning(value, data):
    return value


FAILING = {
    "raises": (raising, "from version 2 to 3 raised KeyError, its cause"),
    "returns None": (partial(returning, None), "the upcaster from version 2 to 3 returned None; it must return a dict"),
    "returns a list": (partial(returning, []), "returned a list; it must return a dict"),
    "returns an iterator": (partial(returning, iter([])), "returned a list_iterator"),
    "returns a set within": (partial(returning, {"a": {1}}), "from version 2 to 3 returned what cannot be stored"),
    "returns what is too deep": (
        partial(returning, {"a": [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}),
        "cannot be stored",
    ),
}


@pytest.mark.parametrize(("upcaster", "told"), FAILING.values(), ids=FAILING)
def test_an_upcaster_that_fails_is_told_with_its_state(upcaster, told):
    """Which state, which version of it, and from which schema version on."""
    schema = Schema(4, {1: counted, 2: upcaster, 3: counted})
    with pytest.raises(UpcastError) as caught:
        schema.upcast(Payload.given({}), 1, AT)
    error = caught.value
    assert (error.governor_id, error.state_id, error.version, error.schema_version) == ("g", "s", 7, 2)
    assert told in str(error)
    assert "state 's' of governor 'g', version 7" in str(error)


def test_the_step_that_failed_is_told_by_both_its_versions():
    """Whichever it was."""
    for first in (1, 2, 3):
        schema = Schema(4, {1: counted, 2: counted, 3: counted, first: raising})
        with pytest.raises(UpcastError, match=f"from version {first} to {first + 1} raised"):
            schema.upcast(Payload.given({}), 1, AT)
        schema = Schema(4, {1: counted, 2: counted, 3: counted, first: partial(returning, None)})
        with pytest.raises(UpcastError, match=f"from version {first} to {first + 1} returned None"):
            schema.upcast(Payload.given({}), 1, AT)


def test_data_of_before_the_first_upcaster_is_told():
    """There is nothing that leads on from there."""
    with pytest.raises(UpcastError, match="no upcaster from version 1 to 2") as caught:
        Schema(3, {2: counted}).upcast(Payload.given({}), 1, AT)
    assert caught.value.schema_version == 1
