"""A server with a store in memory, the machines that its tests move states by, and callers with tokens of each kind."""

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tai_state import AsyncMemoryStore, Machine, Transition

if TYPE_CHECKING:
    import httpx

    from tai_state.server import Server

ORDER = Machine(
    "order",
    "new",
    [
        Transition("pay", "new", "paid", apply=lambda data, payload: {**data, "paid": payload}),
        Transition("ship", "paid", "shipped"),
        Transition("break", "new", "new", apply=lambda data, payload: data[payload]),
    ],
)
BELL = Machine("bell", "still", [Transition("ring", "still", "ringing"), Transition("rest", "ringing", "still")])

TOKENS = {
    "everything": "everything-0123456789",
    "reader": "reader-0123456789-abc",
    "shops": "shops-0123456789-abcd",
    "nothing": "nothing-0123456789-ab",
    "slow": "slow-0123456789-abcde",
}
BASE = "http://server"


def tokens():
    """Return the tokens that the server takes: of one who may do all, who only reads, of some shops, of nothing."""
    from tai_state.server import Access, Allowed, Token, hash_token  # noqa: PLC0415 - see client_of

    hashes = {name: hash_token(token) for name, token in TOKENS.items()}
    return [
        Token("everything", hashes["everything"]),
        Token("reader", hashes["reader"], Access.READ_ONLY),
        Token("shops", hashes["shops"], allowed=Allowed(("shop-*", "jobs:shop-*"), ("shop-*",), ("shop-*",))),
        Token("nothing", hashes["nothing"], allowed=Allowed((), (), ())),
        Token("slow", hashes["slow"], rate="2/hour"),
    ]


def client_of(server: Any, token: str | None = None, **headers: str) -> "httpx.AsyncClient":
    """Return what calls *server* with a token."""
    # Other tests need not wait for the frameworks.
    import httpx  # noqa: PLC0415

    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    transport = httpx.ASGITransport(server, raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)


@dataclass
class World:
    """A server and its callers, by the names of their tokens; ``nobody`` has none."""

    store: AsyncMemoryStore
    server: "Server"
    everything: "httpx.AsyncClient"
    reader: "httpx.AsyncClient"
    shops: "httpx.AsyncClient"
    nothing: "httpx.AsyncClient"
    slow: "httpx.AsyncClient"
    nobody: "httpx.AsyncClient"

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, **options: Any):
        """Open one; *options* are those of ``app``."""
        from tai_state.server import app  # noqa: PLC0415 - as above

        options = {"machines": [ORDER, BELL], "auth": tokens(), **options}
        async with AsyncMemoryStore(actor="server") as store, contextlib.AsyncExitStack() as stack:
            server = app(store, **options)
            callers = {name: client_of(server, token) for name, token in TOKENS.items()}
            callers["nobody"] = client_of(server)
            for caller in callers.values():
                await stack.enter_async_context(caller)
            yield cls(store, server, **callers)
