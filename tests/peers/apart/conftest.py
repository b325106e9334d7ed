"""Other projects that want older releases of what the other tests stand on: these run where they are.

That is the environment of `make peers-apart`.
"""

from importlib.util import find_spec

import pytest

from tai_state import AsyncFirestoreStore, AsyncMemoryStore, AsyncSqliteStore

collect_ignore_glob = [] if find_spec("google.adk") else ["test_*.py"]


@pytest.fixture(params=["memory", "sqlite", "firestore"])
async def open_store(request, tmp_path):
    """Opens stores in one place."""
    opened = []
    memory = AsyncMemoryStore()
    project = request.getfixturevalue("tai_state_project") if request.param == "firestore" else None

    def store():
        made = {
            "memory": lambda: memory,
            "sqlite": lambda: AsyncSqliteStore(tmp_path / "store.db"),
            "firestore": lambda: AsyncFirestoreStore(project),
        }[request.param]()
        opened.append(made)
        return made

    yield store
    for one in opened:
        await one.close()


@pytest.fixture
async def store(open_store):
    """A store in an empty place."""
    return open_store()


@pytest.fixture
async def service(store):
    """ADK's sessions in it."""
    from tai_state.adapters.adk import TaiStateSessionService  # noqa: PLC0415 - it may not be here

    return TaiStateSessionService(store)
