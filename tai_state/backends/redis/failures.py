"""The one boundary where errors of redis-py become errors of tai_state.

An answer of the server to a commit, whatever it says, came instead of the commit: the first write of its script refuses
what cannot be, and then there was none. No answer says nothing: what was sent may be applied, or may be applied later.
"""

import re
from types import TracebackType
from typing import Self

from tai_state.errors import CommitAmbiguousError, StoreError, StoreUnavailableError, TaiStateError

# What may be otherwise in a moment: it starts, it is busy, it is full, its disk or its replicas fail, it was replaced.
_PASSING = re.compile(
    r"\b(LOADING|BUSY|UNKILLABLE|OOM|MISCONF|NOREPLICAS|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|ASK)\b"
    r"|max number of clients"
)
_REFUSED = frozenset({"NOAUTH", "WRONGPASS", "NOPERM"})


class Attempt:
    """Maps what leaves the ``with`` around one request; whoever sends it says so, as from then on it may be done."""

    __slots__ = ("_is_commit", "_where", "is_sent")

    def __init__(self, where: str, *, is_commit: bool) -> None:
        """Map the errors of a request to the server at *where*, its URL without a password."""
        self._where = where
        self._is_commit = is_commit
        self.is_sent = False

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        """Raise what *error* is to callers, from it."""
        if error is not None and (mapped := self._mapped(error)):
            raise mapped from error

    def _mapped(self, error: BaseException) -> TaiStateError | None:
        from redis.exceptions import RedisError  # noqa: PLC0415 - whoever has no error pays nothing for it

        if isinstance(error, TaiStateError):
            return None
        if isinstance(error, RedisError) and is_answer(error):
            return self._answered(error)
        if not isinstance(error, RedisError | OSError | EOFError):
            return None
        what = str(error) or "it took longer than the time that there was"
        if self.is_sent and self._is_commit:
            return CommitAmbiguousError(f"no answer from {self._where}: {what}")
        return StoreUnavailableError(f"{self._where}: {what}")

    def _answered(self, error: Exception) -> TaiStateError:
        code, text = answer_of(error)
        said = f"{self._where} answers: {code} {text}".replace(" :", ":")
        if _PASSING.search(f"{code} {text}"):
            return StoreUnavailableError(said)
        # Of whom it does not know the server takes no long request, and says that first.
        if code in _REFUSED or "unauthenticated" in text:
            return StoreError(f"{said}; the user and the password stand in the URL of the store")
        if code == "MOVED":
            return StoreError(f"{said}; all keys of a store are in one slot: name the node that has it")
        return StoreError(said)


def is_answer(error: Exception) -> bool:
    """Whether redis-py raised what the server answered, and not that there was no answer."""
    from redis.exceptions import ResponseError  # noqa: PLC0415 - as above

    return isinstance(error, ResponseError) or getattr(error, "status_code", None) is not None


def answer_of(error: Exception) -> tuple[str, str]:
    """Return the code of an answer and its text; redis-py takes some of the codes off the text."""
    code = getattr(error, "status_code", None)
    if code is not None:
        return str(code), str(error)
    code, _, text = str(error).partition(" ")
    return code, text


def leaves_it_whole(error: BaseException) -> bool:
    """Whether a connection is good for the next request behind *error*: the server answered, and is the one to ask."""
    return isinstance(error, Exception) and is_answer(error) and answer_of(error)[0] not in {"READONLY", "NOAUTH"}
