"""The headers of a request, by name: looked up as often as one likes, and read once."""

from collections.abc import Mapping

from starlette.types import Scope


def sent_headers(scope: Scope) -> Mapping[str, str]:
    """Return the headers by their names in lower case; what comes in several lines is one list, as HTTP has it.

    Two lines of credentials are no credentials so: nobody chooses between them.
    """
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1"), value.decode("latin-1")
        if name in found:
            # Cookies have a list of their own (RFC 9113, 8.2.3).
            text = f"{found[name]}{'; ' if name == 'cookie' else ', '}{text}"
        found[name] = text
    return found
