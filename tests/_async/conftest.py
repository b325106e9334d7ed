"""Every test that asks for ``place`` or ``store`` runs on every backend."""

import pytest

from tests._async.stores import AsyncPlace


@pytest.fixture(
    params=[
        "memory",
        "sqlite",
        pytest.param("firestore", marks=pytest.mark.emulator),
        pytest.param("redis", marks=pytest.mark.more),
    ]
)
def backend_kind(request):
    """The name of the backend."""
    return request.param


@pytest.fixture
def location(backend_kind, request):
    """Where an empty place is: a fresh file, a fresh project, a root of its own."""
    if backend_kind == "sqlite":
        return {"path": request.getfixturevalue("tmp_path") / "store.db"}
    if backend_kind == "firestore":
        return {"project": request.getfixturevalue("tai_state_project")}
    if backend_kind == "redis":
        return {"url": request.getfixturevalue("redis_url")}
    return {}


@pytest.fixture
async def place(backend_kind, location):
    """An empty place on the backend; closed behind the test."""
    place = AsyncPlace(backend_kind, **location)
    yield place
    await place.close()


@pytest.fixture
async def store(place):
    """A store in the place, as a user opens it."""
    return place.store()
