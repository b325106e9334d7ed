"""The commit protocol: one atomic commit a change, applied once whatever happens to the replies.

``writer`` is the one way to change a state: it takes the state's turn, lets ``rules.commits`` decide on the cached head
or on a fresh read, and commits. ``protocol`` brings one commit to its end, and ``settling`` one in doubt; ``guard`` is
what else a commit may carry; ``coalescing`` makes one commit of what several callers of a process want of one state,
``many`` of what one caller wants of many.

A commit, from its first request on:

1. a reply: that is it;
2. no verdict (time was over, the connection broke): the IDENTICAL request again, never a rebased one;
3. a failed precondition before any doubt: a real conflict, and the change is decided anew;
4. a failed precondition or a refusal after a doubt: read, and settle;
5. the attempts spent while in doubt, with time left: read once, and settle;
6. out of time while in doubt: ``OutcomeUnknownError``, which says so.

Invariants:

1. A cached head may lead to a commit, never to a refusal: every refusal comes from a fresh read.
2. Every commit holds a document that must not exist yet, so that it cannot apply twice.
3. A raised error means that nothing was written, that one error excepted.
4. Cancellation and signals come behind the outcome: commit and settlement are shielded.

Known head: one Commit. Cold: one read more. Under a key, or with a lock: still one Commit.
"""
