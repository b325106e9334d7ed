"""Flask: errors as problems, and a store for each process."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tai_state import MemoryStore
from tests.waits import SECONDS_MAX


@pytest.fixture
def app():
    """An application whose requests fail, and whose store is in memory."""
    from tests.unit.adapters import on_flask  # noqa: PLC0415 - other tests need not wait for the framework

    return on_flask.make_app()


@pytest.fixture
def end():
    """What gunicorn's hook calls."""
    from tai_state.adapters.flask import end  # noqa: PLC0415 - as above

    return end


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("ours", 503, "store_unavailable"),
        ("damage", 500, "store"),
        ("theirs", 418, "im_a_teapot"),
        ("bug", 500, "internal"),
    ],
)
def test_every_error_is_a_problem(app, name, status, code):
    """In one form, whoever raised it."""
    answer = app.test_client().get(f"/raise/{name}")
    assert (answer.status_code, answer.json["status"], answer.json["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_headers_of_an_answer_are_kept(app):
    """When to come back, and which methods there are."""
    assert app.test_client().get("/raise/ours").headers["Retry-After"] == "3"
    assert "GET" in app.test_client().post("/raise/ours").headers["Allow"]


def test_what_the_answer_keeps_to_itself_is_in_the_log(app, caplog):
    """With what nobody expected."""
    assert b"/srv" not in app.test_client().get("/raise/damage").data
    assert [(one.levelno, "/srv/a.db" in one.getMessage()) for one in caplog.records] == [(logging.ERROR, True)]
    app.test_client().get("/raise/bug")
    assert "nobody expected this" in caplog.text


def test_a_process_has_a_store_of_its_own(app, end, monkeypatch):
    """Opened at its first use: what was opened before a fork stays its parent's."""
    stores = app.extensions["tai_state"]
    parents = stores.get()
    assert stores.get() is parents
    monkeypatch.setattr("os.getpid", lambda: -1)
    childs = stores.get()
    assert childs is not parents
    end(app)
    assert not childs.health().ok
    assert parents.health().ok
    parents.close()


def test_a_child_waits_for_no_thread_of_its_parent(end, monkeypatch):
    """One that was just opening the store when another one forked is not there to open it."""
    from flask import Flask  # noqa: PLC0415 - as above

    from tai_state.adapters.flask import ProcessStore  # noqa: PLC0415 - as above

    opening, forked = threading.Event(), threading.Event()

    def slow():
        opening.set()
        assert forked.wait(SECONDS_MAX)
        return MemoryStore()

    app = Flask("forking")
    stores = ProcessStore(app, lambda: slow() if not opening.is_set() else MemoryStore())
    with ThreadPoolExecutor(2) as threads:
        parents = threads.submit(stores.get)
        assert opening.wait(SECONDS_MAX)
        monkeypatch.setattr("os.getpid", lambda: -1)
        try:
            childs = threads.submit(stores.get).result(SECONDS_MAX)
        finally:
            forked.set()
    assert childs is not parents.result()
    end(app)
    parents.result().close()
    childs.close()


def test_a_worker_that_has_no_store_ends(app, end):
    """Since it served nothing, or was never set up."""
    end(app)
    end(None)
    end(type(app)("another"))
