"""Two stores, one decision: what each store does of a transaction over several, and how what was left is settled.

``rules.distributed`` says what is written, in which order, and why. ``decisions`` is the coordinator's store: begin,
decide, tell what is settled, clear away. ``parts`` is a store that takes part: prepare, settle, mend marks.
``settling`` brings the two together for parts that nobody ended. The transaction itself, which runs a body and goes
through the phases, is ``api.distributed``'s.

Each step is one commit, sent again as it is until there is a verdict, and settled by what it leaves: so each may be
done again by anybody, at any time, and two who do the same do it once.
"""
