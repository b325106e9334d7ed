/*
 * Two-phase commit over two stores, as a model for spin: rules/distributed and _async/distributed, and the commit
 * protocol beneath them. Here: what is stored, and each commit. Who sends them: actors.pml.
 *
 * A transaction reads and writes one state in each of two stores. Its begin and its decision are documents of a third
 * place, the coordinator's store, whose clock alone says when the lease of the begin is over. Prepare is one commit in
 * each store: the plan (prepared/{tx}) and a mark on the state. Phase 2 is one commit in each store: the state without
 * the mark, and the plan turned into a tombstone.
 *
 * The coordinator sends one commit at a time. A commit is applied at any later moment, or never; its reply may be lost;
 * then the identical commit is sent again, and a refusal is settled by reading. A prepare may be given up, and drifts
 * about. Between any two steps everybody may stand still for as long as he likes (a frozen process), or for ever (a
 * dead one, or one that cannot reach a store). Settlers do phase 2, and so they are the coordinator's own phase 2, too.
 * Others change the states whenever no mark refuses them.
 *
 * There is no end of time: a version of a document is a bit, whether it is unchanged since somebody saw it. The begin
 * and the decision are removed as soon as both stores are recorded as settled: that this waits for a day is no part
 * of what keeps it sound.
 *
 * Checked:
 *   SPLIT            no transaction is applied in one store and dropped in the other (but where somebody forced it,
 *                    and that is recorded)
 *   TWICE            in no store it is applied twice, or applied and dropped
 *   LOST_WRITE       what is applied was made from what the state holds
 *   NOT_HELD         when it is decided that it is committed, both states are as it read them and marked
 *   LATE_COMMIT      what was aborted is never committed
 *   LATE_ABORT       what was committed is never aborted
 *   UNFOUNDED_ABORT  no abort is written where there is no begin
 *   ROBBED           a settler aborts nobody whose lease runs
 *   FALSE_WORD       nobody is told that his transaction was made, or not made, when it is otherwise
 *   MARK_STAYS       whenever all but one settler die, that one leaves no mark and no plan, and both stores agree
 *   STUCK            coordinators who only wait for each other do not exist (in ALIVE)
 *
 * Variants, by -D:
 *   TXS=2            two transactions; each writes what the other one reads, and they prepare in opposite orders
 *   ABSENT           the second state is not there: it is marked by a placeholder, which goes when it is dropped
 *   DAMAGE           a marked state loses its document, once, and is rebuilt from its events, which know no mark
 *   FORCE            the coordinator's store may be away, and then somebody ends a mark by hand
 *   VANISH           what the coordinator's store holds is lost: a mark stays, which is the operator's case
 *   ALIVE            no lease ends and no reply is lost: who waits, waits for somebody
 *
 * Mutants, by -D, and what finds each of them: see test_model.py.
 *   NO_BEGIN         prepare does not wait for the begin
 *   COMMITS_EARLY    the decision is written when one store has prepared
 *   UNCONFIRMED      a prepare without a reply counts as one
 *   PREPARE_BLIND    prepare does not depend on the state as it was read
 *   OPEN_MARK        a marked state may be changed
 *   UNMARKED_READS   what is only read is validated by prepare, and not marked
 *   OVER_MARK        prepare takes over the mark of another transaction
 *   WAITS            prepare waits for a foreign mark to go
 *   NO_LEASE         a settler does not wait for the lease
 *   DECISION_SET     a decision replaces one that is there
 *   LOOSE_COMMIT     the commit decision does not depend on the begin
 *   LOOSE_ABORT      the abort decision does not depend on the begin
 *   ABORTS_UNKNOWN   a settler aborts where he finds neither begin nor decision
 *   DROPS_FIRST      a settler drops before the abort is decided
 *   PRESUMES         a settler who cannot reach the coordinator's store presumes an abort
 *   GUESSES          a coordinator whose decision is in doubt takes what was removed meanwhile for an abort
 *   OVERRULES        a coordinator who decides against himself does so whatever was decided
 *   GIVES_UP         a coordinator who hears nothing of his decision says that nothing was made
 *   ANY_MARK         phase 2 takes any mark for its own
 *   PHASE2_BLIND     phase 2 does not depend on the state as it was read
 *   LEAVES_PLAN      phase 2 leaves the plan as it is
 *   DELETES_PLAN     phase 2 leaves no tombstone
 *   NO_CLOSE         a store in which nothing is prepared is recorded without a tombstone
 *   LOOKS_BEFORE     the look that finds a store settled is made before the decision is read
 *   RECORDS_EARLY    a store is recorded as settled before phase 2
 *   CLEANS_EARLY     begin and decision go before both stores are recorded
 *   CLEANS_APART     the decision goes first, and the begin later
 *   FORGETS_MARK     a state that is rebuilt is not marked again
 *   REBUILDS_OPEN    who changes a state that has lost its document looks for no plan
 *   RESTORES_BLIND   a mark is restored though its plan has ended meanwhile
 *   QUIET_FORCE      what is forced is not recorded
 */

