"""States and events as the package handles them, and as documents.

A ``StateRecord`` is the content of a state document, an ``EventRecord`` that of an event. What both have in common is
``Content``: an event alone rebuilds every field of the state that it made. What stands in a state document beside its
content, and of which no event tells, are its ``Marks``.

Invariants:

1. Records are immutable; payloads are canonical JSON, so equal values are equal bytes.
2. Versions start at 1 and rise by 1 with each change, deletions included.
3. ``hash`` covers everything in an event but itself and the time of its commit; ``previous_hash`` is the hash of the
   event before, ``GENESIS`` for the first. Payloads are covered by their digests, so encoding them anew keeps it.
4. A document that is damaged or somebody else's is a ``CorruptLogError`` that names it, a newer format a
   ``SchemaVersionError``; nothing else gets out of ``documents``.

5. What few states have (``occasional``) is there only where it is used: all others have documents, hashes and digests
   as if there were no such thing.

A new field of an event is added in ``record``, ``documents`` and ``chain``, and in the public model; a test fails
wherever it is forgotten.
"""
