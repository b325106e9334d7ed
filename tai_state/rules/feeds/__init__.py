"""The pure half of subscriptions: what was delivered, what comes next, and where to look for it.

What counts is the order of one state's events; a feed only tells which states have changed. So a subscription keeps,
for each state, the last version that it delivered (``StatePosition``), and reads the events behind it by their ids.
Looking may find a state twice, and must never pass one over:

1. A look is for what changed since the position of its shard (``ShardPosition``), which passes only what was delivered,
   put aside as a dead letter, or noted as pending.
2. Where the store stamps changes with a time that is not quite the order of its commits, a look begins a little
   earlier, and a sweep, now and then, much earlier (``discovery``).
3. Each step of a state's position is a compare-and-swap, in the commit of a handler's own writes where each effect is
   to be made exactly once. Whoever loses it has nothing to do any more.
4. An attempt is counted before its handler runs, so that one that ends its process ends as a dead letter, too.

A subscription that is reset begins a new epoch: positions and dead letters of older ones count no more.
"""
