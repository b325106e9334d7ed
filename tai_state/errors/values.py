"""What a caller gave cannot be: values, ids, sizes; nothing was sent."""

from tai_state.errors.base import TaiStateError


class InvalidDataError(TaiStateError, ValueError):
    """A value cannot be stored; ``path`` names the place in it, such as ``data.items[3].price``."""

    code = "invalid_data"

    def __init__(self, message: str, *, path: str = "") -> None:
        """Say what is wrong at *path*."""
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class InvalidIdError(TaiStateError, ValueError):
    """An id is empty, too long, or not valid Unicode text."""

    code = "invalid_id"

    def __init__(self, message: str, *, value: object = None) -> None:
        """Say what is wrong with the id *value*."""
        super().__init__(message)
        self.value = value


class DocumentTooLargeError(TaiStateError):
    """A document or a commit would be larger than the store takes, in bytes; nothing was sent."""

    code = "document_too_large"

    def __init__(self, size: int, limit: int, what: str = "document") -> None:
        """Say how large *what* is, in bytes, and how large it may be."""
        super().__init__(f"{what} has {size:,} bytes, the store takes at most {limit:,}")
        self.size = size
        self.limit = limit
        self.what = what
