"""What is due: when something is to happen to a state by itself, and where workers look for it.

A live state carries at most one due time (``records.occasional.Due``), which its event tells, so that whatever rebuilds
a state rebuilds it. The state's document has it by itself, ordered, beside a ``due_key``: one query for each key finds
what is due, and nothing else is looked at.

1. Entering a status arms its timeout, by whatever change; what was due before is not due any more. A move within a
   status keeps what there is, leaving the status or deleting the state ends it.
2. A change may make something due itself, in the place of the timeout (``Wanted``): a schedule, a job, its lease.
3. A time is the store's, as its replies last told it, and what has passed since by a clock that never steps. No clock
   of two hosts is compared.
4. What is due ``after`` a change is not done before so much has passed since the commit of that change: a commit that
   was long under way would else land with a time that is over.
5. ``due_key`` names the store, whose workers are to look (a machine, or a queue), and a shard. It follows from the
   state and from where that is, so an import or a copy writes it anew.
6. A time that is moved without a change (a lease that is renewed, a firing that is tried again) is a mark of the
   document; the next change of what is due takes it away.

Source: for timers as rows with a due time that workers take by compare-and-swap, see Varghese and Lauck, Hashed and
Hierarchical Timing Wheels, 1987 (scheme 2, the ordered list, which an index is).
"""
