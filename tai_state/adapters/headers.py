"""What a request says in headers: the version that it expects, and the key under which it may be made again."""

from __future__ import annotations

import re
from http import HTTPStatus

from tai_state.adapters.problems import Problem

KEY_LENGTH_MAX = 255
# Visible ASCII, bare or as a string of structured fields (RFC 9651), as the draft of Idempotency-Key has it. A bare one
# has no comma: with it, servers join what came in several headers.
_KEY = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"|([!#-+\--\[\]-~]+)')
_ETAG = re.compile(r'(W/)?"([!#-~\x80-\xff]*)"')
_VERSION = re.compile(r"0|[1-9][0-9]{0,18}")


class BadHeaderError(Exception):
    """A header that cannot be followed; ``problem`` is the answer to it."""

    def __init__(self, problem: Problem) -> None:
        """Take the answer."""
        super().__init__(problem.detail)
        self.problem = problem


def etag_of(version: int) -> str:
    """Return the entity tag of a state at this version."""
    return f'"{version}"'


def idempotency_key_of(header: str | None) -> str | None:
    """Return the key in an ``Idempotency-Key`` header, with or without quotes; None where there is none.

    Raises:
        BadHeaderError: It is no key, or one of more than 255 characters: 400.
    """
    if header is None:
        return None
    found = _KEY.fullmatch(header.strip())
    key = "" if found is None else re.sub(r'\\(["\\])', r"\1", found[1] if found[1] is not None else found[2])
    if not 0 < len(key) <= KEY_LENGTH_MAX:
        detail = f"Idempotency-Key is 1 to {KEY_LENGTH_MAX} visible ASCII characters, in double quotes or without them"
        raise BadHeaderError(Problem(HTTPStatus.BAD_REQUEST, "bad_header", "A header cannot be read.", detail))
    return key


def expected_version_of(header: str | None) -> int | None:
    """Return the version that an ``If-Match`` header names; None where there is no such header, or it is ``*``.

    Raises:
        BadHeaderError: It is no list of entity tags, or names several: 400. It is a tag that no version has, a weak one
            among them: 412, as it would be if somebody had been faster.
    """
    if header is None or header.strip() == "*":
        return None
    tag = _ETAG.fullmatch(header.strip())
    if tag is None:
        detail = 'If-Match is one entity tag as this service gives them, such as "3", or *'
        raise BadHeaderError(Problem(HTTPStatus.BAD_REQUEST, "bad_header", "A header cannot be read.", detail))
    if tag[1] or not _VERSION.fullmatch(tag[2]):
        detail = f"no version of a state has the entity tag {tag[0]}"
        title = "The state is not at the expected version."
        raise BadHeaderError(Problem(HTTPStatus.PRECONDITION_FAILED, "version_conflict", title, detail))
    return int(tag[2])
