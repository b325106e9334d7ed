"""Keys over a store: operations on values by name, alone, several at once, and all or none (see ``rules.keys``).

1. An operation alone goes the way of every change (``commits.writer``): one commit where the head is known, one read
   before it where it is not; callers of one process on one key share a commit, each with a result of his own.
2. A batch makes those of several keys in one commit, each for itself (``commits.many``).
3. A transaction is one attempt's reads and one commit of all (``transactions.run``).
4. Lists and ``clear`` go page by page, in the order of the stored keys.
"""
