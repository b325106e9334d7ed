"""Jobs over a store: queues, claims, and what is due of them (see ``rules.jobs``).

1. A look asks the engine for what is due of a queue: the ended leases, then the lanes, the highest priority first. It
   takes as many jobs as callers of this process wait for one, so that they share its queries.
2. A job that was found is claimed by one commit on what was found: nothing is read again. Who is refused, since another
   process was quicker, looks again, and from then on picks among some more, by chance, as long as races are lost.
3. "Nothing" is said only by a look that began after the caller came, and by the store's own clock.
4. A heartbeat is one commit of the job's document alone. All other steps are moves, each one commit with its event.
"""
