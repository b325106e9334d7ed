"""How often somebody may ask: counted in this process, in windows that begin with the first request."""

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from tai_state import Clock
from tai_state.server.auth.principals import Principal
from tai_state.server.http import refusals


class Rates:
    """The requests of each principal, and the wrong tokens of each address."""

    def __init__(self, clock: Clock, *, failures: int) -> None:
        """Count from now on.

        Args:
            failures: How many wrong tokens one address may bring in a minute.
        """
        self._clock = clock
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._failures = parse(f"{failures}/minute")
        self._parsed: dict[str, RateLimitItem] = {}

    async def count(self, principal: Principal) -> None:
        """Count a request.

        Raises:
            Refusal: It is one more than *principal* may make.
        """
        if principal.rate is None:
            return
        item = self._parsed.get(principal.rate) or self._parsed.setdefault(principal.rate, parse(principal.rate))
        await self._hit(item, "principal", principal.name)

    async def count_failure(self, address: str) -> None:
        """Count a wrong token.

        Raises:
            Refusal: It is one more than an address may bring.
        """
        await self._hit(self._failures, "address", address)

    async def _hit(self, item: RateLimitItem, kind: str, name: str) -> None:
        if not await self._limiter.hit(item, kind, name):
            window = await self._limiter.get_window_stats(item, kind, name)
            raise refusals.too_many_requests(window.reset_time - self._clock.now().timestamp())
