// SPDX-License-Identifier: MIT
//
// movers.pml - who moves and evicts.

#if defined(MARK_CACHED)
#define MOVABLE(w) (STATE(w) == RESIDENT || (STATE(w) == CACHED && PLACE(w) != NOWHERE))
#else
#define MOVABLE(w) (STATE(w) == RESIDENT)
#endif

// A batch marks block b, for a place of its own, or to put it on swap.
inline mark(b)
{
    w = word[b];
    if
    :: MOVABLE(w) ->
        atomic {
            to[b] = NOWHERE;
            if
            :: !evicts -> place_take(to[b])
            :: else
            fi
        }
        if
        :: evicts || to[b] != NOWHERE ->
            atomic {
                if
                :: word[b] == w -> // [model:mark]
                    moving[b] = MARKED(w, m);
                    word[b] = moving[b];
                    chosen[b] = true;
                    printf("mover %d: marks block %d at place %d\n", m, b, PLACE(w))
                :: else ->
                    printf("mover %d: finds block %d changed\n", m, b)
                fi;
                if
                :: !chosen[b] && to[b] != NOWHERE -> place_give(to[b])
                :: else
                fi
            }
        :: else
        fi
#if SWAP
    // A segment's mark is its reference bit, too: it stays for a later batch ..
    :: STATE(w) == RESIDENT && evicts ->
        d_step {
            if
            :: word[b] == w ->
                word[b] = MARKED(w, m);
                printf("mover %d: takes block %d's reference bit\n", m, b)
            :: else
            fi
        }
    // .. which takes what is still marked.
    :: STATE(w) == MOVING && evicts ->
        d_step {
            to[b] = NOWHERE;
            moving[b] = w;
            chosen[b] = true;
            printf("mover %d: takes block %d, marked before\n", m, b)
        }
    // A block in a magazine has nothing to lose but its place.
    :: STATE(w) == CACHED && PLACE(w) != NOWHERE && evicts ->
        atomic {
            if
            :: word[b] == w ->
                word[b] = WORD(CACHED, NOWHERE, GENERATION(w), 0);
                printf("mover %d: drops block %d at place %d\n", m, b, PLACE(w));
                place_give(PLACE(w))
            :: else
            fi
        }
#endif
    :: else
    fi
}

inline copy(b)
{
    assert(place[PLACE(moving[b])] != UNMAPPED);
    if
    :: !evicts ->
        bytes[to[b]] = bytes[PLACE(moving[b])];
        printf("mover %d: copies block %d to place %d\n", m, b, to[b])
#if defined(DIRTY_EARLY)
    :: evicts && stale[b] ->
#else
    :: evicts && dirty[b] -> // [model:dirty]
#endif
        slot[b] = bytes[PLACE(moving[b])];
        printf("mover %d: writes block %d to swap\n", m, b)
    :: else
    fi;
#if defined(REUSE_EARLY)
    place_give(PLACE(moving[b]))
#endif
}

inline publish(b)
{
    atomic { // with the policy's lock, on which all that is done with places waits
        won = (word[b] == moving[b]); // [model:publish]
#if defined(STORE_PUBLISH)
        won = true;
#endif
        if
        :: won && evicts ->
            word[b] = WORD(SWAPPED, NOWHERE, GENERATION(moving[b]), 0);
            printf("mover %d: publishes that block %d is on swap\n", m, b)
        :: won && !evicts ->
            word[b] = WORD(RESIDENT, to[b], GENERATION(moving[b]), 0);
            printf("mover %d: publishes block %d at place %d\n", m, b, to[b])
        :: else -> printf("mover %d: block %d was used or has ended, it stays\n", m, b)
        fi;
        if
#if !defined(REUSE_EARLY)
        :: won -> place_give(PLACE(moving[b])) // [model:place]
#endif
        :: !won && to[b] != NOWHERE -> place_give(to[b])
        :: else
        fi;
        chosen[b] = false;
        to[b] = 0;
        moving[b] = 0
    }
}

proctype mover(byte m)
{
    byte batches;
    short w, moving[BLOCKS];
    byte to[BLOCKS];
    bool chosen[BLOCKS], evicts, won;
#if defined(DIRTY_EARLY)
    bool stale[BLOCKS];
#endif
    do
    :: batches < BATCHES ->
        atomic {
            mover_lock();
            batches++;
            if
            :: evicts = false
#if SWAP
            :: evicts = true
#endif
            fi;
            pinned++ // with the policy's lock, as the marks
        }
#if defined(JOIN_GRACE)
        grace_begin(m);
#endif
        if
        :: mark(0)
        :: true
        fi;
#if BLOCKS > 1
        if
        :: mark(1)
        :: true
        fi;
#endif
#if !defined(JOIN_GRACE) && !defined(NO_GRACE)
        grace_begin(m);
#endif
#if defined(DIRTY_EARLY)
        d_step {
            stale[0] = dirty[0];
#if BLOCKS > 1
            stale[1] = dirty[1]
#endif
        }
#endif
        grace_end(m); // [model:grace]
        if
        :: chosen[0] -> copy(0)
        :: else
        fi;
#if BLOCKS > 1
        if
        :: chosen[1] -> copy(1)
        :: else
        fi;
#endif
        if
        :: chosen[0] -> publish(0)
        :: else
        fi;
#if BLOCKS > 1
        if
        :: chosen[1] -> publish(1)
        :: else
        fi;
#endif
        atomic {
            pinned--;
            w = 0;
            won = false;
            evicts = false;
            mover_unlock()
        }
    :: else -> break
    od
}
