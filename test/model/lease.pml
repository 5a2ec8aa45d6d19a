/*
 * The protocol of src/election, for the model checker Spin. README.md says what is left out and why; run.ts runs it.
 *
 * One Lease, N replicas, a clock each. Nothing has to happen: a replica that is paused, cut off or slow is one whose steps do
 * not come while time passes. Neither time nor the number of writes is bounded: all timers count down to 0 and stay there, and
 * of versions only order and equality matter, so that those nobody refers to any more are forgotten.
 *
 * Names in capitals that are tested with #if are set by run.ts: faults of a world, or a hazard that is put back.
 */

#ifndef N
#define N 2
#endif
/* Those that stand in expressions. */
#ifndef HAZARD_CLAIM_BEGINS_LATE
#define HAZARD_CLAIM_BEGINS_LATE 0
#endif
#ifndef HAZARD_DEADLINE_FROM_ACK
#define HAZARD_DEADLINE_FROM_ACK 0
#endif
#ifndef HAZARD_RELEASE_FIRST
#define HAZARD_RELEASE_FIRST 0
#endif
#ifndef HAZARD_REMOTE_CLOCK
#define HAZARD_REMOTE_CLOCK 0
#endif
#ifndef HAZARD_TERMS_OVERLAP
#define HAZARD_TERMS_OVERLAP 0
#endif
#ifndef LIMIT_DELETIONS
#define LIMIT_DELETIONS 0
#endif

/* Time: in one unit of true time every clock moves on by SLOW or FAST ticks, at random, each unit anew. The margin allows just
 * that much: FAST / SLOW = LEASE_DURATION / RENEW_DEADLINE (src/election/timing.ts). SHIPPED: in the proportion of 15 s to 10 s. */
#if SHIPPED
#define SLOW 2
#define FAST 3
#define RENEW_DEADLINE 4
#define LEASE_DURATION 6
#else
#define SLOW 1
#define FAST 2
#define LEASE_DURATION 4
#if LIMIT_CLOCKS
#define RENEW_DEADLINE 3
#else
#define RENEW_DEADLINE 2
#endif
#endif

/* MIXED: replica 0 is configured with timings half as long again, and so are its records. */
#if MIXED
#define DEADLINE_OF(p) ((p) == 0 -> RENEW_DEADLINE + RENEW_DEADLINE / 2 : RENEW_DEADLINE)
#define DURATION_OF(p) ((p) == 0 -> LEASE_DURATION + LEASE_DURATION / 2 : LEASE_DURATION)
#define STOOD_MAX ((LEASE_DURATION + LEASE_DURATION / 2) / FAST)
#else
#define DEADLINE_OF(p) RENEW_DEADLINE
#define DURATION_OF(p) LEASE_DURATION
#define STOOD_MAX (LEASE_DURATION / FAST)
#endif

/* Identities (src/election/identity.ts): the pod and which start of it. A third start uses the first one's name again, but only
 * when nothing in the store or on the wire bears it any more: the real suffix never repeats. */
#define NOBODY 0
#define STRANGER (2 * N + 1)
#if HAZARD_ONE_IDENTITY
#define IDENTITY(p, start) 1
#else
#define IDENTITY(p, start) (1 + (p) + N * (start))
#endif
#define POD_OF(h) ((h) == STRANGER -> N : ((h) + N - 1) % N)
#define MINE(p, h) ((h) == IDENTITY(p, r[p].start))

/* isUncontested and isOurs of src/election/sighting.ts, with isPredecessor of identity.ts. */
#if HAZARD_ANY_PREDECESSOR
#define UNCONTESTED(p, h) ((h) != STRANGER)
#else
#define UNCONTESTED(p, h) ((h) == NOBODY || MINE(p, h) || ((h) != NOBODY && POD_OF(h) == (p)))
#endif

/* recordDurationMs of src/election/sighting.ts. */
#if HAZARD_OWN_DURATION
#define RECORD_DURATION(p, h) DURATION_OF(p)
#else
#define RECORD_DURATION(p, h) DURATION_OF(POD_OF(h))
#endif

/* ---- the store: src/lease-server, or a kube-apiserver ------------------------------------------------------------------- */

