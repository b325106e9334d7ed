"""Resource names: where a DocumentPath is in a database, below the root prefix."""

import re

from tai_state.documents import DocumentPath
from tai_state.errors import ConfigurationError

# A name may have 6 KiB. The longest that the layout makes has 3 KiB, so this leaves room to spare.
ROOT_BYTES_MAX = 1_500
_RESERVED = re.compile(r"\.\.?|__.*__", re.DOTALL)


def check_root(root: str) -> str:
    """Return *root* when everything can live under it: empty, or the path of a document, as ``apps/x``.

    Raises:
        ConfigurationError: It has an odd number of segments, an empty or a reserved one, or is too long.
    """
    if not root:
        return ""
    segments = root.split("/")
    if len(segments) % 2:
        message = f"root {root!r} must be the path of a document, as 'apps/x': an even number of segments"
        raise ConfigurationError(message)
    for segment in segments:
        if not segment or _RESERVED.fullmatch(segment):
            message = f"root {root!r} has the segment {segment!r}: empty, '.', '..' and '__x__' are not allowed"
            raise ConfigurationError(message)
    try:
        size = len(root.encode())
    except UnicodeEncodeError as error:
        message = f"root {root!r} is not valid Unicode text"
        raise ConfigurationError(message) from error
    if size > ROOT_BYTES_MAX:
        message = f"root has {size} bytes of UTF-8, at most {ROOT_BYTES_MAX} are allowed"
        raise ConfigurationError(message)
    return root


class Names:
    """The names of one database's documents."""

    __slots__ = ("_prefix", "_relative_from", "base", "database")

    def __init__(self, database: str, root: str = "") -> None:
        """Take the resource name of a database and a *root* that was checked."""
        self.database = database
        documents = f"{database}/documents"
        self.base = f"{documents}/{root}" if root else documents
        self._prefix = self.base + "/"
        self._relative_from = len(documents) + 1

    def document(self, path: DocumentPath) -> str:
        """Return the full name of the document at *path*."""
        return f"{self._prefix}{path.collection}/{path.id}"

    def edge(self, above: str, part: str) -> str:
        """Return the name of a document below *above*, a document or a collection, each part of which is *part*."""
        # A name that is compared has to be a document's.
        parts = 2 if len(above.split("/")) % 2 == 0 else 1
        return f"{self._prefix}{above}" + f"/{part}" * parts

    def relative(self, name: str) -> str:
        """Return *name* below ``documents/``, the root included: the part that counts as size."""
        return name[self._relative_from :]

    def collection(self, collection: str) -> tuple[str, str]:
        """Return the full name of the document above *collection*, and its last segment."""
        above, _, last = collection.rpartition("/")
        return (f"{self._prefix}{above}" if above else self.base), last

    def path(self, name: str) -> DocumentPath:
        """Return the path whose full name is *name*."""
        assert name.startswith(self._prefix), name
        collection, _, last = name[len(self._prefix) :].rpartition("/")
        return DocumentPath(collection, last)
