"""infra/service/README.md tells of the service as it is."""

import re
from pathlib import Path

import pytest

from tai_state import MemoryStore
from tests.unit.service.local import shown, typed

SERVICE = Path(__file__).parents[3] / "infra" / "service"
README = (SERVICE / "README.md").read_text(encoding="utf-8")


def test_the_readme_shows_what_make_service_prints():
    """Line for line, with the usual port."""
    assert shown() in README


@pytest.fixture
def app():
    """The service on Flask."""
    from orders import wsgi  # noqa: PLC0415 - other tests need not wait for the framework

    return wsgi.create_app(MemoryStore)


def test_what_is_to_be_tried_works(app):
    """Each line, in order: one repetition, one that comes too late, one that is not allowed."""
    import httpx  # noqa: PLC0415 - as above

    with httpx.Client(transport=httpx.WSGITransport(app)) as client:
        answers = [client.request(method, url, headers=headers, content=body) for method, url, headers, body in typed()]
    app.extensions["tai_state"].close()
    assert [answer.status_code for answer in answers] == [201, 200, 200, 412, 200, 422, 200, 200]
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers[:3]] == ["false", "false", "true"]


@pytest.mark.parametrize("path", re.findall(r"(?m)^\| `(?:GET|POST) ([^`?]+)[^`]*` \|", README))
def test_every_path_that_is_told_of_is_served(app, path):
    """By a route of just this form."""
    routes = {re.sub(r"<(\w+)>", r"{\1}", rule.rule) for rule in app.url_map.iter_rules()}
    assert path in routes


def test_every_route_is_told_of(app):
    """The files that Flask serves by itself apart."""
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]
    assert [rule for rule in rules if re.sub(r"<(\w+)>", r"{\1}", rule) not in README] == []


def test_every_file_that_is_told_of_is_there():
    """Under its name."""
    named = re.findall(r"`((?:orders/)?[a-z_.]+\.py)`", README)
    assert len(named) >= 6
    assert [name for name in named if not (SERVICE / name).exists()] == []
