/*
 * The lease and fence protocol of tai_state's locks, as a model for spin: rules/leases.py, granting.py, lock.py and
 * guarding.py, and the commit protocol beneath them.
 *
 * Clients want one lock. Its lease lies in the store, whose clock alone says when it ends. A client looks at the
 * lease, and sends one commit at a time: a grant, a renewal, a write guarded by the lease, or a release. Between any
 * two steps a client may stand still for as long as it likes (a frozen process), or for ever (a dead one). A commit
 * is applied at any later moment, or never; its reply may be late or lost; then the identical commit is sent again,
 * and a refusal is settled by reading. A caller may give up before it knows, and its commit then drifts about.
 *
 * There is no end of time: clocks are countdowns, and nothing looks back. What bounds the model is the number of
 * grants (TOKENS), of clients, and of commits adrift: one. A version of a document is a bit: whether it is unchanged
 * since it was seen.
 *
 * Checked:
 *   STALE_WRITE    a write that lands is made by the holder in the store, under the lease's own token
 *   FALLING_WRITE  the tokens of the writes that land never fall, also when the lease was restored by hand
 *   TWO_TRUST      no two clients trust their leases at once (while nobody broke or restored the lease by hand)
 *   FALLING_TOKEN  every grant has a higher token than all before it (while nobody restored the lease by hand)
 *   ORPHAN_GRANT   a caller who is told that it was not granted the lock does not hold it
 *
 * Variants, by -D:
 *   BREAK          an operator may free the lock by force
 *   RESTORE        an operator may set the lease document back to what the grant before made of it, once
 *
 * Mutants, by -D, and what finds each of them: see test_model.py.
 *   UNGUARDED      a write does not carry the lease
 *   NO_FENCE       a state keeps no highest token
 *   LATE_TRUST     trust counts from the reply
 *   SHORT_TTL      the one who takes over counts by a shorter ttl than the one in the lease
 *   NO_NONCE       a lost reply is settled by the token alone
 *   NO_CAS         a grant does not depend on the lease as it was seen
 *   NO_SETTLEMENT  a refusal after a lost reply is taken for a refusal
 *   FORGETS_TOKEN  a release deletes the lease document
 *   LATE_RELEASE   a holder trusts its lease until the release is confirmed
 *   EARLIER_RENEWAL  what a read tells of a renewal counts from when that was sent, whichever one landed
 */

#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef TOKENS
#define TOKENS 3
#endif
#ifndef TTL
#define TTL 2
#endif

/* Whether a commit may drift about. A restored lease has another version than any that was seen, so that a commit from
 * before it is refused, adrift or not: that one needs no drift, and has states enough. */
#ifdef RESTORE
#define can_drift false
#else
#define can_drift (adrift == away)
#endif

#define NOBODY 100
#define STRANGER 101 /* whose grant was given up: nobody knows its nonce any more */

mtype = { away, looked, asking, holding, checked, writing, renewing, leaving };
mtype = { none, yes, no };

byte holder = NOBODY;           /* the lease document */
byte token;
byte left;                      /* ticks until it has run out */

byte fence;                     /* the state document: the highest token that wrote it */

byte last_granted;              /* what the properties look at */
bool by_hand;
bool restored;

mtype at[CLIENTS] = away;       /* where each client is in its program */
byte mine[CLIENTS];             /* the token that it asks for, or holds */
bool lease_seen[CLIENTS];       /* the lease is as it last saw it */
bool state_seen[CLIENTS];
byte trust[CLIENTS];            /* ticks for which it trusts the lease */
byte fresh[CLIENTS];            /* ticks for which it will, if the commit that is under way succeeds */

bool sent[CLIENTS];             /* the commit under way: its kind is told by at[], and these are its preconditions */
bool sent_lease[CLIENTS];
bool sent_state[CLIENTS];
bool applied[CLIENTS];
bool doubt[CLIENTS];            /* an attempt of it got no reply */
mtype reply[CLIENTS] = none;

mtype adrift = away;            /* a commit that its sender gave up */
bool adrift_lease;
bool adrift_state;
byte adrift_token;
byte adrift_owner;

#ifdef RESTORE
byte new_holder = NOBODY;       /* whom the last grant made the holder, and whom the one before it */
byte old_holder = NOBODY;
byte old_token;
#endif

#define ours(c) (holder == c && token == mine[c])

#ifdef SHORT_TTL
#define ended (left <= 2)
#else
#define ended (left == 0)
#endif

inline lease_changes(owner) {
    i = 0;
    do
    :: i < CLIENTS -> lease_seen[i] = false; sent_lease[i] = false; i++
    :: else -> break
    od;
    i = 0;
    adrift_lease = false;
    holder = owner;
    left = TTL + 1              /* it has run out when a read is strictly behind its end */
}

inline state_changes() {
    i = 0;
    do
    :: i < CLIENTS -> state_seen[i] = false; sent_state[i] = false; i++
    :: else -> break
    od;
    i = 0;
    adrift_state = false
}

