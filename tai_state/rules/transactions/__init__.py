"""Several changes in one commit, each decided on what the ones before it made.

``draft`` keeps the changes of a body in order; ``record`` is the document that says that the transaction was committed,
and what a commit checks of documents that were only read; ``dependents`` finds whom a change concerns.

Invariants:

1. What was read and not written is checked by the commit; what was read as absent must still be: serialisable.
2. Several changes of one state are one write of it and an event each.
3. ``transactions/{id}`` must not exist: whatever happens to the replies, one id is committed once.
4. The same steps over the same documents give the same writes, so a draft can be made over in its smallest form.
"""