#define VERSIONS 16
byte holder[VERSIONS]; /* whom each version names; version 0 is no version */
byte top;              /* the newest version given out */
byte current;          /* the version stored; 0: there is no Lease */
byte gone;             /* while there is none: its last version, or 0 when there never was one */
bit lags;              /* whether a lagging watch or a stale read may show something else: */
byte before;           /* what `current` and */
byte goneBefore;       /* `gone` were before the last write */

/* ---- the replicas ------------------------------------------------------------------------------------------------------- */

#define DOWN 0      /* no process */
#define STANDBY 1   /* campaigns */
#define LEADING 2   /* has a tenure */
#define HANDING 3   /* has a tenure, and its work is being stopped in order (beginHandOver of src/election/tenure.ts) */
#define CUTTING 4   /* lost its tenure; what work still runs is being cut (lose of src/election/tenure.ts) */
#define RELEASING 5 /* its work has ended, and the Lease is to be freed (release of src/election/act.ts) */
#define LEADS(p) (r[p].phase == LEADING || r[p].phase == HANDING)

/* Who acts: a replica within its deadline. ANSWERS: its application, which trusts each `isLeader: true` for as long as it was
 * told to (`validForMs`), whatever happens to the replica after that; no hand-over vouches for it (`immediate`). */
#if ANSWERS
#define ACTS(p) (r[p].trusted > 0)
#define LAPSED(p) (r[p].owed == 0)
#else
#define ACTS(p) (LEADS(p) && r[p].left > 0)
#define LAPSED(p) true
#endif
/* freeAtMonoMs of src/election/act.ts. */
#if HAZARD_UNNEEDED_AT_ONCE
#define UNNEEDED_LAPSED(p) true
#else
#define UNNEEDED_LAPSED(p) LAPSED(p)
#endif

#define UNKNOWN 0
#define PRESENT 1
#define MISSING 2

#define NONE 0
#define CLAIM 1
#define RENEWAL 2
#define RELEASE 3

typedef Replica {
  byte phase;
  bit start;
  byte left;       /* of the deadline: own ticks for which it may still act */
  /* the sighting (src/election/state.ts) */
  byte known;
  byte seen;       /* the version shown last, while PRESENT */
  byte wait;       /* own ticks until it may claim (claimableAtMonoMs of src/election/sighting.ts) */
  /* the one request under way */
  byte kind;
  byte base;       /* the version it replaces; 0: it creates */
  byte got;        /* the version it made; 0: the store has not taken it */
  byte credit;     /* what is left of the deadline that it gives, counted from its sending */
  /* one that is no longer waited for: it may be taken yet, or have been */
  byte late;
  byte lateBy;     /* the identity that it writes */
  byte lateBase;
  byte lateGot;
  byte lateCredit; /* of a renewal that its sender remembers as unconfirmed; else 0 */
#if ANSWERS
  byte trusted;    /* own ticks until the last answer that was given lapses */
  byte owed;       /* the same as this process knows (trustedUntilMonoMs of src/leadership/leadership.ts) */
#endif
};
Replica r[N];

/* ---- what the properties need, and no replica knows --------------------------------------------------------------------- */

byte stood;  /* units of true time for which the record has stood still, up to STOOD_MAX */
byte token;  /* the highest fencing token under which a term began, while an older one is under way */

#define ONE_ACTS 1       /* at most one replica acts at any true time */
#define OWN_RELEASE 2    /* a release alters nobody else's record */
#define WORK_FIRST 3     /* a release is sent after the work has ended */
#define TOKENS_GROW 4    /* every term begins under a higher token than the one before */
#define STOOD_STILL 5    /* a Lease is taken from another only after its record stood still for its whole duration */
#define SHOWN_STOPS 6    /* a replica that was shown another's record does not lead */
#define TERM_BY_TERM 7   /* a term begins only after the work of the one before has ended */

/* A hazard is held against the property that it is known to break, a sound model against all of them. */
#ifndef ONLY
#define ONLY 0
#endif
#define MUST(property, condition) \
  if \
  :: (ONLY == 0 || ONLY == property) && !(condition) -> printf("BROKEN %d\n", property); assert(false) \
  :: else \
  fi

/* Something that must be possible, or the model shows nothing. */
#ifndef WITNESS
#define WITNESS 0
#endif
#define HAPPENS(n) \
  if \
  :: WITNESS == n -> printf("HAPPENS %d\n", n); assert(false) \
  :: else \
  fi
