// SPDX-License-Identifier: MIT
//
// accesses.pml - threads that translate and use what they get.

// relocation_cancel: the word to go on with.
inline cancel(b, w)
{
#if defined(NO_CANCEL)
    w = TURNED(w, RESIDENT);
#elif defined(STORE_CANCEL)
    word[b] = TURNED(w, RESIDENT);
    w = TURNED(w, RESIDENT);
#else
    d_step {
        if
        :: word[b] == w -> // [model:cancel]
            w = TURNED(w, RESIDENT);
            word[b] = w;
            printf("accessor %d: takes the mark of block %d away\n", me, b)
        :: else ->
            w = word[b];
            printf("accessor %d: finds block %d's mark gone\n", me, b)
        fi
    }
#endif
}

// The bytes at p, which a translate of this section has named.
inline use(b, p)
{
    d_step {
        assert(place[p] != UNMAPPED);
        if
        :: serial[b] == s && ALLOCATED(word[b]) ->
            printf("accessor %d: block %d at place %d reads %d, true is %d\n", me, b, p, bytes[p], truth[b]);
            assert(bytes[p] == truth[b]);
            if
            :: writes ->
                bytes[p] = bytes[p] + 1;
                truth[b] = truth[b] + 1;
                printf("accessor %d: adds one at place %d\n", me, p)
            :: else
            fi
        :: else // released meanwhile, by a program's race
        fi
    }
}

// Brings the block in. A section has begun afterwards, unless w is 0.
inline fault(b, w)
{
#if !defined(FAULT_INSIDE)
    section_end(me); // [model:outside]
#endif
#if !defined(FAULT_UNLOCKED)
    mover_lock();
#endif
    w = word[b];
    if
    :: !IS_BLOCK(w, g) -> w = 0
    :: IS_BLOCK(w, g) && STATE(w) != SWAPPED -> section_begin(me)
    :: IS_BLOCK(w, g) && STATE(w) == SWAPPED ->
        atomic {
            place_take(p);
            assert(p != NOWHERE)
        }
#if defined(FAULT_EARLY)
        section_begin(me);
        won = (word[b] == w);
        word[b] = WORD(RESIDENT, p, g, 0);
        bytes[p] = slot[b];
        dirty[b] = false;
#else
        bytes[p] = slot[b];
        section_begin(me); // [model:fault]
        d_step {
            won = (word[b] == w);
            if
            :: won ->
                word[b] = WORD(RESIDENT, p, g, 0);
                dirty[b] = false;
                printf("accessor %d: brings block %d to place %d\n", me, b, p)
            :: else -> skip
            fi
        }
#endif
        if
        :: won
        :: !won ->
            atomic {
                place_give(p);
                section_end(me);
                w = 0
            }
        fi
    fi;
#if !defined(FAULT_UNLOCKED)
    mover_unlock();
#endif
}

proctype accessor(byte me)
{
    byte sections, touches, tries, b, p, g, s;
    short w;
    bool writes, won, came;
    do
    :: sections < SECTIONS ->
        atomic {
            sections++;
            touches = 0;
            section_begin(me)
        }
        do
        :: touches < TOUCHES ->
            atomic {
                touches++;
                if
                :: b = 0
#if BLOCKS > 1
                :: b = 1
#endif
                fi;
                if // who writes knows that nobody releases the block
                :: writes = false
                :: RELEASES == 0 || b != 0 -> writes = true
                fi;
                g = at[b];
                s = known[b]
            }
again:
            w = word[b];
            if
            :: IS_BLOCK(w, g) && STATE(w) == RESIDENT ->
                skip
            :: IS_BLOCK(w, g) && STATE(w) == MOVING ->
                do
                :: STATE(w) == MOVING ->
                    atomic {
                        assert(tries < CANCELS); // [model:bound]
                        tries++;
                        cancel(b, w)
                    }
                :: else -> break
                od
            :: else
            fi;
            atomic { // the word once more, where it was not simply there
                if
                :: STATE(w) == RESIDENT && tries == 0 && IS_BLOCK(w, g) -> skip
                :: else ->
                    if
                    :: !IS_BLOCK(word[b], g) ->
                        w = 0;
                        assert(serial[b] != s || !ALLOCATED(word[b])) // nobody is refused his own
                    :: else -> assert(serial[b] == s) // and nobody gets another's
                    fi
                fi
            }
            if
            :: w != 0 && STATE(w) == SWAPPED ->
                assert(!came);
                fault(b, w);
                if
                :: w == 0 ->
                    section_begin(me)
                :: else ->
                    came = true;
                    goto again
                fi
            :: w != 0 && STATE(w) == RESIDENT ->
                p = PLACE(w);
#if SWAP
                if
                :: writes -> dirty[b] = true
                :: else
                fi;
#endif
                use(b, p)
            :: else
            fi;
            d_step { // nothing is remembered
                b = 0; p = 0; g = 0; s = 0; w = 0; tries = 0;
                writes = false; came = false; won = false
            }
        :: else -> break
        od;
        section_end(me)
    :: else -> break
    od
}
