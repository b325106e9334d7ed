"""Jobs: work that some process does once, by a claim that ends when its process does.

A job is a state of a small machine, in a governor of its queue's own. That it waits, and that its lease runs, is that
it is due (``rules.due``): nothing else is kept of it, so that what holds for states holds for jobs.

1. A queued job is due when it may run, under the key of its lane: one for each priority of the queue.
2. A claim moves it to ``running`` by a compare-and-swap on what was seen due, and counts as an attempt. Its id is the
   fence: whoever completes, fails, releases or renews a job says it, and only the last claim is heard.
3. A running job is due when its lease ends, under the queue's key of leases. A heartbeat moves that time, and nothing
   else: no event, no version. The lease has ended once the store's clock is past the document's last update by as much
   as the lease says.
4. Whoever meets a job whose lease has ended puts it back, due after a jittered wait, or fails it for good where its
   attempts are spent, with an error that says so.
5. Ended jobs are due no more, and whatever a stale claimer asks for is refused.

Invariant: between two claims of a job stands an event that ended the first, so that attempts are counted exactly.

Source: leases that expire by the store's clock: Gray and Cheriton, Leases, 1989. Waits with full jitter: Brooker,
Exponential Backoff and Jitter, AWS Architecture Blog, 2015.
"""