#define EXPIRY_TAKEN 1     /* a Lease is taken after it expired */
#define RELEASE_TAKEN 2    /* a freed one is taken at once */
#define OWN_CLAIMED 3      /* a claim whose answer was lost is made again over the own record */
#define CREATED_AGAIN 4    /* a deleted Lease is created after its holder's time */
#define CONFIRMED 5        /* a renewal of unknown outcome is found to have been stored, and counts */
#define LATE_STORED 6      /* a request is stored after its sender gave it up */
#define SUCCEEDED 7        /* a restarted pod takes its predecessor's Lease */
#define STRANGER_STOPS 8   /* a leader stops because somebody else's name was written */
#define OUTDATED_CLAIMED 9 /* a standby is shown an outdated version, waits, and its claim of it is refused */
#define ACK_TOO_LATE 10    /* a claim is acknowledged after its deadline */

/* Scratch, always 0 between steps. */
byte q;
byte v;
byte k;
byte count;

/* Whether a write takes effect whatever is stored: it never does, unless a hazard is put back. */
#if HAZARD_FRESH_RELEASE
#define LOOSE(what) ((what) == RELEASE)
#else
#if HAZARD_NO_CAS
#define LOOSE(what) ((what) == CLAIM)
#else
#define LOOSE(what) false
#endif
#endif

/* ---- after each step ---------------------------------------------------------------------------------------------------- */

#define REFERS(p, v) (r[p].seen == v || r[p].base == v || r[p].got == v || r[p].lateBase == v || r[p].lateGot == v)
#if N == 2
#define REFERRED(v) (REFERS(0, v) || REFERS(1, v))
#else
#define REFERRED(v) (REFERS(0, v) || REFERS(1, v) || REFERS(2, v))
#endif
#define SHIFT(x) x = x - (x > v -> 1 : 0)

/* Versions that nobody refers to are forgotten and the others move up: only order and equality matter. */
inline forget() {
  v = 1;
  do
  :: v > top -> break
  :: v <= top && (current == v || gone == v || before == v || goneBefore == v || token == v || REFERRED(v)) -> v++
  :: else ->
    for (k : v .. top - 1) { holder[k] = holder[k + 1] }
    holder[top] = 0;
    top--;
    SHIFT(current); SHIFT(gone); SHIFT(before); SHIFT(goneBefore); SHIFT(token);
    for (k : 0 .. N - 1) {
      SHIFT(r[k].seen); SHIFT(r[k].base); SHIFT(r[k].got); SHIFT(r[k].lateBase); SHIFT(r[k].lateGot)
    }
  od
}

#if ALIKE
/* Replicas that are configured alike can change places: states that differ in nothing but their numbers are explored once. */
#define RANK(p) (((((((((r[p].phase * 2 + r[p].start) * 5 + r[p].left) * 3 + r[p].known) * 16 + r[p].seen) * 7 + r[p].wait) * 4 + \
  r[p].kind) * 16 + r[p].base) * 16 + r[p].got) * 5 + r[p].credit)
#define RANK_LATE(p) ((((r[p].late * 16 + r[p].lateBase) * 16 + r[p].lateGot) * 5 + r[p].lateCredit) * 2 + \
  (holder[current] != NOBODY && POD_OF(holder[current]) == p -> 1 : 0))
#define SWAP(x, y) k = x; x = y; y = k
#define RENAME(h, a, b) h = (h == NOBODY || h == STRANGER -> h : (POD_OF(h) == a -> h + b - a : (POD_OF(h) == b -> h + a - b : h)))

inline order(a, b) {
  if
  :: RANK(a) < RANK(b) || (RANK(a) == RANK(b) && RANK_LATE(a) < RANK_LATE(b)) ->
    SWAP(r[a].phase, r[b].phase); SWAP(r[a].start, r[b].start); SWAP(r[a].left, r[b].left);
    SWAP(r[a].known, r[b].known); SWAP(r[a].seen, r[b].seen); SWAP(r[a].wait, r[b].wait);
    SWAP(r[a].kind, r[b].kind); SWAP(r[a].base, r[b].base); SWAP(r[a].got, r[b].got); SWAP(r[a].credit, r[b].credit);
    SWAP(r[a].late, r[b].late); SWAP(r[a].lateBy, r[b].lateBy); SWAP(r[a].lateBase, r[b].lateBase);
    SWAP(r[a].lateGot, r[b].lateGot); SWAP(r[a].lateCredit, r[b].lateCredit);
#if ANSWERS
    SWAP(r[a].trusted, r[b].trusted); SWAP(r[a].owed, r[b].owed);
#endif
    RENAME(r[a].lateBy, a, b); RENAME(r[b].lateBy, a, b);
    for (v : 1 .. top) { RENAME(holder[v], a, b) }
  :: else
  fi
}
#endif

