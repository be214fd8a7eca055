// SPDX-License-Identifier: MIT
//
// owners.pml - release and reuse, of blocks and of regions.

#if defined(KEEP_GENERATION)
#define NEXT 0
#else
#define NEXT 1 // [model:generation]
#endif

// Ends block 0, under whatever word it is.
inline release()
{
    w = word[0];
    do
    :: ended = WORD(CACHED, PLACE(w), GENERATION(w) + NEXT, 0);
#if defined(STORE_RELEASE)
        word[0] = ended;
        break
#else
        d_step {
            won = (word[0] == w); // [model:release]
            if
            :: won ->
                word[0] = ended;
                printf("owner: releases block 0\n")
            :: else -> w = word[0]
            fi
        }
        if
        :: won -> break
        :: else
        fi
#endif
    od
}

// Its place goes to the policy, which finds another one; where it is full there is none.
inline elsewhere()
{
    atomic { // with the policy's lock
        w = word[0];
        word[0] = WORD(CACHED, NOWHERE, GENERATION(w), 0);
        if
        :: PLACE(w) != NOWHERE -> place_give(PLACE(w))
        :: else
        fi
    }
    atomic {
        place_take(p);
        word[0] = WORD(CACHED, p, GENERATION(w), 0)
    }
}

// The descriptor's next block. What its owner writes first is a part of it here.
inline begin()
{
    w = word[0];
    do
    :: assert(STATE(w) == CACHED);
        d_step {
#if defined(STORE_BEGIN)
            won = true;
#else
            won = (word[0] == w); // [model:begin]
#endif
            if
            :: won ->
                serial[0] = serial[0] + 1;
                truth[0] = 8 + serial[0];
                dirty[0] = true;
                if
                :: PLACE(w) == NOWHERE ->
                    word[0] = WORD(SWAPPED, NOWHERE, GENERATION(w), 0);
                    slot[0] = truth[0]
                :: else ->
                    assert(place[PLACE(w)] == TAKEN);
                    word[0] = WORD(RESIDENT, PLACE(w), GENERATION(w), 0);
                    bytes[PLACE(w)] = truth[0]
                fi;
                printf("owner: begins block 0 again\n")
            :: else -> w = word[0]
            fi
        }
        if
        :: won -> break
        :: else
        fi
    od
}

proctype owner()
{
    byte releases, p;
    short w, ended;
    bool won;
    do
    :: releases < RELEASES ->
        releases++;
        release();
        if
        :: elsewhere()
        :: true // it waits in the thread's magazine
        fi;
        begin();
        atomic {
            at[0] = GENERATION(word[0]);
            known[0] = serial[0];
            w = 0; ended = 0; p = 0;
            won = false
        }
    :: else -> break
    od
}

#if defined(TRIM_PINNED)
#define MAY_UNMAP true
#else
#define MAY_UNMAP (pinned == 0) // [model:pinned]
#endif

// Gives a hole back to the system. Each place is a region of its own here.
proctype trimmer()
{
    byte trims, p;
    do
    :: trims < TRIMS ->
        trims++;
        p = 0;
        do
        :: p < PLACES && place[p] != HOLE -> p++
        :: else -> break
        od;
        if
        :: p < PLACES ->
            emptied[p] = false;
#if !defined(TRIM_EARLY)
            grace_begin(MOVERS);
            grace_end(MOVERS); // [model:unmap]
#endif
            d_step { // with the policy's lock
                if
                :: place[p] == HOLE && !emptied[p] && MAY_UNMAP ->
                    place[p] = UNMAPPED;
                    printf("trimmer: unmaps place %d\n", p)
                :: else
                fi
            }
        :: else
        fi;
        p = 0
    :: else -> break
    od
}
