"""What lets other people's frameworks speak of this package in their own words.

``problems`` is the one map from errors to HTTP: which status, which members, when to come back, as problem details
(RFC 9457). ``headers`` reads ``If-Match`` as the version that a caller expects, and ``Idempotency-Key`` as the key of a
change. Both know no framework and depend on nothing; what serves HTTP asks them, and decides nothing of its own.

``statemachine`` and ``transitions`` keep the machines of python-statemachine and transitions in a store. ``moving`` is
how they are run for a commit, ``flat_form`` how they are drawn, and ``_async`` what both have in both colours.

``langgraph`` keeps what graphs have reached: ``checkpoints`` is what is stored, ``_async`` what acts.
``adk`` keeps sessions of Google's ADK: ``sessions`` is what is stored.

``fastapi`` and ``flask`` put them into those two, each an extra of its own: handlers of errors, what a request says
beside its body, and a process that ends in order.
"""
