// SPDX-License-Identifier: MIT
//
// exercise_pages.c - exercises on page replacement: strings, a state, access times.

#include "lesson/exercise.h"

const struct exercise exercise_pages[] = {
    {
        .name = "silberschatz",
        .title = "Twenty references, three frames",
        .question =
            "A process uses its pages in this order and has three frames (or four), empty at "
            "first. How many page faults does each algorithm take? For CLOCK count both ways: "
            "the reference that loads a page sets its R bit, as textbooks have it, or does "
            "not, as cache simulators have it.",
        .source = "Silberschatz, Galvin, Gagne",
        .kind = EXERCISE_REFERENCES,
        .input = "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1",
        .runs =
            {
                {"fifo", 3, "15 faults, 12 without the first loads"},
                {"lru", 3, "12 faults, 9 without the first loads"},
                {"opt", 3, "9 faults, 6 without the first loads"},
                {"clock", 3, "14 faults, 11 without the first loads"},
                {"clock0", 3, "11 faults, 8 without the first loads"},
                {"fifo", 4, "10 faults, 6 without the first loads"},
                {"lru", 4, "8 faults, 4 without the first loads"},
                {"opt", 4, "8 faults, 4 without the first loads"},
            },
    },
    {
        .name = "belady",
        .title = "Belady's anomaly",
        .question = "A process gets a fourth frame. Which algorithms take more faults with four "
                    "frames than with three? Why can LRU and OPT never be among them?",
        .source = "Belady, Nelson, Shedler 1969",
        .kind = EXERCISE_REFERENCES,
        .input = "1 2 3 4 1 2 5 1 2 3 4 5",
        .runs =
            {
                {"fifo", 3, "9 faults, 6 without the first loads"},
                {"fifo", 4, "10 faults, 6 without the first loads"},
                {"lru", 3, "10 faults, 7 without the first loads"},
                {"lru", 4, "8 faults, 4 without the first loads"},
                {"opt", 3, "7 faults, 4 without the first loads"},
                {"opt", 4, "6 faults, 2 without the first loads"},
                {"clock", 3, "9 faults, 6 without the first loads"},
                {"clock", 4, "10 faults, 6 without the first loads"},
            },
    },
    {
        .name = "stallings",
        .title = "Twelve references, three frames",
        .question = "Follow the frames, the R bits (an asterisk) and the hand through the string. "
                    "Count the faults once with and once without those that fill the empty frames.",
        .source = "Stallings",
        .kind = EXERCISE_REFERENCES,
        .input = "2 3 2 1 5 2 4 5 3 2 5 2",
        .runs =
            {
                {"opt", 3, "6 faults, 3 without the first loads"},
                {"lru", 3, "7 faults, 4 without the first loads"},
                {"fifo", 3, "9 faults, 6 without the first loads"},
                {"clock", 3, "8 faults, 5 without the first loads"},
                {"clock0", 3, "6 faults, 3 without the first loads"},
            },
    },
    {
        .name = "sweep",
        .title = "One to seven frames",
        .question =
            "The same twenty references with one frame, with two, and so on up to seven, as "
            "many as there are pages. Plot the faults over the frames: where does another "
            "frame not pay any more?",
        .kind = EXERCISE_REFERENCES,
        .input = "1 2 3 4 2 1 5 6 2 1 2 3 7 6 3 2 1 2 3 6",
        .runs =
            {
                {"fifo", 1, "20 faults, 19 without the first loads"},
                {"fifo", 2, "18 faults, 16 without the first loads"},
                {"fifo", 3, "16 faults, 13 without the first loads"},
                {"fifo", 4, "14 faults, 10 without the first loads"},
                {"fifo", 5, "10 faults, 5 without the first loads"},
                {"fifo", 6, "10 faults, 4 without the first loads"},
                {"fifo", 7, "7 faults, 0 without the first loads"},

                {"lru", 1, "20 faults, 19 without the first loads"},
                {"lru", 2, "18 faults, 16 without the first loads"},
                {"lru", 3, "15 faults, 12 without the first loads"},
                {"lru", 4, "10 faults, 6 without the first loads"},
                {"lru", 5, "8 faults, 3 without the first loads"},
                {"lru", 6, "7 faults, 1 without the first loads"},
                {"lru", 7, "7 faults, 0 without the first loads"},
                {"opt", 1, "20 faults, 19 without the first loads"},
                {"opt", 2, "15 faults, 13 without the first loads"},
                {"opt", 3, "11 faults, 8 without the first loads"},
                {"opt", 4, "8 faults, 4 without the first loads"},
                {"opt", 5, "7 faults, 2 without the first loads"},
                {"opt", 6, "7 faults, 1 without the first loads"},
                {"opt", 7, "7 faults, 0 without the first loads"},
            },
    },
    {
        .name = "little-locality",
        .title = "Ten pages in twenty references",
        .question =
            "With so many pages and only three frames, how much better than FIFO is LRU? And "
            "the best there can be?",
        .kind = EXERCISE_REFERENCES,
        .input = "7 2 3 1 2 5 3 4 6 7 7 1 0 5 4 6 2 3 0 1",
        .runs =
            {
                {"lru", 3, "18 faults, 15 without the first loads"},
                {"fifo", 3, "17 faults, 14 without the first loads"},
                {"opt", 3, "13 faults, 10 without the first loads"},
            },
    },
    {
        .name = "fifo-wins",
        .title = "FIFO before LRU",
        .question =
            "Four frames, ten references: find the reference at which LRU gives away the page "
            "that it needs next, and FIFO does not.",
        .kind = EXERCISE_REFERENCES,
        .input = "0 1 7 2 3 2 7 1 0 3",
        .runs =
            {
                {"fifo", 4, "6 faults, 2 without the first loads"},
                {"lru", 4, "7 faults, 3 without the first loads"},
            },
    },
    {
        .name = "four-pages",
        .title = "Four pages, one must go",
        .question =
            "Four pages are in memory. For each the time at which it was loaded, that of its "
            "last use, and its bits R and M are given. A page fault: which page does each "
            "algorithm take?",
        .kind = EXERCISE_STATE,
        .input = "0 126 280 1 0; 1 230 265 0 1; 2 140 270 0 0; 3 110 285 1 1",
        .runs =
            {
                {"nru", 0, "2"},
                {"fifo", 0, "3"},
                {"lru", 0, "1"},
                {"second-chance", 0, "2"},
            },
    },
    {
        .name = "working-set",
        .title = "The working set of ten references",
        .question =
            "W(t, 10) is the set of pages among the last ten references. What is it after the "
            "tenth reference, and what at the end? A reference is a fault when its page is "
            "not in W.",
        .kind = EXERCISE_REFERENCES,
        .input = "2 6 1 5 7 7 7 7 5 1 6 2 3 4 1 2 3 4 4 4 3 4 3 4 4 4",
        .runs =
            {
                {"ws:10", 0, "{1 2 5 6 7} after 10, {3 4} after 26"},
            },
    },
    {
        .name = "tlb",
        .title = "Effective access time with a TLB",
        .question =
            "A look into the TLB takes 20 ns, an access to memory 100 ns, and where the TLB "
            "misses the page table, in memory, is asked first. How long does an access take "
            "in the mean when 80 % hit, and when 98 % do?",
        .kind = EXERCISE_ACCESS_TIME,
        .input = "t = 20 ns, m = 100 ns, L = 1",
        .runs =
            {
                {"TLB, 80 % hit", 0, "140 ns"},
                {"TLB, 98 % hit", 1, "122 ns"},
            },
    },
    {
        .name = "fault-time",
        .title = "Effective access time with page faults",
        .question = "An access to memory takes 200 ns, the service of a page fault 8 ms, and one "
                    "reference in a thousand faults. How long does a reference take in the mean?",
        .kind = EXERCISE_ACCESS_TIME,
        .input = "m = 200 ns, service = 8 ms, p = 1/1000",
        .runs =
            {
                {"demand paging, p = 1/1000", 2, "8.2 us"},
            },
    },
    {.name = NULL},
};