/* A request on a version that was replaced since can't succeed any more: its conflict is answered at once, and says nothing but
 * that there is something to look at. */
#define HOPELESS(b) ((b) != 0 && (b) != current)

inline dropLate(p) {
  r[p].late = NONE; r[p].lateBy = 0; r[p].lateBase = 0; r[p].lateGot = 0; r[p].lateCredit = 0
}

inline dropRequest(p) {
  r[p].kind = NONE; r[p].base = 0; r[p].got = 0; r[p].credit = 0
}

inline settle() {
  count = 0;
  for (q : 0 .. N - 1) {
#if ANSWERS
    if
    :: LEADS(q) ->
      r[q].trusted = (r[q].left > r[q].trusted -> r[q].left : r[q].trusted);
      r[q].owed = (r[q].left > r[q].owed -> r[q].left : r[q].owed)
    :: else
    fi;
#endif
    if
    :: r[q].kind != NONE && r[q].got == 0 && !LOOSE(r[q].kind) && HOPELESS(r[q].base) -> dropRequest(q)
    :: else
    fi;
    if
    :: r[q].late != NONE && r[q].lateGot == 0 && !LOOSE(r[q].late) && HOPELESS(r[q].lateBase) -> dropLate(q)
    :: r[q].lateGot != 0 && r[q].lateCredit == 0 -> dropLate(q)
    :: else
    fi;
    if
    :: ACTS(q) -> count++
    :: else
    fi;
    MUST(SHOWN_STOPS, !LEADS(q) || MINE(q, holder[r[q].seen]))
  }
  MUST(ONE_ACTS, count <= 1);
  /* Only a claim that is still to be acknowledged could begin a term under an older token. */
  count = 0;
  for (q : 0 .. N - 1) {
    count = count + (r[q].kind == CLAIM && r[q].got != 0 && r[q].got < token -> 1 : 0)
  }
  token = (count == 0 -> 0 : token);
  forget();
#if ALIKE
  order(0, 1);
#if N > 2
  order(1, 2);
  order(0, 1);
#endif
#endif
  assert(top < VERSIONS - 1);
  q = 0; v = 0; k = 0; count = 0
}

/* ---- the store's part --------------------------------------------------------------------------------------------------- */

#define TAKES(what, b) ((b) == current || (LOOSE(what) && current != 0))

/* What is stored now may be shown for as long as nothing else is written. */
inline outdate() {
#if STALE
  lags = 1; before = current; goneBefore = gone
#else
  skip
#endif
}

inline store(h) {
  outdate();
  top++;
  holder[top] = h;
  current = top; gone = 0; stood = 0
}

/* A claim or a release by replica p takes effect: whose record does it replace? */
inline judge(p, what) {
  k = (current != 0 -> holder[current] : holder[gone]);
  if
  :: what == CLAIM ->
    MUST(STOOD_STILL, k == NOBODY || POD_OF(k) == p || stood * FAST >= DURATION_OF(POD_OF(k)))
    if
    :: current != 0 && k != NOBODY && POD_OF(k) != p -> HAPPENS(EXPIRY_TAKEN)
    :: current != 0 && k == NOBODY -> HAPPENS(RELEASE_TAKEN)
    :: current != 0 && MINE(p, k) -> HAPPENS(OWN_CLAIMED)
    :: current != 0 && k != NOBODY && POD_OF(k) == p && !MINE(p, k) -> HAPPENS(SUCCEEDED)
    :: current == 0 && gone != 0 && k != NOBODY && POD_OF(k) != p -> HAPPENS(CREATED_AGAIN)
    :: else
    fi
  :: what == RELEASE ->
    MUST(OWN_RELEASE, current == 0 || POD_OF(holder[current]) == p)
  :: else
  fi
}