#ifndef TXS
#define TXS 1
#endif
#ifndef SETTLERS
#define SETTLERS 2
#endif
#if defined(DAMAGE) || defined(RESTORES_BLIND)
#define RESTORER
#endif
#define NOBODY 9

#define of(t, s) (2 * (t) + (s))
#if TXS == 1
#define writes(t, s) true
#else
#define writes(t, s) ((t) != (s))
#endif

mtype = { none, running, over };                      /* a begin */
mtype = { committed, aborted };                       /* a decision */
mtype = { here, closed };                             /* a plan, or the tombstone of it */
mtype = { applied, dropped };                         /* what became of a transaction in a store */
mtype = { idle, opening, preparing, deciding, aborting, reading, gone };
mtype = { looked, settling, finishing, closing, recording };

mtype begun[TXS] = none;        /* the coordinator's store */
mtype decision[TXS] = none;
bool settled[2 * TXS];
bool away;                      /* nobody reaches it */

mtype plan[2 * TXS] = none;     /* the two stores */
byte mark[2] = NOBODY;
bool lost[2];                   /* the document of a marked state */
bool absent[2];                 /* the second state is not there, */
bool placed[2];                 /* or is a placeholder */

mtype outcome[TXS] = none;      /* what the properties look at */
mtype fate[2 * TXS] = none;
bool forced[TXS];
#ifdef VANISH
bool vanished;
#else
#define vanished false
#endif
bool done;
#ifdef DAMAGE
bool damaged;
#endif

mtype at[TXS] = idle;           /* where each coordinator is in its program */
byte aim[TXS];                  /* the store in which it prepares now, */
bool half[TXS];                 /* and whether it has in the other one */
bool doubt[TXS];                /* an attempt to commit its decision got no reply */
bool knows[TXS];                /* the begin is the one that it made */
bool as_read[2 * TXS];          /* the state is the one that it read: its document, */
bool as_absent[TXS];            /* or that there was none, */
bool base[2 * TXS];             /* and its content */
bool adrift[2 * TXS];           /* a prepare that it gave up */

mtype job[SETTLERS] = idle;     /* where each settler is */
byte tx[SETTLERS];
byte of_store[SETTLERS];
mtype saw[SETTLERS] = none;     /* the decision that it read */
bool same[SETTLERS];            /* the state is as it saw it, */
bool same_begin[SETTLERS];      /* and the begin */

#ifdef RESTORER
mtype restoring = idle;         /* who restores marks */
byte its_tx;
byte its_store;
bool its_state;                 /* the state is as he saw it */
#endif

/* What nobody looks at any more must not tell two states apart. */
inline rests(k) {
    job[k] = idle; tx[k] = 0; of_store[k] = 0; saw[k] = none; same[k] = false; same_begin[k] = false
}

/* It tells its caller what became of the transaction, where it knows, and is done. */
inline says(c, word) {
    assert(word == none || (word == committed) == (outcome[c] == committed)); /* FALSE_WORD */
    at[c] = gone; doubt[c] = false; knows[c] = false
}

inline has_prepared(c) {
#ifdef COMMITS_EARLY
    half[c] = true;
#endif
    at[c] = (half[c] -> deciding : preparing);
    aim[c] = (half[c] -> 0 : 1 - aim[c]);
    half[c] = !half[c]
}

inline gives_up(c) {
    at[c] = aborting; aim[c] = 0; half[c] = false
}

/* The document of the state in store s changes. */
inline changes(s) {
    i = 0;
    do
    :: i < SETTLERS -> same[i] = (of_store[i] == s -> false : same[i]); i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < TXS -> as_read[of(i, s)] = false; i++
    :: else -> break
    od;
#ifdef RESTORER
    its_state = (its_store == s -> false : its_state);
#endif
    i = 0
}

/* Its content does, too, by whoever is not t. */
inline rewrites(t, s) {
    i = 0;
    do
    :: i < TXS -> base[of(i, s)] = (i == t -> base[of(i, s)] : false); i++
    :: else -> break
    od;
    i = 0
}

