# Generated from tai_state/_async/api/distributed_body.py by .ci/generate_sync.py; do not edit.
"""What the body of a transaction over several stores gets: a transaction of each store, by its name."""
from collections.abc import Iterator, Mapping
from typing import Any

from tai_state._sync.api.transaction import Transaction
from tai_state._sync.transactions.attempt import Attempt
from tai_state.errors import ConfigurationError


class DistributedBody:
    """The transactions of one attempt, by the names of their stores; ``dtx["orders"]`` is that of "orders".

    It lives as long as the attempt. What each gives is as of one moment of its own store.
    """

    def __init__(
        self, transaction_id: str, attempts: Mapping[str, Attempt], participants: Mapping[str, object]
    ) -> None:
        """Read and write in *attempts*; distributed transactions make these."""
        self._transaction_id = transaction_id
        self._given: dict[str, Any] = {name: Transaction(attempt) for name, attempt in attempts.items()}
        self._given |= participants

    @property
    def transaction_id(self) -> str:
        """Under which it is decided; another one with each attempt."""
        return self._transaction_id

    def __getitem__(self, name: str) -> Any:
        """Return the transaction of a store, or the participant of this name.

        Raises:
            ConfigurationError: Nobody of this name takes part.
        """
        try:
            return self._given[name]
        except (KeyError, TypeError):
            names = ", ".join(repr(one) for one in self._given)
            message = f"nobody called {name!r} takes part in this transaction; there are {names}"
            raise ConfigurationError(message) from None

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of those who take part."""
        return iter(self._given)

    def __len__(self) -> int:
        """Return how many take part."""
        return len(self._given)
