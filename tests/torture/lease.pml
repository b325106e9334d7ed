/*
 * The lease and fence protocol of tai_state's locks, as a model for spin.
 *
 * Clients want one lock. Its lease lies in the store, whose clock alone says when it ends. A client looks at the
 * lease, and sends one commit at a time: a grant, a renewal, a write guarded by the lease, or a release. The
 * commit may be applied at any later moment, or never, and its reply may be lost. Between any two steps a client
 * may stand still for as long as it likes (a frozen process), or for ever (a dead one).
 *
 * Versions of documents are bits: whether the lease, or the state, is unchanged since it was last seen. A commit
 * carries them as its preconditions.
 *
 * Checked:
 *   1. the tokens of the writes that land never fall;
 *   2. no two clients trust their leases at once (while nobody broke or restored the lease by hand);
 *   3. every grant has a higher token than all before it (while nobody restored the lease by hand).
 *
 * Variants, by -D:
 *   BREAK       an operator may free the lock by force
 *   RESTORE     an operator may set the lease document back to an earlier one
 *   UNGUARDED   mutant: writes do not carry the lease        (1 must fail)
 *   NO_FENCE    mutant: the state keeps no highest token     (1 must fail with RESTORE)
 *   LATE_TRUST  mutant: trust counts from the reply          (2 must fail)
 *   EARLY       mutant: a lease is taken over as it ends     (2 must fail)
 */

#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef TIME
#define TIME 5
#endif
#define TTL 2
#define TOKENS 4

#define NONE 255

mtype = { nothing, grant, renew, put, free, applied, refused };

byte now;                       /* the store's clock; all clocks run at this rate */

byte holder = NONE;             /* the lease document */
byte token;
byte ends;                      /* its update_time plus its ttl */

byte fence;                     /* the state document: the highest token that wrote it */

byte last_written;              /* what the properties look at */
byte last_granted;
bool by_hand;
bool was_restored;

bool lease_same[CLIENTS];       /* unchanged since the client last saw it */
bool state_same[CLIENTS];

mtype sent[CLIENTS] = nothing;  /* the client's commit that is under way, and its preconditions */
bool sent_lease_same[CLIENTS];
bool sent_state_same[CLIENTS];
byte sent_token[CLIENTS];
mtype reply[CLIENTS] = nothing;

bool holds[CLIENTS];            /* what the client believes */
byte trusts_until[CLIENTS];

#define trusted(c) (holds[c] && now < trusts_until[c])

inline lease_changed() {
    i = 0;
    do
    :: i < CLIENTS -> lease_same[i] = false; sent_lease_same[i] = false; i++
    :: else -> break
    od
}

inline state_changed() {
    i = 0;
    do
    :: i < CLIENTS -> state_same[i] = false; sent_state_same[i] = false; i++
    :: else -> break
    od
}

/* Property 2: checked whenever somebody begins to trust, or trusts for longer. */
inline alone(c) {
    i = 0;
    do
    :: i < CLIENTS ->
        assert(by_hand || i == c || !trusted(c) || !trusted(i));
        i++
    :: else -> break
    od
}

inline change_lease(writer, owner) {
    lease_changed();
    lease_same[writer] = true;
    holder = owner;
    ends = now + TTL
}

/* What nobody looks at any more must not tell two states apart. */
inline forget(c_) {
    sent[c_] = nothing;
    sent_lease_same[c_] = false;
    sent_state_same[c_] = false;
    sent_token[c_] = 0
}

