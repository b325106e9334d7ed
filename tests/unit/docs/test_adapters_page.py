"""docs/adapters.md: an adapter is a few lines, as the page has them, and they serve."""

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tai_state import StateMachinePersister, connect
from tests.unit.docs.pages import APART, ROOT, page, sections

PAGE = sections(page("adapters.md"))
LINES_MAX = 15
MODULES = sorted(
    path.stem
    for path in (ROOT / "tai_state" / "adapters").iterdir()
    if f"tai_state.adapters.{path.stem}" in page("adapters.md")
)


def examples(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_each_extra_of_an_adapter_is_on_the_page():
    """With the name that pip takes."""
    named = re.findall(r"pip install 'tai_state\[(\w+)\]'", page("adapters.md"))
    assert {"fastapi", "flask", "statemachine", "transitions"} <= set(named) == {*MODULES, *APART}


@pytest.mark.parametrize("module", APART)
def test_an_example_that_is_a_file_is_short(module):
    """Fifteen lines of code or less, and the page leads there."""
    assert f"(examples/{APART[module]})" in page("adapters.md")
    text = (ROOT / "docs" / "examples" / APART[module]).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and '"""' not in line]
    assert f"tai_state.adapters.{module}" in text
    assert len(lines) <= LINES_MAX


@pytest.mark.parametrize("module", MODULES)
def test_an_adapters_example_is_short(module):
    """Fifteen lines of code or less, imports included."""
    mine = [text for text in PAGE.values() if f"tai_state[{module}]" in text]
    (text,) = mine
    first, *_ = examples(text)
    lines = [line for line in first.splitlines() if line.strip()]
    assert f"tai_state.adapters.{module}" in first
    assert len(lines) <= LINES_MAX


def app_of(heading: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the app of the example under a heading, with a state to move in its store."""
    monkeypatch.chdir(folder)
    (example,) = examples(PAGE[heading])
    file = folder / "app_of_the_page.py"
    file.write_text(example, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, file.stem, raising=False)
    module = import_module(file.stem)
    with connect("sqlite:///orders.db", actor="tests") as store:
        StateMachinePersister(store, module.orders).start("shop", "o-1")
    return module.app


HEADERS = {"Idempotency-Key": "payment-1"}
PAID = {"status": "paid", "version": 2}


def test_the_example_of_fastapi_serves(tmp_path, monkeypatch):
    """A payment twice under one key is one move; what is not there is a problem."""
    with TestClient(app_of("FastAPI and Starlette", tmp_path, monkeypatch)) as client:
        assert [client.post("/orders/o-1/pay", headers=HEADERS).json() for _ in range(2)] == [PAID, PAID]
        refused = client.post("/orders/o-2/pay")
    assert (refused.status_code, refused.headers["Content-Type"]) == (404, "application/problem+json")


def test_the_example_of_flask_serves(tmp_path, monkeypatch):
    """The same."""
    app = app_of("Flask", tmp_path, monkeypatch)
    client = app.test_client()
    try:
        assert [client.post("/orders/o-1/pay", headers=HEADERS).json for _ in range(2)] == [PAID, PAID]
        refused = client.post("/orders/o-2/pay")
    finally:
        app.extensions["tai_state"].close()
    assert (refused.status_code, refused.content_type) == (404, "application/problem+json")
