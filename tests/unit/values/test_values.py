"""The public face of what a store can hold: the checks that stores make, without a store."""

import random

import pytest

from tai_state import InvalidDataError, InvalidIdError, MemoryStore
from tai_state.values import check_id, check_name, from_json, normalize_data, stored_bytes_max, to_json


@pytest.mark.parametrize("wrong", ["", None, 7, "x" * 481, "\ud800"], ids=ascii)
def test_an_id_is_refused_as_a_store_refuses_it(wrong):
    """The same error, with the same text but for the name of what is wrong."""
    with pytest.raises(InvalidIdError) as checked:
        check_id(wrong, "state_id")
    with MemoryStore() as store, pytest.raises(InvalidIdError) as refused:
        store.save_state("g", wrong, {})
    assert str(checked.value) == str(refused.value)


@pytest.mark.parametrize("wrong", [7, "x" * 2_000, "\ud800"], ids=ascii)
def test_a_status_is_refused_as_a_store_refuses_it(wrong):
    """The same error, with the same text."""
    with pytest.raises(InvalidDataError) as checked:
        check_name(wrong, "status")
    with MemoryStore() as store, pytest.raises(InvalidDataError) as refused:
        store.save_state("g", "s", {}, status=wrong)
    assert str(checked.value) == str(refused.value)


def test_data_is_refused_as_a_store_refuses_it():
    """The path to what cannot be stored is named."""
    wrong = {"a": [2**63]}
    with pytest.raises(InvalidDataError) as checked:
        normalize_data(wrong)
    with MemoryStore() as store, pytest.raises(InvalidDataError) as refused:
        store.save_state("g", "s", wrong)
    assert str(checked.value) == str(refused.value)
    assert checked.value.path == "data.a[0]"


def test_what_a_store_gives_is_written_and_read_back_equal():
    """Bytes and times, too, which JSON lacks."""
    with MemoryStore() as store:
        store.save_state("g", "s", {"raw": b"\xff", "n": 1.0, "$bytes": "text"})
        data = store.get_state("g", "s")[0].data
    assert from_json(to_json(data)) == data


@pytest.mark.parametrize(
    ("data", "least", "most"),
    [
        ({}, 2, 2),
        ({"n": "a" * 60_000}, 60_000, 60_100),
        ({"n": "a" * 3_000_000}, 0, 10_000),
        # Nothing compresses hexadecimal digits of noise below half, and base64 puts a third on top.
        ({"n": random.Random(1).randbytes(450_000).hex()}, 600_000, 700_000),
    ],
    ids=["empty", "small", "large and even", "large and random"],
)
def test_the_stored_size_is_that_of_the_compressed_form(data, least, most):
    """Small data as it is, large data compressed and written as base64."""
    assert least <= stored_bytes_max(data) <= most
