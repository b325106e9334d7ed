"""The service of infra/eventarc: what Eventarc tells it twice, or out of order, counts once."""

import importlib.util
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient

from tai_state import AsyncSqliteStore, SqliteStore
from tai_state.layout import state_layout
from tests.unit.feeds.documents import told

PROGRAM = Path(__file__).parents[3] / "infra" / "eventarc" / "totals.py"


def create_app():
    """The program's own function; it is no package."""
    spec = importlib.util.spec_from_file_location("totals", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.create_app


@pytest.fixture
def store(tmp_path):
    """A store of orders, two of them paid."""
    with SqliteStore(tmp_path / "orders.db", actor="shop") as store:
        for order, total in (("o-1", 5), ("o-2", 7)):
            store.save_state("shop", order, {"total": total}, status="new")
            store.save_state("shop", order, {"total": total}, status="paid")
        yield store


@pytest.fixture
async def service(store, tmp_path):
    """The service, over the same store."""
    app = create_app()(lambda: AsyncSqliteStore(tmp_path / "orders.db", actor="totals"))
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app), base_url="http://t") as client,
    ):
        yield client


async def call(service, store, state_id, version):
    headers, body = told(store, state_layout("shop", state_id).event(version))
    return (await service.post("/", headers=headers, content=body)).status_code


async def test_each_order_counts_once(store, service):
    """However often, and in which order, its events are told."""
    calls = [("o-2", 2), ("o-2", 1), ("o-1", 2), ("o-1", 2), ("o-2", 2)]
    assert [await call(service, store, *one) for one in calls] == [204] * 5
    assert store.get_state("totals", "shop")[0].data == {"orders": 2, "amount": 12}


async def test_what_fails_is_to_be_told_again(store, service):
    """Until it is a dead letter: then nobody has to come again."""
    store.save_state("shop", "o-3", {}, status="paid")
    assert [await call(service, store, "o-3", 1) for _ in range(6)] == [503] * 4 + [204] * 2


async def test_what_is_no_event_is_not_asked_for_again(service):
    """Eventarc would bring it for a day."""
    answer = await service.post("/", content=b"{}", headers={"content-type": "application/json"})
    assert answer.status_code == 204
