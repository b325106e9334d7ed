"""Two stores, one decision: a transaction over several stores, by two-phase commit over documents.

One store, the coordinator's, has the decision; each store, that one too where it takes part, has its part. What each
promises is a commit of its own, so that every case is told by documents, never by a process that remembers.

    distributed/{tx}                      begin: who takes part, how long the lease is; create-only; the coordinator's
    distributed/{tx}/steps/decision       commit or abort; create-only, beside a begin that stands; the coordinator's
    distributed/{tx}/steps/settled@{name} that a part is settled; create-only; the coordinator's
    prepared/{tx}                         a part: the finished events and all else that it writes; create-only
    a mark in each state concerned        read or written; of an absent one, in a placeholder of version 0

1. Begin. Its create_time, and the lease in it, against a read_time of the same store say when the lease is over: no
   other clock counts.
2. Prepare, in each store one commit: the part, a mark in each state as it was read, and a check of all that the part
   creates. No event yet: chain, replay and verify have nothing to tell. What is refused there, or finds the mark of
   another transaction, aborts, and nobody waits.
3. Decide: ``commit`` once every part is prepared, by the coordinator alone; ``abort`` by it, also where it got no reply
   to its ``commit``, or by anybody past the lease. The first one counts, and a late coordinator finds that.
4. Settle, in each store one commit: where it commits what the part holds, written over what stands under the mark as it
   is by then; where it aborts the marks go. It needs no machine and no coordinator. The part is closed with it, and
   stays closed for days; so is one that aborts before it was prepared: a prepare that comes late is refused for good.
5. Once every part is told as settled for 24 hours, the coordinator's documents go, all in one commit. What is told
   there was looked at behind the decision.

A reader of a marked state gets its old value, flagged. A change of it, an erasure, a due move, maintenance: a
``PreparedError``; a local transaction that read one and writes, too. Recover writes lost marks again from the part;
exports leave both out.

Whoever meets a part past its lease settles it: a decision is obeyed; without one ``abort`` is decided first. Where
neither begin nor decision stands, or the coordinator's store cannot be reached, it stays as it is: it may have been
committed elsewhere. An operator may force it: a record in ``audit`` says so, and so does the closed part.

Invariants: no two parts of one transaction are settled differently, but by force. A part that is there has its marks,
or recover knows them. Nothing is written of a transaction that is not decided, but parts and marks.

Not promised: that what it writes is seen in all stores at one moment.

Source: Gray, Notes on Data Base Operating Systems, 1978; Lampson and Sturgis, Crash Recovery in a Distributed Data
Storage System, 1979; Gray and Lamport, Consensus on Transaction Commit, 2006 (why a coordinator blocks).
"""
