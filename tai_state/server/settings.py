"""Every setting of the server, each default said once."""

from dataclasses import dataclass

from tai_state import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the server takes at most; what is more gets an answer that says so.

    Attributes:
        body_bytes: Of the body of a request; more is 413. Every engine's largest state fits.
        body_seconds: How long a body may take to arrive; longer is 408.
        call_seconds: What a request may take of the store, retries included; longer is 503.
        requests: How many requests are under way at once; one more is 503, with ``Retry-After``.
        streams: How many of them may be streams of changes, which are counted apart; one more is 503.
        page: How many items a page has where nobody says.
        page_most: How many it has at most.
        page_bytes: Behind how many bytes of items a page ends before that.
        operations: How many operations in the background are kept, running and ended.
        running: How many of them run at once; one more is 503.
        failures: How often in a minute one address may bring a token that is none; one more is 429.
        drain_seconds: How long requests under way have when the process is told to end.
    """

    body_bytes: int = 2 * 2**20
    body_seconds: float = 10.0
    call_seconds: float = 20.0
    requests: int = 256
    streams: int = 128
    page: int = 100
    page_most: int = 1_000
    page_bytes: int = 8 * 2**20
    operations: int = 100
    running: int = 8
    failures: int = 600
    drain_seconds: float = 9.0

    def __post_init__(self) -> None:
        """Refuse what bounds nothing.

        Raises:
            ConfigurationError: One of them is no positive number; names it.
        """
        for name in self.__slots__:
            value = getattr(self, name)
            kinds = (int, float) if name.endswith("_seconds") else (int,)
            if isinstance(value, bool) or not isinstance(value, kinds) or not value > 0:
                message = f"{name} must be a positive number, not {value!r}"
                raise ConfigurationError(message)
