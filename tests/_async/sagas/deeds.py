"""Steps that write down what they did, and end as a test says."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from tai_state import RetryPolicy
from tai_state._async.sagas.context import AsyncStepContext
from tai_state.sagas import Saga, Step

AT_ONCE = RetryPolicy(attempts=2, wait_initial=0, wait_max=0)


class DiedError(BaseException):
    """The process died here: nothing of it goes on."""


class Deed(NamedTuple):
    """What a step's function was called with."""

    what: str
    key: str
    attempt: int
    outcome: str | None


Ending = Callable[[AsyncStepContext], Awaitable[Any]]


class AsyncDeeds:
    """A saga of some steps.

    ``ends`` says by function, ``reserve`` or ``undo reserve``, how its attempts end, each by a function of the context
    or an error to raise; the last one ends all that follow. What is not said ends well.
    """

    def __init__(self, *names: str, retry: RetryPolicy | None = AT_ONCE, timeout: float | None = None) -> None:
        self.done: list[Deed] = []
        self.ends: dict[str, list[Ending | BaseException]] = {}
        self.saga = Saga(
            "order",
            [
                Step(name, self._does(name), self._does(f"undo {name}"), retry=retry, timeout=timeout)
                for name in names or ("reserve", "charge", "ship")
            ],
        )

    def _does(self, what: str) -> Ending:
        async def do(ctx: AsyncStepContext) -> Any:
            self.done.append(Deed(what, ctx.key, ctx.attempt, ctx.outcome))
            ends = self.ends.get(what, [])
            end = ends.pop(0) if len(ends) > 1 else ends[0] if ends else None
            if isinstance(end, BaseException):
                raise end
            return {"of": ctx.step, "seen": sorted(ctx.results)} if end is None else await end(ctx)

        return do

    @property
    def order(self) -> list[str]:
        """What was done, in order."""
        return [deed.what for deed in self.done]