/* ---- what a replica is shown (src/election/observe.ts) ------------------------------------------------------------------ */

/* lose of src/election/tenure.ts */
inline lose(p) {
  if
  :: LEADS(p) -> r[p].phase = CUTTING; r[p].left = 0
  :: else
  fi
}

/* A replica that is no leader is shown a version: the timer starts, or runs on (sight of src/election/sighting.ts). */
inline sight(p, shown) {
  if
  :: r[p].known == PRESENT && r[p].seen == shown
  :: else ->
    if
    :: UNCONTESTED(p, holder[shown]) -> r[p].wait = 0
#if HAZARD_TIMER_RUNS_ON
    :: !UNCONTESTED(p, holder[shown]) && r[p].known == PRESENT && holder[r[p].seen] == holder[shown]
#endif
#if HAZARD_REMOTE_CLOCK || HAZARD_FIRST_SIGHT
    :: !UNCONTESTED(p, holder[shown]) && (HAZARD_REMOTE_CLOCK || r[p].known == UNKNOWN) -> r[p].wait = 0
#endif
    :: else -> r[p].wait = RECORD_DURATION(p, holder[shown])
    fi;
    r[p].known = PRESENT;
    r[p].seen = shown
  fi
}

/* observe, and for a leader checkTenure of src/election/tenure.ts: anything but its own doing ends its tenure. */
inline display(p, shown) {
  if
  :: LEADS(p) ->
    if
    :: r[p].seen >= shown /* outdated, or nothing new */
#if HAZARD_DEAF
    :: r[p].seen < shown && !MINE(p, holder[shown]) -> r[p].seen = shown
#endif
    :: r[p].seen < shown && r[p].kind == RENEWAL && r[p].got == shown -> r[p].seen = shown
    :: r[p].seen < shown && r[p].lateCredit > 0 && r[p].lateGot == shown ->
      HAPPENS(CONFIRMED);
      r[p].seen = shown;
      r[p].left = r[p].lateCredit;
      dropLate(p)
    :: else ->
      if
      :: holder[shown] == STRANGER -> HAPPENS(STRANGER_STOPS)
      :: else
      fi;
      lose(p);
      sight(p, shown)
    fi
  :: else -> sight(p, shown)
  fi
}

/* onAbsent, sightAbsence: the last state is not known, so a whole duration is waited. */
inline showMissing(p) {
  lose(p);
  if
  :: r[p].known == MISSING /* the wait goes on */
  :: else ->
#if HAZARD_CREATE_AT_ONCE
    r[p].wait = 0;
#else
    r[p].wait = DURATION_OF(p);
    if
    :: r[p].known == PRESENT && holder[r[p].seen] != NOBODY && RECORD_DURATION(p, holder[r[p].seen]) > r[p].wait ->
      r[p].wait = RECORD_DURATION(p, holder[r[p].seen])
    :: else
    fi;
#endif
    r[p].known = MISSING;
    r[p].seen = 0
  fi
}

/* onDeleted, sightDeletion: the watch shows the last state, and what is left of its holder's time is waited. */
inline showDeleted(p, last) {
  if
  :: r[p].known == PRESENT && r[p].seen > last /* outdated */
  :: else ->
    lose(p);
    sight(p, last);
#if HAZARD_CREATE_AT_ONCE
    r[p].wait = 0;
#endif
    r[p].known = MISSING;
    r[p].seen = 0
  fi
}

/* ---- a replica ---------------------------------------------------------------------------------------------------------- */

inline send(p, what, on, worth) {
  r[p].kind = what; r[p].base = on; r[p].got = 0; r[p].credit = worth
}

/* begin of src/election/tenure.ts */
inline begin(p) {
  MUST(TERM_BY_TERM, r[p].phase == STANDBY);
  MUST(TOKENS_GROW, r[p].got > token);
  token = r[p].got;
  r[p].phase = LEADING;
#if HAZARD_DEADLINE_FROM_ACK
  r[p].left = DEADLINE_OF(p)
#else
  r[p].left = r[p].credit
#endif
}

#define MAY_CLAIM(p) (r[p].phase == STANDBY || (HAZARD_TERMS_OVERLAP && r[p].phase == CUTTING))
#define MAY_RELEASE(p) (r[p].phase == RELEASING || (HAZARD_RELEASE_FIRST && (LEADS(p) || r[p].phase == CUTTING)))

