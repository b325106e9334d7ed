/* Who takes part in two-phase commit (decision.pml): coordinators, settlers, who recovers, and the stores themselves. */

proctype coordinator(byte me) provided (!done) {
    byte i;
end:
    do
    /* It reads both states: a marked one fails it. */
    :: d_step { at[me] == idle && mark[0] == NOBODY && mark[1] == NOBODY && !lost[0] && !lost[1] ->
        as_read[of(me, 0)] = true;
        as_read[of(me, 1)] = true;
        as_absent[me] = absent[1];
        base[of(me, 0)] = true;
        base[of(me, 1)] = true;
#ifdef NO_BEGIN
        at[me] = preparing
#else
        at[me] = opening
#endif
        }

    /* Begin. */
    :: d_step { at[me] == opening && !away && begun[me] == none ->
        begun[me] = running; knows[me] = true; at[me] = preparing }
#ifndef ALIVE
    :: d_step { at[me] == opening && !away && begun[me] == none -> begun[me] = running; knows[me] = true }
#endif
    :: d_step { at[me] == opening && !away && begun[me] != none -> at[me] = preparing }

    /* Prepare, in one store after the other. */
    :: d_step { at[me] == preparing && prepares(me, aim[me]) ->
        store_prepares(me, aim[me]);
        has_prepared(me) }
#ifndef ALIVE
    :: d_step { at[me] == preparing && prepares(me, aim[me]) -> store_prepares(me, aim[me]) }
    :: d_step { at[me] == preparing && plan[of(me, aim[me])] == here ->
        /* Refused, since the first attempt was applied: it reads its own plan. */
        has_prepared(me) }
    :: d_step { at[me] == preparing ->
        /* It gives up: what was sent, or sent again, may still arrive. */
        adrift[of(me, aim[me])] = true;
#ifdef UNCONFIRMED
        has_prepared(me)
#else
        gives_up(me)
#endif
        }
#endif
#ifdef WAITS
    :: d_step { at[me] == preparing && !prepares(me, aim[me]) && plan[of(me, aim[me])] != here &&
        mark[aim[me]] == NOBODY ->
#else
    :: d_step { at[me] == preparing && !prepares(me, aim[me]) && plan[of(me, aim[me])] != here ->
#endif
        /* Refused: another mark, another version, or a tombstone. It does not wait. */
        gives_up(me) }

    /* The decision. */
    :: d_step { at[me] == deciding && commits(me) -> store_commits(me); says(me, committed) }
    :: d_step { at[me] == deciding && !away && !commits(me) -> at[me] = reading }
#ifndef ALIVE
    :: d_step { at[me] == deciding && commits(me) -> store_commits(me); doubt[me] = true }
    :: d_step { at[me] == deciding -> doubt[me] = true }
    /* It gets no reply in time, and decides against itself: the first decision counts, and it is told which it was. */
    :: d_step { at[me] == deciding && withdraws(me) -> store_aborts(me); says(me, aborted) }
    :: d_step { at[me] == deciding && withdraws(me) -> store_aborts(me); doubt[me] = true }
#endif
#ifdef GIVES_UP
    :: d_step { at[me] == deciding && doubt[me] -> says(me, aborted) }
#endif
    :: d_step { at[me] == reading && !away ->
        if
        :: decision[me] != none -> says(me, decision[me])
#ifndef GUESSES
        /* Settled and removed meanwhile: where no attempt was in doubt all were refused, else nobody can tell. */
        :: decision[me] == none && doubt[me] -> says(me, none)
#endif
        :: else -> says(me, aborted)
        fi }
    /* It never asked for a commit: what else it reads, or cannot read, it was none. */
    :: d_step { at[me] == aborting && aborts(me, knows[me]) -> store_aborts(me); says(me, aborted) }
    :: d_step { at[me] == aborting && !away && !aborts(me, knows[me]) -> says(me, aborted) }
    od
}

#ifdef ANY_MARK
#define is_its_mark(me) (mark[of_store[me]] != NOBODY)
#else
#define is_its_mark(me) (mark[of_store[me]] == tx[me] && plan[of(tx[me], of_store[me])] == here)
#endif
#ifdef PHASE2_BLIND
#define finishes(me) true
#else
#define finishes(me) same[me]
#endif

proctype settler(byte me) provided (!done) {
    byte i;
end:
    do
    /* It meets a mark, or a begin of which a store is not recorded yet, and reads what was decided. */
#define meets(t, s) \
    :: d_step { job[me] == idle && !away && decision[t] != none && (!settled[of(t, s)] || mark[s] == t) -> \
        tx[me] = t; of_store[me] = s; saw[me] = decision[t]; job[me] = first_job }
#define is_late(t) \
    :: d_step { job[me] == idle && !away && decision[t] == none && lease_over(t) -> \
        tx[me] = t; same_begin[me] = true; job[me] = aborting }
#ifdef RECORDS_EARLY
#define first_job recording
#else
#define first_job settling
#endif
#ifdef ABORTS_UNKNOWN
#define lease_over(t) (begun[t] == over || (begun[t] == none && (mark[0] == t || mark[1] == t)))
#else
#ifdef NO_LEASE
#define lease_over(t) (begun[t] != none)
#else
#define lease_over(t) (begun[t] == over)
#endif
#endif
    meets(0, 0)
    meets(0, 1)
    is_late(0)
#if TXS == 2
    meets(1, 0)
    meets(1, 1)
    is_late(1)
#endif
#ifdef DROPS_FIRST
    :: d_step { job[me] == idle && !away && decision[0] == none && begun[0] == over && mark[0] == 0 ->
        saw[me] = aborted; job[me] = settling }
#endif
#ifdef PRESUMES
    :: d_step { job[me] == idle && away && mark[0] == 0 -> saw[me] = aborted; job[me] = settling }
#endif
#ifdef LOOKS_BEFORE
    :: d_step { job[me] == idle && plan[of(0, 1)] != here -> of_store[me] = 1; job[me] = looked }
    :: d_step { job[me] == looked && decision[0] != none -> job[me] = recording }
#endif

    /* Nothing is decided, and the lease is over: the abort. Then it begins anew. */
    :: d_step { job[me] == aborting && aborts(tx[me], same_begin[me]) ->
        assert(!(begun[tx[me]] == running));                                  /* ROBBED */
        store_aborts(tx[me]);
        rests(me) }
    :: d_step { job[me] == aborting && !away && !aborts(tx[me], same_begin[me]) -> rests(me) }

    /* It looks at the store behind that. */
    :: d_step { job[me] == settling ->
        same[me] = true;
        if
        :: is_its_mark(me) -> job[me] = finishing
#ifndef NO_CLOSE
        :: plan[of(tx[me], of_store[me])] == none && saw[me] == aborted -> job[me] = closing
        :: plan[of(tx[me], of_store[me])] == closed -> job[me] = recording
#else
        :: plan[of(tx[me], of_store[me])] != here -> job[me] = recording
#endif
        /* A mark that was lost is restored first. */
        :: else -> rests(me)
        fi }
    :: d_step { job[me] == finishing && finishes(me) ->
        store_finishes(tx[me], of_store[me], saw[me]);
        same[me] = false;
        job[me] = recording }
    :: d_step { job[me] == finishing && finishes(me) ->
        store_finishes(tx[me], of_store[me], saw[me]);
        /* The reply is lost: it reads again, as who was refused does. */
        rests(me) }
    :: d_step { job[me] == finishing && !finishes(me) -> rests(me) }
    :: d_step { job[me] == closing && plan[of(tx[me], of_store[me])] == none ->
        store_closes(tx[me], of_store[me]);
        job[me] = recording }
    :: d_step { job[me] == closing && plan[of(tx[me], of_store[me])] != none -> rests(me) }

    /* What is recorded once needs no second look: a tombstone stays. */
    :: d_step { job[me] == recording && !away ->
        settled[of(tx[me], of_store[me])] = (decision[tx[me]] != none);
        rests(me) }
    od
}

#ifdef RESTORER
inline restored_enough() {
    restoring = idle; its_tx = 0; its_store = 0; its_state = false
}

/* Who recovers a store reads the plans, and then the states. */
proctype restorer() provided (!done) {
    byte i;
end:
    do
#define finds(t, s) \
    :: d_step { restoring == idle && plan[of(t, s)] == here -> its_tx = t; its_store = s; restoring = looked }
    finds(0, 0)
    finds(0, 1)
#if TXS == 2
    finds(1, 0)
    finds(1, 1)
#endif
    :: d_step { restoring == looked ->
        if
        :: mark[its_store] == NOBODY -> its_state = true; restoring = settling
        :: else -> restored_enough()
        fi }
#ifdef RESTORES_BLIND
#define restores (its_state)
#else
#define restores (its_state && plan[of(its_tx, its_store)] == here)
#endif
    :: d_step { restoring == settling && restores ->
        mark[its_store] = its_tx;
        lost[its_store] = false;
        changes(its_store);
        restored_enough() }
    :: d_step { restoring == settling && !restores -> restored_enough() }
    od
}

#endif

#define is_planned(s) (plan[of(0, s)] == here || plan[of(TXS - 1, s)] == here)
#ifdef REBUILDS_OPEN
#define refused(s) (mark[s] != NOBODY)
#else
#ifdef OPEN_MARK
#define refused(s) false
#else
#define refused(s) (mark[s] != NOBODY || (lost[s] && is_planned(s)))
#endif
#endif

/* The stores: time, what was adrift, other people's changes, and what is removed. */
proctype store() provided (!done) {
    byte i;
end:
    do
#ifndef ALIVE
#define passes(t) :: d_step { begun[t] == running -> begun[t] = over }
#define lands(t, s) \
    :: d_step { adrift[of(t, s)] -> \
        if \
        :: prepares(t, s) -> store_prepares(t, s) \
        :: else \
        fi; \
        adrift[of(t, s)] = false }
    passes(0)
    lands(0, 0)
    lands(0, 1)
#if TXS == 2
    passes(1)
    lands(1, 0)
    lands(1, 1)
#endif
#define is_changed(s) \
    :: d_step { !refused(s) -> changes(s); rewrites(NOBODY, s); lost[s] = false; absent[s] = false; placed[s] = false }
    is_changed(0)
    is_changed(1)
#endif
#ifdef CLEANS_EARLY
#define is_settled(t) true
#else
#define is_settled(t) (settled[of(t, 0)] && settled[of(t, 1)])
#endif
#ifdef CLEANS_APART
#define removes(t) \
    :: d_step { !away && decision[t] != none && is_settled(t) -> decision[t] = none } \
    :: d_step { !away && decision[t] == none && is_settled(t) -> store_cleans(t) }
#else
#define removes(t) :: d_step { !away && decision[t] != none && is_settled(t) -> store_cleans(t) }
#endif
    removes(0)
#if TXS == 2
    removes(1)
#endif
#ifdef VANISH
    :: d_step { begun[0] != none && at[0] != opening -> vanished = true; store_cleans(0) }
#endif
#ifdef DAMAGE
    :: d_step { mark[1] != NOBODY && !damaged -> damaged = true; mark[1] = NOBODY; lost[1] = true; changes(1) }
#endif
#if defined(FORCE) || defined(PRESUMES)
    :: d_step { away = !away }
#endif
#ifdef QUIET_FORCE
#define records(t) false
#else
#define records(t) true
#endif
#ifdef FORCE
    :: d_step { away && mark[0] == 0 -> forced[0] = records(0); store_finishes(0, 0, committed) }
    :: d_step { away && mark[0] == 0 -> forced[0] = records(0); store_finishes(0, 0, aborted) }
#endif
    od
}

/* From here on there is one settler, and nobody else; every commit that was under way has landed, or never will. */
inline settles(t, s) {
    if
#ifndef FORGETS_MARK
    :: plan[of(t, s)] == here && mark[s] == NOBODY -> mark[s] = t; lost[s] = false
#endif
    :: else
    fi;
    if
    :: decision[t] != none && plan[of(t, s)] == here && mark[s] == t -> store_finishes(t, s, decision[t])
    :: decision[t] == aborted && plan[of(t, s)] == none -> store_closes(t, s)
    :: else
    fi
}

inline decides(t) {
    if
    :: begun[t] != none && decision[t] == none -> store_aborts(t)
    :: else
    fi
}

inline is_ended(t) {
    assert(vanished || mark[0] == NOBODY && mark[1] == NOBODY &&
        plan[of(t, 0)] != here && plan[of(t, 1)] != here);                    /* MARK_STAYS */
    assert(vanished || forced[t] || fate[of(t, 0)] == fate[of(t, 1)]);                    /* SPLIT */
}

proctype last() {
    byte i;
#ifdef ALIVE
    timeout -> assert(at[0] != preparing && at[TXS - 1] != preparing);        /* STUCK */
#else
    d_step {
        true ->
        away = false;
        decides(0);
        settles(0, 0);
        settles(0, 1);
#if TXS == 2
        decides(1);
        settles(1, 0);
        settles(1, 1);
#endif
        is_ended(0);
#if TXS == 2
        is_ended(1);
#endif
        done = true }
#endif
}
