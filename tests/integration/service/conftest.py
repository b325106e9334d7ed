"""The example service, called within the test's own process."""

import pytest

from tai_state import AsyncMemoryStore, MemoryStore

BASE = "http://service"


@pytest.fixture(params=["fastapi", "flask"])
async def call(request):
    """Give the function that calls the service, as method, path and options; each of the two answers."""
    # Other tests need not wait for the frameworks.
    import httpx  # noqa: PLC0415
    from orders import asgi, wsgi  # noqa: PLC0415

    if request.param == "fastapi":
        async_app = asgi.create_app(AsyncMemoryStore)
        async_transport = httpx.ASGITransport(async_app, raise_app_exceptions=False)
        life = async_app.router.lifespan_context(async_app)
        async with life, httpx.AsyncClient(transport=async_transport, base_url=BASE) as async_client:
            yield async_client.request
    else:
        app = wsgi.create_app(MemoryStore)
        with httpx.Client(transport=httpx.WSGITransport(app), base_url=BASE) as client:
            ask = client.request

            async def call(*arguments, **options):
                return ask(*arguments, **options)

            yield call
        app.extensions["tai_state"].close()
