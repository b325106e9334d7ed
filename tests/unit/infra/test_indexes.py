"""A Firestore that is set up by what is in infra/ answers every query of the package; the emulator answers any."""

import importlib.util
import json
import re

import pytest

from tai_state import indexes
from tai_state.backends.firestore.client import Connection
from tai_state.backends.firestore.requests import Requests, Selection
from tai_state.documents import FieldContains, FieldEquals, FieldRange, Query
from tai_state.indexes import ASKED, EXPIRING, Asked, asked_by
from tai_state.lifetimes import EXPIRES_AT
from tests.unit.infra.production import Declared, missing_index
from tests.unit.infra.terraform import INFRA, ROOT, local, resources
from tests.unit.infra.walk import query_sites, walked

SPEC = importlib.util.spec_from_file_location("generate_indexes", ROOT / ".ci" / "generate_indexes.py")
assert SPEC
assert SPEC.loader
generate_indexes = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate_indexes)

FILE = json.loads((INFRA / "firestore" / "firestore.indexes.json").read_text(encoding="utf-8"))
REQUESTS = Requests(Connection("projects/p/databases/d", "firestore.googleapis.com", None, is_emulator=False), "")


def sent(query):
    """Return a query as it goes over the wire."""
    request, _ = REQUESTS.query(query, 10)
    return request.structured_query


def example(asked):
    """Return a query of a shape."""
    equal = tuple(FieldEquals(name, "x") for name in asked.equal)
    within = None if asked.within is None else FieldRange(asked.within, 1)
    collection = asked.collection if asked.is_group else f"governors/g/{asked.collection}"
    return Query(
        collection=collection,
        equal=equal,
        within=within,
        is_group=asked.is_group,
        is_descending=asked.is_descending,
        contains=None if asked.contains is None else FieldContains(asked.contains, "x"),
    )


def unserved(queries, file=FILE):
    declared = Declared(file)
    return [missing for query in queries if (missing := missing_index(sent(query), declared)) is not None]


def test_every_query_that_is_made_is_answered():
    """Whatever the package asks on its way through all that it does, production has an index for it."""
    backend, _ = walked()
    assert unserved(backend.queries) == []
    assert unserved(map(example, ASKED)) == []


def test_every_place_that_makes_a_query_was_walked_through():
    """A new one is not left out of the walk."""
    _, sites = walked()
    assert sites == query_sites()


def test_no_shape_is_listed_that_nobody_asks_for():
    """Its index would be written at each change, for nothing."""
    backend, _ = walked()
    assert {asked_by(query) for query in backend.queries} == set(ASKED)


@pytest.mark.parametrize(
    "selection",
    [
        Selection("governors/g/events", start="s@1", stop="s@2"),
        Selection("locks", start="a", after=True),
        Selection("audit"),
    ],
    ids=str,
)
def test_a_scan_needs_no_index(selection):
    """Documents by their ids, ascending, are served by what no exemption takes away."""
    request, _ = REQUESTS.scan(selection, 10)
    assert missing_index(request.structured_query, Declared(FILE)) is None


@pytest.mark.parametrize(
    "place", [("events", "timestamp"), ("states", "status"), ("states", "labels"), ("segments", "alone")], ids=str
)
def test_an_index_that_is_not_declared_is_missed(place):
    """The field would be exempt like all others of its collection."""
    kept = [one for one in FILE["fieldOverrides"] if (one["collectionGroup"], one["fieldPath"]) != place]
    missing = unserved(map(example, ASKED), {**FILE, "fieldOverrides": kept})
    assert missing
    assert all(place[0] in one and place[1] in one for one in missing)


@pytest.mark.parametrize(
    "asked",
    [
        Asked("states", contains="words"),
        Asked("states", contains="words", is_group=True),
        Asked("states", contains="words", is_descending=True),
        Asked("states", contains="labels", equal=("status",), is_group=True),
        Asked("states", equal=("machine_name",), is_descending=True),
        Asked("states", within="due_at", is_group=True),
        Asked("states", equal=("status",), is_group=True),
        Asked("states", equal=("machine_name", "status"), is_group=True),
        Asked("states", equal=("status",), within="due_at"),
        Asked("states", equal=("status",), within="due_at", is_descending=True),
        Asked("events", within="timestamp", is_descending=True),
    ],
    ids=str,
)
def test_a_query_that_is_new_is_missed_until_it_is_listed(asked, monkeypatch):
    """Once it is among those that are asked, what is generated has its index."""
    assert unserved([example(asked)]) != []
    monkeypatch.setattr(indexes, "ASKED", (*ASKED, asked))
    assert unserved([example(asked)], json.loads(generate_indexes.text())) == []


def test_the_file_is_that_of_the_queries():
    """What is deployed is what `make generate` writes."""
    assert json.loads(generate_indexes.text()) == FILE


def test_every_collection_that_is_written_is_exempt():
    """Only the fields of queries are indexed, whatever a state holds."""
    backend, _ = walked()
    exempt = {one["collectionGroup"] for one in FILE["fieldOverrides"] if one["fieldPath"] == "*"}
    assert set(backend.puts) == exempt
    assert all(one["indexes"] == [] for one in FILE["fieldOverrides"] if one["fieldPath"] == "*")


def test_what_expires_is_what_has_a_ttl_policy():
    """A collection whose documents say when they expire, and no other; that time is not indexed."""
    backend, _ = walked()
    expiring = {collection for collection, fields in backend.puts.items() if EXPIRES_AT in fields}
    policies = [one for one in FILE["fieldOverrides"] if one.get("ttl")]
    assert expiring == set(EXPIRING) == {one["collectionGroup"] for one in policies}
    assert all((one["fieldPath"], one["indexes"]) == (EXPIRES_AT, []) for one in policies)


def test_terraform_makes_what_the_file_says():
    """It reads the same file: each field once, with its indexes and its policy, and each composite index."""
    assert local("indexing") == '${jsondecode(file("${path.module}/../firestore/firestore.indexes.json"))}'
    (field,) = resources("google_firestore_field").values()
    assert field["for_each"] == "${local.fields}"
    assert re.search(r"in local\.indexing\.fieldOverrides : .* => field\}+$", local("fields"))
    (config,) = field["index_config"]
    assert config["dynamic"][0]["indexes"]["for_each"] == "${each.value.indexes}"
    (policy,) = field["dynamic"]
    assert policy["ttl_config"]["for_each"].startswith("${try(each.value.ttl, false) ? [")
    (composite,) = resources("google_firestore_index").values()
    assert composite["for_each"] == "${local.composite_indexes}"
    assert "local.indexing.indexes" in local("composite_indexes")