#define me _pid

active [N] proctype replica() {
  do
  /* A watch, a listing or a read shows what is stored, */
  :: d_step {
      r[me].phase != DOWN && current != 0 && (r[me].known != PRESENT || r[me].seen != current) ->
      printf("  replica %d is shown the Lease\n", me);
      display(me, current);
      settle()
    }
  :: d_step {
      r[me].phase != DOWN && current == 0 && r[me].known != MISSING ->
      printf("  replica %d finds no Lease\n", me);
      showMissing(me);
      settle()
    }
  :: d_step {
      r[me].phase != DOWN && current == 0 && gone != 0 ->
      printf("  replica %d is told by the watch that the Lease was deleted\n", me);
      showDeleted(me, gone);
      settle()
    }
#if STALE
  /* or, being late, what was stored before. */
  :: d_step {
      r[me].phase != DOWN && lags && before != 0 && (r[me].known != PRESENT || r[me].seen != before) ->
      printf("  replica %d is shown an outdated version\n", me);
      display(me, before);
      settle()
    }
  :: d_step {
      r[me].phase != DOWN && lags && before == 0 && r[me].known != MISSING ->
      printf("  replica %d is shown an outdated absence\n", me);
      showMissing(me);
      settle()
    }
  :: d_step {
      r[me].phase != DOWN && lags && before == 0 && goneBefore != 0 ->
      printf("  replica %d is told late that the Lease was deleted\n", me);
      showDeleted(me, goneBefore);
      settle()
    }
#endif

  /* act of src/election/act.ts: one request at a time. */
  :: d_step {
      MAY_CLAIM(me) && r[me].kind == NONE && r[me].known != UNKNOWN && r[me].wait == 0 ->
      printf("  replica %d claims\n", me);
      if
      :: r[me].known == PRESENT && r[me].seen != current && !UNCONTESTED(me, holder[r[me].seen]) -> HAPPENS(OUTDATED_CLAIMED)
      :: else
      fi;
      send(me, CLAIM, r[me].seen, DEADLINE_OF(me));
      settle()
    }
  :: d_step {
      LEADS(me) && r[me].kind == NONE ->
      printf("  replica %d renews\n", me);
      send(me, RENEWAL, r[me].seen, DEADLINE_OF(me));
      settle()
    }
  :: d_step {
      MAY_RELEASE(me) && r[me].kind == NONE && r[me].known == PRESENT && MINE(me, holder[r[me].seen]) ->
      printf("  replica %d releases\n", me);
      MUST(WORK_FIRST, r[me].phase == RELEASING);
      send(me, RELEASE, r[me].seen, 0);
      settle()
    }

  /* The store takes a request, or one comes to nothing and its sender is told so (src/election/replies.ts). */
  :: d_step {
      r[me].kind != NONE && r[me].got == 0 && TAKES(r[me].kind, r[me].base) ->
      printf("  replica %d has its request stored\n", me);
      judge(me, r[me].kind);
      store((r[me].kind == RELEASE -> NOBODY : IDENTITY(me, r[me].start)));
      r[me].got = current; r[me].base = 0;
      settle()
    }
  :: d_step {
      r[me].kind != NONE && r[me].got == 0 ->
      printf("  replica %d has its request refused\n", me);
      if
      :: r[me].kind == CLAIM && r[me].base == 0 && current != 0 -> r[me].known = UNKNOWN; r[me].wait = 0
      :: else
      fi;
      dropRequest(me);
      settle()
    }
  :: d_step {
      r[me].got != 0 ->
      printf("  replica %d gets its acknowledgement\n", me);
      if
      :: r[me].kind == CLAIM && r[me].seen <= r[me].got ->
        r[me].known = PRESENT; r[me].seen = r[me].got; r[me].wait = 0;
        if
        :: MAY_CLAIM(me) && (r[me].credit > 0 || HAZARD_DEADLINE_FROM_ACK || HAZARD_CLAIM_BEGINS_LATE) -> begin(me)
        :: else -> HAPPENS(ACK_TOO_LATE)
        fi
      :: r[me].kind == RENEWAL ->
        if
        :: LEADS(me) ->
          r[me].seen = (r[me].seen < r[me].got -> r[me].got : r[me].seen);
#if HAZARD_DEADLINE_FROM_ACK
          r[me].left = DEADLINE_OF(me)
#else
          r[me].left = r[me].credit
#endif
        :: !LEADS(me) && r[me].known == PRESENT && r[me].seen < r[me].got -> sight(me, r[me].got)
        :: else
        fi
      :: r[me].kind == RELEASE && r[me].seen <= r[me].got ->
        r[me].known = PRESENT; r[me].seen = r[me].got; r[me].wait = 0;
        r[me].phase = (r[me].phase == RELEASING -> STANDBY : r[me].phase)
      :: else
      fi;
      dropRequest(me);
      settle()
    }
  /* No answer: what became of it is not known. */
  :: d_step {
      r[me].kind != NONE ->
      printf("  replica %d gives up waiting for an answer\n", me);
      if
      :: r[me].kind == RELEASE -> r[me].known = UNKNOWN; r[me].seen = 0; r[me].wait = 0
      :: else
      fi;
#if HAZARD_SILENCE_IS_SUCCESS
      if
      :: r[me].kind == RENEWAL && LEADS(me) -> r[me].left = r[me].credit
      :: else
      fi;
#endif
#if LATE
      r[me].late = r[me].kind;
      r[me].lateBy = (r[me].kind == RELEASE -> NOBODY : IDENTITY(me, r[me].start));
      r[me].lateBase = r[me].base;
      r[me].lateGot = r[me].got;
      r[me].lateCredit = (r[me].kind == RENEWAL && LEADS(me) -> r[me].credit : 0);
#endif
      dropRequest(me);
      settle()
    }
#if LATE
  :: d_step {
      r[me].late != NONE && r[me].lateGot == 0 && TAKES(r[me].late, r[me].lateBase) ->
      printf("  replica %d has a request stored that it gave up\n", me);
      HAPPENS(LATE_STORED);
      judge(me, r[me].late);
      store(r[me].lateBy);
      r[me].lateGot = current; r[me].lateBase = 0;
      settle()
    }
#endif

  /* src/election/tenure.ts: beginHandOver, onWorkStopped; act.ts: endRelease, holdsUnneeded. */
  :: d_step {
      r[me].phase == LEADING ->
      printf("  replica %d begins to hand over\n", me);
      r[me].phase = HANDING;
      settle()
    }
  :: d_step {
      r[me].phase == HANDING && LAPSED(me) ->
      printf("  replica %d has stopped its work\n", me);
      r[me].phase = RELEASING; r[me].left = 0;
      settle()
    }
  :: d_step {
      r[me].phase == CUTTING ->
      printf("  replica %d has cut its work\n", me);
      r[me].phase = STANDBY;
      settle()
    }
  :: d_step {
      r[me].phase == STANDBY && r[me].kind == NONE && r[me].known == PRESENT && MINE(me, holder[r[me].seen]) && UNNEEDED_LAPSED(me) ->
      printf("  replica %d does not need the Lease that it holds\n", me);
      r[me].phase = RELEASING;
      settle()
    }
  :: d_step {
      r[me].phase == RELEASING && r[me].kind != RELEASE ->
      printf("  replica %d ends its release\n", me);
      r[me].phase = STANDBY;
      settle()
    }

#if RESTARTS
  /* The process ends; what it sent is still on its way. The kubelet starts it again, never beside the old one. */
  :: d_step {
      r[me].phase != DOWN ->
      printf("  replica %d is killed\n", me);
      if
      :: r[me].kind != NONE && r[me].got == 0 ->
        r[me].late = r[me].kind;
        r[me].lateBy = (r[me].kind == RELEASE -> NOBODY : IDENTITY(me, r[me].start));
        r[me].lateBase = r[me].base;
        r[me].lateGot = 0
      :: else
      fi;
      r[me].lateCredit = 0;
      dropRequest(me);
#if ANSWERS
      r[me].owed = 0;
#endif
      r[me].phase = DOWN; r[me].left = 0; r[me].known = UNKNOWN; r[me].seen = 0; r[me].wait = 0;
      settle()
    }
#define NAMED(h) (holder[1] == h || holder[2] == h || holder[3] == h || holder[4] == h || holder[5] == h || \
  holder[6] == h || holder[7] == h || holder[8] == h || holder[9] == h || holder[10] == h || holder[11] == h || \
  holder[12] == h || holder[13] == h || holder[14] == h)
  :: d_step {
      r[me].phase == DOWN && !NAMED(IDENTITY(me, 1 - r[me].start)) && !(r[me].late != NONE && r[me].lateBy == IDENTITY(me, 1 - r[me].start)) ->
      printf("  replica %d is started again\n", me);
      r[me].start = 1 - r[me].start;
#if ANSWERS && !HAZARD_FORGOTTEN_ANSWERS
      r[me].owed = DEADLINE_OF(me);
#endif
      r[me].phase = STANDBY;
      settle()
    }
