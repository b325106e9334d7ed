"""What a resource of a user's own must do to take part in a transaction over several stores."""

from abc import ABC, abstractmethod
from collections.abc import Iterable


class AsyncParticipant(ABC):
    """A resource that takes part beside stores: a message broker, a payment provider, another database.

    The body uses it as it likes, under the transaction's id; what it did there counts once it is committed. Each method
    may be called again, in another process, after a crash: it does then what is left to do.
    """

    @abstractmethod
    async def prepare(self, transaction_id: str) -> None:
        """Make durable what the body did under this id, so that a commit of it cannot fail any more; or raise.

        What raises refuses: all are aborted. Whatever it needs to commit must survive a crash.
        """

    @abstractmethod
    async def commit(self, transaction_id: str) -> None:
        """Let what was prepared count; once, however often it is called."""

    @abstractmethod
    async def abort(self, transaction_id: str) -> None:
        """Drop what was done or prepared; of one that was never prepared, too, and refuse a prepare that comes late."""

    @abstractmethod
    async def recover(self) -> Iterable[str]:
        """Return the ids of the transactions that are prepared, and neither committed nor aborted."""