/* The store's work: each kind of commit whose preconditions hold. */

inline store_grants(owner, number) {
#ifdef RESTORE
    old_holder = new_holder;
    old_token = token;
    new_holder = owner;
#endif
    lease_changes(owner);
    token = number;
    assert(restored || number > last_granted);                                /* FALLING_TOKEN */
    last_granted = number
}

inline store_writes(owner, number) {
    assert(owner == holder && number == token);                               /* STALE_WRITE */
    assert(number >= fence);                                                  /* FALLING_WRITE */
#ifndef UNGUARDED
    lease_changes(owner);
#endif
    state_changes();
    fence = number
}

inline store_frees() {
    lease_changes(NOBODY);
#ifdef FORGETS_TOKEN
    token = 0;
#endif
    left = 0
}

#ifdef NO_CAS
#define grant_lands(same) true
#else
#define grant_lands(same) same
#endif

#ifdef UNGUARDED
#define write_lands(lease_same, state_same) (state_same)
#else
#define write_lands(lease_same, state_same) (lease_same && state_same)
#endif

#define lands(kind, lease_same, state_same) \
    ((kind == asking && grant_lands(lease_same)) || (kind == writing && write_lands(lease_same, state_same)) || \
     ((kind == renewing || kind == leaving) && lease_same))

inline store_applies(kind, owner, number) {
    if
    :: kind == asking -> store_grants(owner, number)
    :: kind == writing -> store_writes(owner, number)
    :: kind == renewing -> lease_changes(owner)
    :: kind == leaving -> store_frees()
    fi
}

/* What nobody looks at any more must not tell two states apart. */
inline settled(c) {
    sent[c] = false;
    sent_lease[c] = false;
    sent_state[c] = false;
    applied[c] = false;
    doubt[c] = false;
    reply[c] = none;
    fresh[c] = 0
}

inline goes_away(c) {
    settled(c);
    at[c] = away;
    mine[c] = 0;
    lease_seen[c] = false;
    state_seen[c] = false;
    trust[c] = 0
}

/* Its commit of the lease was applied: trust counts from before the commit was sent for the first time. */
inline believes(c) {
#ifdef LATE_TRUST
    trust[c] = TTL;
#else
    trust[c] = (fresh[c] > trust[c] -> fresh[c] : trust[c]);
#endif
    i = 0;
    do
    :: i < CLIENTS ->
        assert(by_hand || i == c || trust[c] == 0 || trust[i] == 0);          /* TWO_TRUST */
        i++
    :: else -> break
    od;
    i = 0;
    state_seen[c] = false;
    at[c] = holding
}

inline sends(c, kind) {
    at[c] = kind;
    sent[c] = true;
    sent_lease[c] = lease_seen[c];
    sent_state[c] = state_seen[c];
    fresh[c] = TTL
}

/* It gives up: what was sent, or sent again, may still arrive. */
inline drifts(c, owner) {
    adrift = at[c];
    adrift_lease = sent_lease[c];
    adrift_state = sent_state[c];
    adrift_token = mine[c];
    adrift_owner = owner
}

/* Who reads that the lease is not its own any more has lost it; else it goes on from what it read. */
inline looks_whose(c) {
    settled(c);
    if
    :: ours(c) && !ended -> lease_seen[c] = true; state_seen[c] = false; at[c] = holding
    :: else -> goes_away(c)
    fi
}