#endif
  od
}

/* ---- the world ---------------------------------------------------------------------------------------------------------- */

#define SPEND(x, ticks) x = (x > ticks -> x - ticks : 0)

inline pass(p, ticks) {
  SPEND(r[p].wait, ticks);
  SPEND(r[p].credit, ticks);
  SPEND(r[p].lateCredit, ticks);
#if ANSWERS
  SPEND(r[p].trusted, ticks);
  SPEND(r[p].owed, ticks);
#endif
#if !HAZARD_NEVER_EXPIRES
  SPEND(r[p].left, ticks);
  /* expireTenure: the first thing in each step, and asked at each use, so that no step need be modelled. */
  if
  :: LEADS(p) && r[p].left == 0 -> r[p].phase = CUTTING
  :: else
  fi
#endif
}

#if N == 2
#define TICK(a, b, c) \
  :: d_step { true -> printf("one unit of time passes, on the clocks %d, %d\n", a, b); pass(0, a); pass(1, b); \
      stood = (stood < STOOD_MAX -> stood + 1 : stood); settle() }
#else
#define TICK(a, b, c) \
  :: d_step { true -> printf("one unit of time passes, on the clocks %d, %d, %d\n", a, b, c); \
      pass(0, a); pass(1, b); pass(2, c); stood = (stood < STOOD_MAX -> stood + 1 : stood); settle() }
