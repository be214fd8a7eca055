// SPDX-License-Identifier: MIT
//
// machine.pml - places, sections with their grace periods, and the mover's lock.

// ---- memory ------------------------------------------------------------------------------------

#define HOLE     0
#define TAKEN    1
#define UNMAPPED 2
#define POISON   15

byte place[PLACES];
byte bytes[PLACES]; // what stands there: how often it was added to
byte slot[BLOCKS];  // what stands on swap
bool dirty[BLOCKS]; // slot[] is not what the place holds
bool emptied[PLACES];
byte pinned;        // batches in flight

// What is true, for assertions only.
byte truth[BLOCKS];  // how often the block was added to
byte serial[BLOCKS]; // which block it is that has the descriptor

inline place_take(p)
{
    d_step {
        p = 0;
        do
        :: p < PLACES && place[p] != HOLE -> p++
        :: else -> break
        od;
        if
        :: p < PLACES -> place[p] = TAKEN
        :: else -> p = NOWHERE
        fi
    }
}

inline place_give(p)
{
    d_step {
        assert(place[p] == TAKEN);
        place[p] = HOLE;
        bytes[p] = POISON;
        emptied[p] = true;
        printf("      place %d is a hole\n", p)
    }
}

// ---- sections and grace periods ----------------------------------------------------------------

byte inside;         // a bit for each accessor that is in a section
byte waits[MOVERS + 1]; // those that a grace period waits for; the last is the trimmer's

inline section_begin(me)
{
    d_step {
        inside = inside | (1 << me);
        printf("accessor %d: begins a section\n", me)
    }
}

inline section_end(me)
{
    d_step {
        inside = inside & ~(1 << me);
        waits[0] = waits[0] & ~(1 << me);
        waits[1] = waits[1] & ~(1 << me);
#if MOVERS == 2
        waits[2] = waits[2] & ~(1 << me);
#endif
        printf("accessor %d: ends its section\n", me)
    }
}

inline grace_begin(who)
{
    d_step {
        waits[who] = inside;
        printf("      a grace period begins, %d\n", who)
    }
}

inline grace_end(who)
{
    d_step {
        waits[who] == 0;
        printf("      the grace period ends, %d\n", who)
    }
}

// ---- the mover's lock --------------------------------------------------------------------------

bool locked;

inline mover_lock()
{
#if !TAGS && !defined(NO_TAG)
    d_step {
        !locked; // [model:one mover]
        locked = true
    }
#endif
    skip
}

inline mover_unlock()
{
    locked = false
}
