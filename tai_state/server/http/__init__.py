"""What is below ``/v1``: routes, each declared once, and what HTTP's own words mean in them.

``routes`` holds the table: a request is routed by it, ``openapi`` writes it down, and the tests walk it. ``dispatch``
is the way of a request: who asks, which route, may he, the handler, and the one place where errors become answers.
``calls`` is what a handler is given, ``answers`` what it gives, ``service`` what all of them share: the store, its
persisters, its locks. ``resources`` are the handlers, a file for each resource; none decides what the library does.

- ``ETag`` is the version; ``If-Match`` is ``expected_version``; ``If-None-Match: *`` says that there must be none yet.
- ``Idempotency-Key`` is the key of a change, as draft-ietf-httpapi-idempotency-key-header has it. The same key with
  another request is 422; one that is under way, or was made, is answered with its outcome, and
  ``Idempotency-Replayed: true``.
- Errors are problem details (RFC 9457) with the library's codes, ``Retry-After`` where trying again can help.
- Pages are linked by ``Link: <...>; rel="next"`` (RFC 8288); ``Prefer: return=minimal`` (RFC 7240) spares the body.
- Ids in paths are percent-encoded, a slash as ``%2F``. Stored values have the form of ``tai_state.values.to_json``,
  plain JSON, in which bytes and times are objects of one tag.
"""