#endif

#define COUNTS(p) (r[p].phase != DOWN && r[p].known == MISSING)
#define CREATES(p) ((r[p].kind == CLAIM && r[p].base == 0 && r[p].got == 0) || (r[p].late == CLAIM && r[p].lateBase == 0 && r[p].lateGot == 0))
#if N == 2
#define ABSENCE_IN_MIND (COUNTS(0) || COUNTS(1) || CREATES(0) || CREATES(1))
#else
#define ABSENCE_IN_MIND (COUNTS(0) || COUNTS(1) || COUNTS(2) || CREATES(0) || CREATES(1) || CREATES(2))
#endif

active proctype world() {
  d_step {
    stood = STOOD_MAX;
    for (q : 0 .. N - 1) { r[q].phase = STANDBY }
    q = 0
  }
  if
  :: d_step { true -> printf("at first there is a free Lease\n"); holder[1] = NOBODY; top = 1; current = 1 }
#if DELETIONS
  :: d_step { true -> printf("at first there is no Lease\n") }
#endif
  fi;
  do
  TICK(SLOW, SLOW, SLOW)
  TICK(SLOW, FAST, SLOW)
  TICK(FAST, SLOW, SLOW)
  TICK(FAST, FAST, SLOW)
#if N > 2
  TICK(SLOW, SLOW, FAST)
  TICK(SLOW, FAST, FAST)
  TICK(FAST, SLOW, FAST)
  TICK(FAST, FAST, FAST)
#endif
#if DELETIONS
  /* An assumption: not again before all replicas that run have seen that it is back, and no creation is on its way. */
  :: d_step {
      current != 0 && (LIMIT_DELETIONS || !ABSENCE_IN_MIND) ->
      printf("the Lease is deleted\n");
      outdate();
      gone = current; current = 0;
      settle()
    }
#endif
#if STRANGERS
  :: d_step {
      current != 0 ->
      printf("somebody else writes a stranger's name\n");
      store(STRANGER);
      settle()
    }
#endif
#if LIMIT_EMPTIED
  :: d_step {
      current != 0 ->
      printf("somebody else empties the holder\n");
      store(NOBODY);
      settle()
    }
#endif
#if LIMIT_RECREATED
  :: d_step {
      current == 0 ->
      printf("somebody else creates a free Lease\n");
      store(NOBODY);
      settle()
    }
#endif
  od
}