/* The store: applies a commit whose preconditions hold, at any time, and tells. */
active proctype store() {
    byte c, i;
    do
    :: atomic {
        c = 0;
        do
        :: c < CLIENTS - 1 -> c++
        :: break
        od;
        if
        :: sent[c] == nothing
        :: sent[c] != nothing -> forget(c)                                     /* the request was lost */
        :: sent[c] == grant ->
            if
            :: sent_lease_same[c] ->
                change_lease(c, c);
                token = sent_token[c];
                assert(was_restored || token > last_granted);                    /* property 3 */
                last_granted = token;
                reply[c] = applied
            :: else -> reply[c] = refused
            fi;
            forget(c)
        :: sent[c] == renew ->
            if
            :: sent_lease_same[c] -> change_lease(c, c); reply[c] = applied
            :: else -> reply[c] = refused
            fi;
            forget(c)
        :: sent[c] == put ->
            if
#ifdef UNGUARDED
            :: sent_state_same[c] ->
#else
            :: sent_state_same[c] && sent_lease_same[c] ->
                change_lease(c, c);
#endif
                state_changed();
                assert(sent_token[c] >= last_written);                           /* property 1 */
                last_written = sent_token[c];
#ifndef NO_FENCE
                fence = sent_token[c];
#endif
                reply[c] = applied
            :: else -> reply[c] = refused
            fi;
            forget(c)
        :: sent[c] == free ->
            if
            :: sent_lease_same[c] -> change_lease(c, NONE); reply[c] = applied
            :: else -> reply[c] = refused
            fi;
            forget(c)
        fi;
        c = 0; i = 0
       }
    :: atomic { now < TIME -> now++ }
#ifdef BREAK
    :: atomic { holder != NONE && !by_hand -> by_hand = true; lease_changed(); holder = NONE; i = 0 }
#endif
#ifdef RESTORE
    :: atomic { token > 1 && !was_restored ->
        was_restored = true; by_hand = true; lease_changed(); token = token - 1; holder = NONE; ends = now; i = 0 }
#endif
    :: now == TIME -> break
    od
}

inline send(c, what) {
    atomic {
        sent[c] = what;
        sent_lease_same[c] = lease_same[c];
        sent_state_same[c] = state_same[c];
        sent_token[c] = my_token;
        reply[c] = nothing;
        state_same[c] = false
    }
}

/* A commit of the lease was applied: trust counts from before it was sent. */
inline believe(c) {
    holds[c] = true;
#ifdef LATE_TRUST
    trusts_until[c] = now + TTL;
#else
    trusts_until[c] = began + TTL;
#endif
    alone(c);
    i = 0
}

#ifdef EARLY
#define RUN_OUT (now >= ends)
#else
#define RUN_OUT (now > ends)
#endif

active [CLIENTS] proctype client() {
    byte me = _pid - 1;
    byte my_token, began, i;
    bool can;
    do
    :: now == TIME -> break

    :: !holds[me] && sent[me] == nothing ->
        /* Look, and ask for the grant where the lease is free or has run out. */
        atomic {
            lease_same[me] = true;
            can = (holder == NONE || RUN_OUT) && token < TOKENS;
            my_token = token + 1
        };
        if
        :: !can
        :: can ->
            began = now;
            send(me, grant);
            if
            :: atomic { reply[me] == applied -> reply[me] = nothing; believe(me) }
            :: atomic { reply[me] == refused -> reply[me] = nothing }
            :: atomic {
                /* No reply: the lease says whether it is ours; if not, it may still be applied, and is nobody's. */
                if
                :: holder == me && token == my_token -> lease_same[me] = true; believe(me)
                :: else
                fi;
                reply[me] = nothing
               }
            fi
        fi;
        began = 0; can = false; i = 0

    :: atomic { holds[me] && now >= trusts_until[me] -> holds[me] = false; trusts_until[me] = 0 }

    :: trusted(me) && sent[me] == nothing ->
        /* The check said yes. Whatever comes now may come late. */
        if
        :: began = now; send(me, renew)
        :: atomic { state_same[me] = true; can = (my_token >= fence) };
           began = now;
           if
           :: can -> send(me, put)
           :: else -> atomic { holds[me] = false; trusts_until[me] = 0 }
           fi
        :: atomic { holds[me] = false; trusts_until[me] = 0 }; send(me, free)
        fi;
        if
        :: atomic { reply[me] == applied && holds[me] -> reply[me] = nothing;
#ifdef UNGUARDED
            if
            :: lease_same[me] -> believe(me)
            :: else
            fi
#else
            believe(me)
#endif
           }
        :: atomic { reply[me] != nothing -> reply[me] = nothing }
        :: true /* no reply */
        fi;
        /* A lease that is ours still may have been changed by a commit whose reply was lost. */
        atomic {
            if
            :: holds[me] && holder == me && token == my_token -> lease_same[me] = true
            :: else
            fi;
            state_same[me] = false; began = 0; can = false; i = 0
        }
    od
}