proctype client(byte me) {
    byte i;
    do
    /* The store, for this client's commit: applied or refused, and the reply comes or is lost. */
    :: d_step { sent[me] && lands(at[me], sent_lease[me], sent_state[me]) ->
        store_applies(at[me], me, mine[me]);
        /* From here on: whether the lease is as this reply tells. */
        sent_lease[me] = true;
        sent[me] = false; applied[me] = true; reply[me] = yes }
    :: d_step { sent[me] && lands(at[me], sent_lease[me], sent_state[me]) ->
        store_applies(at[me], me, mine[me]);
        applied[me] = true; doubt[me] = true }
    :: d_step { sent[me] && !lands(at[me], sent_lease[me], sent_state[me]) -> sent[me] = false; reply[me] = no }
    :: d_step { sent[me] && !doubt[me] -> doubt[me] = true }

    /* Acquiring: one look, one commit. */
    :: d_step { at[me] == away && (holder == NOBODY || ended) && token < TOKENS ->
        at[me] = looked; mine[me] = token + 1; lease_seen[me] = true }
    :: d_step { at[me] == looked -> sends(me, asking) }
    :: d_step { at[me] == asking && reply[me] == yes ->
        lease_seen[me] = sent_lease[me]; believes(me); settled(me) }
    :: d_step { at[me] == asking && reply[me] == no ->
        if
#ifndef NO_SETTLEMENT
#ifdef NO_NONCE
        :: doubt[me] && holder != NOBODY && token == mine[me] ->
#else
        :: doubt[me] && ours(me) ->
#endif
            lease_seen[me] = true; believes(me); settled(me)
#endif
        :: else ->
            assert(!ours(me));                                                /* ORPHAN_GRANT */
            goes_away(me)
        fi }
    :: d_step { at[me] == asking && doubt[me] && reply[me] == none && can_drift ->
        /* Out of time: the outcome is unknown. What may have been granted is left to its ttl, */
        drifts(me, STRANGER);
        if
        :: ours(me) -> holder = STRANGER
        :: else
        fi;
        goes_away(me) }
    :: d_step { at[me] == asking && doubt[me] && reply[me] == none && ours(me) ->
        /* or taken back, where the store can be asked. */
        store_frees(); goes_away(me) }

    /* Holding. */
    :: d_step { at[me] == holding && trust[me] == 0 -> goes_away(me) }
    :: d_step { at[me] == holding && trust[me] > 0 -> sends(me, renewing) }
    :: d_step { at[me] == holding && trust[me] > 0 ->
        /* The check said yes. Whatever comes now may come late. */
        state_seen[me] = true;
        if
#ifndef NO_FENCE
        :: mine[me] < fence -> goes_away(me)
#endif
        :: else -> at[me] = checked
        fi }
    :: d_step { at[me] == checked -> sends(me, writing) }
    :: d_step { at[me] == holding && trust[me] > 0 ->
        /* It may be free before its holder hears of it, so it is trusted no more. */
#ifndef LATE_RELEASE
        trust[me] = 0;
#endif
        sends(me, leaving) }

    /* Its commits' ends: a refusal after a lost reply is settled by what the store holds. */
    :: d_step { (at[me] == renewing || at[me] == writing) && reply[me] == yes ->
#ifdef UNGUARDED
        lease_seen[me] = (at[me] == writing -> lease_seen[me] : sent_lease[me]);
        fresh[me] = (at[me] == writing -> 0 : fresh[me]);
#else
        lease_seen[me] = sent_lease[me];
#endif
        believes(me); settled(me) }
    :: d_step { at[me] == renewing && reply[me] == no && doubt[me] && ours(me) && !ended ->
        /* By its number it knows its own, or an earlier one of the same number: trust counts from what the store says. */
        lease_seen[me] = true;
#ifndef EARLIER_RENEWAL
        fresh[me] = (left > 0 -> left - 1 : 0);
#endif
        believes(me); settled(me) }
    :: d_step { at[me] == writing && reply[me] == no && applied[me] ->
        /* By the event's id it knows its own; the lease it knows when it reads it. */
        lease_seen[me] = ours(me);
#ifdef UNGUARDED
        fresh[me] = (at[me] == writing -> 0 : fresh[me]);
#endif
        believes(me); settled(me) }
    :: d_step { (at[me] == renewing || (at[me] == writing && !applied[me])) && reply[me] == no -> looks_whose(me) }
    :: d_step { (at[me] == renewing || at[me] == writing) && doubt[me] && reply[me] == none && can_drift ->
        /* Out of time: it is held until its old end. */
        drifts(me, me);
        settled(me); state_seen[me] = false; at[me] = holding }
    :: d_step { at[me] == leaving && (reply[me] == yes || (reply[me] == no && (applied[me] || !ours(me)))) ->
        goes_away(me) }
    :: d_step { at[me] == leaving && reply[me] == no && !applied[me] && ours(me) ->
        /* A renewal whose reply was lost came between: released from what it read. */
        settled(me); lease_seen[me] = true; sends(me, leaving) }
    :: d_step { at[me] == leaving && doubt[me] && reply[me] == none && can_drift ->
        drifts(me, me);
        if
        :: ours(me) -> holder = STRANGER
        :: else
        fi;
        goes_away(me) }
    od
}

proctype store() {
    byte i;
    do
    :: d_step { true ->
        left = (left > 0 -> left - 1 : 0);
        do
        :: i < CLIENTS ->
            trust[i] = (trust[i] > 0 -> trust[i] - 1 : 0);
            fresh[i] = (fresh[i] > 0 -> fresh[i] - 1 : 0);
            i++
        :: else -> break
        od;
        i = 0 }
    :: d_step { adrift != away ->
        if
        :: lands(adrift, adrift_lease, adrift_state) -> store_applies(adrift, adrift_owner, adrift_token)
        :: else
        fi;
        adrift = away; adrift_lease = false; adrift_state = false; adrift_token = 0; adrift_owner = 0 }
    :: d_step { adrift != away ->
        adrift = away; adrift_lease = false; adrift_state = false; adrift_token = 0; adrift_owner = 0 }
#ifdef BREAK
    :: d_step { holder != NOBODY -> by_hand = true; lease_changes(NOBODY); left = 0 }
#endif
#ifdef RESTORE
    :: d_step { old_token > 0 && !restored ->
        restored = true; by_hand = true; lease_changes(old_holder); token = old_token }
#endif
    od
}

init {
    byte c;
    atomic {
        run store();
        do
        :: c < CLIENTS -> run client(c); c++
        :: else -> break
        od;
        c = 0
    }
}
