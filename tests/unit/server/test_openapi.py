"""OpenAPI 3.1: the committed file is the code's, and says of each route what it does."""

import json
import re

import pytest

from tai_state.server.http.openapi import problems_of, text_of
from tai_state.server.http.resources import ROUTES
from tests.unit.docs.pages import DOCS

FILE = DOCS / "openapi.json"


@pytest.fixture(scope="module")
def document():
    """The document as it is committed."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def test_the_committed_file_is_what_the_code_says():
    """Whoever changes a route runs make generate."""
    assert FILE.read_text(encoding="utf-8") == text_of(ROUTES)


async def test_the_server_gives_it_out(call, document):
    """To whoever has a token."""
    assert (await call.get("/openapi.json")).json() == document


def test_every_route_is_described_under_a_name_of_its_own(document):
    """With a summary, and each parameter, header and answer with a description."""
    described = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(described) == len(ROUTES)
    assert len({operation["operationId"] for _, _, operation in described}) == len(ROUTES)
    for path, _, operation in described:
        assert operation["summary"].endswith((".", ";"))
        named = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))
        assert all(one.get("description") for one in operation.get("parameters", ()) if one["in"] != "query")
        assert any(status.startswith("2") for status in operation["responses"])


def test_every_reference_leads_somewhere(document):
    """And every schema is one that something refers to."""
    references = set(re.findall(r'"#/components/schemas/(\w+)"', FILE.read_text(encoding="utf-8")))
    assert references == set(document["components"]["schemas"])
    assert not any(name.endswith("_") for name in references)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_what_a_route_may_refuse_is_described(document, route):
    """Each status of a problem, by the one shape that problems have."""
    responses = document["paths"][route.path][route.method.lower()]["responses"]
    for status in problems_of(route):
        assert responses[str(status)] == {"$ref": "#/components/responses/Problem"}