/* Prepare, as a commit whose preconditions hold. */
#ifdef PREPARE_BLIND
#define unchanged(t, s) (mark[s] == NOBODY && !lost[s])
#else
#ifdef OVER_MARK
#define unchanged(t, s) (base[of(t, s)] && !lost[s])
#else
#define unchanged(t, s) ((as_absent[t] && s == 1) -> absent[s] : as_read[of(t, s)])
#endif
#endif
#define prepares(t, s) (plan[of(t, s)] == none && (unchanged(t, s)))

inline store_prepares(t, s) {
    plan[of(t, s)] = here;
#ifdef UNMARKED_READS
    if
    :: writes(t, s) -> mark[s] = t; changes(s)
    :: else
    fi
#else
    mark[s] = t;
    placed[s] = absent[s];
    absent[s] = false;
    changes(s)
#endif
}

/* A decision: create-only, and under the begin that its writer knows. */
#ifdef DECISION_SET
#define undecided(t) true
#else
#define undecided(t) (decision[t] == none)
#endif
#ifdef LOOSE_COMMIT
#define commits(t) (!away && undecided(t))
#else
#define commits(t) (!away && undecided(t) && knows[t])
#endif
#ifdef LOOSE_ABORT
#define aborts(t, known) (!away && undecided(t))
#else
#define aborts(t, known) (!away && undecided(t) && known)
#endif

#ifdef UNMARKED_READS
#define is_marked(t, s) (!writes(t, s) || mark[s] == t)
#else
#define is_marked(t, s) (mark[s] == t || lost[s])
#endif
#define is_held(t, s) (base[of(t, s)] && plan[of(t, s)] == here && is_marked(t, s))

/* A coordinator who is in doubt, against himself. */
#ifdef OVERRULES
#define withdraws(t) (!away)
#else
#define withdraws(t) (!away && decision[t] == none && knows[t])
#endif

inline store_commits(t) {
    assert(outcome[t] != aborted);                                            /* LATE_COMMIT */
    assert(forced[t] || outcome[t] == committed ||
        (is_held(t, 0) && is_held(t, 1)));                                    /* NOT_HELD */
    decision[t] = committed;
    outcome[t] = committed
}

inline store_aborts(t) {
    assert(!(outcome[t] == committed));                                       /* LATE_ABORT */
    assert(begun[t] != none);                                                 /* UNFOUNDED_ABORT */
    decision[t] = aborted;
    outcome[t] = aborted
}

/* Phase 2, as a commit whose preconditions hold. */
inline store_finishes(t, s, how) {
    assert(fate[of(t, s)] == none || (how == aborted && fate[of(t, s)] == dropped));       /* TWICE */
    if
    :: how == committed ->
        assert(!writes(t, s) || base[of(t, s)]);                              /* LOST_WRITE */
        assert(forced[t] || fate[of(t, 1 - s)] != dropped);                   /* SPLIT */
        fate[of(t, s)] = applied;
        if
        :: writes(t, s) -> rewrites(t, s)
        :: else
        fi
    :: else ->
        assert(forced[t] || fate[of(t, 1 - s)] != applied);                   /* SPLIT */
        fate[of(t, s)] = dropped;
        absent[s] = placed[s]
    fi;
    placed[s] = false;
    mark[s] = (mark[s] == t -> NOBODY : mark[s]);
#ifdef LEAVES_PLAN
    skip;
#else
#ifdef DELETES_PLAN
    plan[of(t, s)] = none;
#else
    plan[of(t, s)] = closed;
#endif
#endif
    changes(s)
}

/* A store in which nothing was prepared: nothing will be. */
inline store_closes(t, s) {
    plan[of(t, s)] = closed;
    fate[of(t, s)] = dropped
}

inline store_cleans(t) {
    begun[t] = none;
    decision[t] = none;
    settled[of(t, 0)] = false;
    settled[of(t, 1)] = false;
    knows[t] = false;
    i = 0;
    do
    :: i < SETTLERS -> same_begin[i] = (tx[i] == t -> false : same_begin[i]); i++
    :: else -> break
    od;
    i = 0
}

#include "actors.pml"

init {
    byte c;
    atomic {
#ifdef ABSENT
        absent[1] = true;
#endif
        run last();
        run store();
#ifdef RESTORER
        run restorer();
#endif
        do
        :: c < TXS -> aim[c] = c; run coordinator(c); c++
        :: else -> break
        od;
        c = 0;
        do
        :: c < SETTLERS -> run settler(c); c++
        :: else -> break
        od;
        c = 0
    }
}
