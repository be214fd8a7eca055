// SPDX-License-Identifier: MIT
//
// exercise_memory.c - exercises on placement and translation, as traces.

#include "lesson/exercise.h"

const struct exercise exercise_memory[] = {
    {
        .name = "five-holes",
        .title = "Five holes, four requests",
        .question =
            "Memory has holes of 100, 500, 200, 300 and 600, in this order. Requests of 212, "
            "417, 112 and 426 come. Which hole does each of them get, by first, best, worst "
            "and next fit? Who has to wait, and what is left?",
        .source = "Silberschatz, Galvin, Gagne",
        .kind = EXERCISE_TRACE,
        .style = ANSWER_HOLES_LEFT,
        .begins = true,
        .memory = 1792,
        .input = "alloc hole/1 100\n"
                 "alloc used/1 20\n"
                 "alloc hole/2 500\n"
                 "alloc used/2 20\n"
                 "alloc hole/3 200\n"
                 "alloc used/3 20\n"
                 "alloc hole/4 300\n"
                 "alloc used/4 20\n"
                 "alloc hole/5 600\n"
                 "alloc used/5 12\n"
                 "free hole\n"
                 "show\n"
                 "alloc P1 212\n"
                 "alloc P2 417\n"
                 "alloc P3 112\n"
                 "alloc P4 426\n"
                 "show\n",
        .runs =
            {
                {"mems:dynamic(fit=first)", 0, "500 600 288 wait; holes 100 176 200 300 183"},
                {"mems:dynamic(fit=best)", 0, "300 500 200 600; holes 100 83 88 88 174"},
                {"mems:dynamic(fit=worst)", 0, "600 500 388 wait; holes 100 83 200 300 276"},
                {"mems:dynamic(fit=next)", 0, "500 600 183 wait; holes 100 288 200 300 71"},
            },
    },
    {
        .name = "six-holes",
        .title = "Six holes, five requests",
        .question = "Holes of 300, 600, 350, 200, 750 and 125; requests of 115, 500, 358, 200 and "
                    "375. Which fit serves them all?",
        .kind = EXERCISE_TRACE,
        .style = ANSWER_HOLES,
        .begins = true,
        .memory = 2560,
        .input = "alloc hole/1 300\n"
                 "alloc used/1 20\n"
                 "alloc hole/2 600\n"
                 "alloc used/2 20\n"
                 "alloc hole/3 350\n"
                 "alloc used/3 20\n"
                 "alloc hole/4 200\n"
                 "alloc used/4 20\n"
                 "alloc hole/5 750\n"
                 "alloc used/5 20\n"
                 "alloc hole/6 125\n"
                 "alloc used/6 135\n"
                 "free hole\n"
                 "show\n"
                 "alloc P1 115\n"
                 "alloc P2 500\n"
                 "alloc P3 358\n"
                 "alloc P4 200\n"
                 "alloc P5 375\n"
                 "show\n",
        .runs =
            {
                {"mems:dynamic(fit=first)", 0, "300 600 750 350 392"},
                {"mems:dynamic(fit=best)", 0, "125 600 750 200 392"},
                {"mems:dynamic(fit=worst)", 0, "750 635 600 350 wait"},
            },
    },
    {
        .name = "eight-holes",
        .title = "Where next fit goes on",
        .question =
            "Holes of 8, 12, 22, 18, 8, 6, 14 and 36; the last block that was placed lies "
            "just before the hole of 36. A request of 16 comes: best fit, first fit and next "
            "fit take three different holes.",
        .source = "Stallings",
        .kind = EXERCISE_TRACE,
        .style = ANSWER_HOLES,
        .begins = true,
        .unit = 4096,
        .memory = 156,
        .input = "alloc hole/1 8\n"
                 "alloc used/1 4\n"
                 "alloc hole/2 12\n"
                 "alloc used/2 4\n"
                 "alloc hole/3 22\n"
                 "alloc used/3 4\n"
                 "alloc hole/4 18\n"
                 "alloc used/4 4\n"
                 "alloc hole/5 8\n"
                 "alloc used/5 4\n"
                 "alloc hole/6 6\n"
                 "alloc used/6 4\n"
                 "alloc hole/7 14\n"
                 "alloc used/7 4\n"
                 "alloc hole/8 36\n"
                 "alloc used/8 4\n"
                 "free used/7\n"
                 "alloc used/7 4\n"
                 "free hole\n"
                 "show\n"
                 "alloc P1 16\n"
                 "show\n",
        .runs =
            {
                {"mems:dynamic(fit=best)", 0, "18"},
                {"mems:dynamic(fit=first)", 0, "22"},
                {"mems:dynamic(fit=next)", 0, "36"},
            },
    },
    {
        .name = "buddies",
        .title = "One megabyte of buddies",
        .question =
            "1 MB, in KB: A asks for 100, B for 240, C for 64, D for 256; B leaves, A leaves, "
            "E asks for 75; C, E and D leave. Where does each block lie, how large is it, and "
            "what merges when?",
        .kind = EXERCISE_TRACE,
        .style = ANSWER_PLACES,
        .unit = 1024,
        .memory = 1024,
        .input = "alloc A 100\n"
                 "alloc B 240\n"
                 "alloc C 64\n"
                 "alloc D 256\n"
                 "show\n"
                 "free B\n"
                 "free A\n"
                 "alloc E 75\n"
                 "show\n"
                 "free C\n"
                 "free E\n"
                 "show\n"
                 "free D\n"
                 "show\n",
        .runs =
            {
                {"mems:dynamic(fit=buddy)", 0, "A@0+128 B@256+256 C@128+64 D@512+256 E@0+128"},
            },
    },
    {
        .name = "page-waste",
        .title = "The last page",
        .question =
            "A process of 72,766 bytes in pages of 2,048: how many frames does it take, and "
            "how much of the last one is wasted?",
        .kind = EXERCISE_TRACE,
        .style = ANSWER_FRAMES,
        .unit = 1,
        .input = "alloc P1 72766\n"
                 "show\n",
        .runs =
            {
                {"mems:paging(page=2Ki)", 0, "36 frames, 962 wasted"},
            },
    },
    {
        .name = "page-table",
        .title = "Four-byte pages",
        .question =
            "Pages of 4 bytes; the page table of the process says frames 5, 6, 1 and 2. Where "
            "are its bytes 0, 3, 4 and 13?",
        .kind = EXERCISE_TRACE,
        .style = ANSWER_ADDRESSES,
        .begins = true,
        .unit = 16,
        .input = "alloc used/0 4\n"
                 "alloc used/1 4\n"
                 "alloc used/2 4\n"
                 "alloc used/3 4\n"
                 "alloc used/4 4\n"
                 "alloc P/a 16\n"
                 "touch used/0 0 w\n"
                 "touch used/1 0 w\n"
                 "touch used/2 0 w\n"
                 "touch used/3 0 w\n"
                 "touch used/4 0 w\n"
                 "touch P/a 0 w\n"
                 "touch P/a 4 w\n"
                 "free used/1\n"
                 "free used/2\n"
                 "touch P/a 8 w\n"
                 "touch P/a 12 w\n"
                 "show\n"
                 "touch P/a 0\n"
                 "touch P/a 3\n"
                 "touch P/a 4\n"
                 "touch P/a 13\n",
        .runs =
            {
                {"mems:vm-paging(page=64,frames=8,low=0,high=1)", 0, "20 23 24 9"},
            },
    },
    {
        .name = "page-offset",
        .title = "Page and offset",
        .question =
            "Pages of 1,024 bytes; page 1 of the process is in frame 6. What are page number "
            "and offset of the address 1502, and where is it in memory?",
        .kind = EXERCISE_TRACE,
        .style = ANSWER_ADDRESSES,
        .begins = true,
        .unit = 1,
        .input = "alloc used/1 5Ki\n"
                 "alloc P/a 2Ki\n"
                 "show\n"
                 "touch P/a 1502\n",
        .runs =
            {
                {"mems:paging(page=1Ki,frames=8)", 0, "6622"},
            },
    },
    {
        .name = "segments",
        .title = "A segment table",
        .question =
            "The segment table says (base, limit): 0 (219, 600), 1 (2300, 14), 2 (90, 100), 3 "
            "(1327, 580), 4 (1952, 96). Where do (0, 430), (1, 10), (2, 500), (3, 400) and "
            "(4, 112) lead?",
        .kind = EXERCISE_TRACE,
        .style = ANSWER_ADDRESSES,
        .begins = true,
        .unit = 16,
        .memory = 2560,
        .input = "alloc used/1 90\n"
                 "alloc S/2 100\n"
                 "alloc used/2 29\n"
                 "alloc S/0 600\n"
                 "alloc used/3 508\n"
                 "alloc S/3 580\n"
                 "alloc used/4 45\n"
                 "alloc S/4 96\n"
                 "alloc used/5 252\n"
                 "alloc S/1 14\n"
                 "free used\n"
                 "show\n",
        .accesses = "S/0 430; S/1 10; S/2 500; S/3 400; S/4 112",
        .runs =
            {
                {"mems:segmentation", 0, "649 2310 trap 1727 trap"},
            },
    },
    {
        .name = "partitions",
        .title = "Equal partitions",
        .question =
            "1024 KB in four partitions of 256 KB; a process takes one. P1 and P2 come, P1 "
            "leaves, P3 to P6 come, a process P9 leaves that was never there, P2 leaves, P6 "
            "tries again. Who is where?",
        .kind = EXERCISE_TRACE,
        .style = ANSWER_PARTITIONS,
        .input = "alloc P1\n"
                 "alloc P2\n"
                 "show\n"
                 "free P1\n"
                 "alloc P3\n"
                 "alloc P4\n"
                 "alloc P5\n"
                 "show\n"
                 "alloc P6\n"
                 "free P9\n"
                 "free P2\n"
                 "alloc P6\n"
                 "show\n",
        .runs =
            {
                {"mems:fixed(partition=256Ki,count=4)", 0,
                 "P1 0, P2 1, P3 0, P4 2, P5 3, P6 wait, P9 not found, P6 1"},
            },
    },
    {
        .name = "processes",
        .title = "Processes come and go",
        .question = "Processes of up to 256 KB come and go in random order in 1024 KB. Who is "
                    "refused, by which method, and was there enough memory free when it was?",
        .kind = EXERCISE_TRACE,
        .style = ANSWER_NONE,
        .input = "alloc P4 10Ki\n"
                 "alloc P12\n"
                 "alloc P7 79Ki\n"
                 "free P12\n"
                 "alloc P11 155Ki\n"
                 "alloc P10 212Ki\n"
                 "free P10\n"
                 "alloc P2 133Ki\n"
                 "alloc P5 224Ki\n"
                 "free P5\n"
                 "alloc P3 109Ki\n"
                 "free P3\n"
                 "alloc P6\n"
                 "free P11\n"
                 "alloc P10 129Ki\n"
                 "free P2\n"
                 "alloc P2 134Ki\n"
                 "free P4\n"
                 "alloc P1 123Ki\n"
                 "free P1\n"
                 "show\n"
                 "alloc P12\n"
                 "free P2\n"
                 "alloc P11 181Ki\n"
                 "free P10\n"
                 "free P11\n"
                 "alloc P1 188Ki\n"
                 "alloc P2 236Ki\n"
                 "free P12\n"
                 "free P7\n"
                 "alloc P7 135Ki\n"
                 "free P2\n"
                 "alloc P2\n"
                 "free P6\n"
                 "free P2\n"
                 "free P7\n"
                 "free P99\n"
                 "free P1\n"
                 "alloc P6 125Ki\n"
                 "alloc P9 108Ki\n"
                 "alloc P3 48Ki\n"
                 "alloc P12 200Ki\n"
                 "alloc P2 48Ki\n"
                 "free P3\n"
                 "alloc P10 77Ki\n"
                 "free P9\n"
                 "alloc P5 60Ki\n"
                 "free P10\n"
                 "alloc P7\n"
                 "free P12\n"
                 "alloc P4 103Ki\n"
                 "free P7\n"
                 "show\n"
                 "free P4\n"
                 "free P2\n"
                 "alloc P7\n"
                 "alloc P10 16Ki\n"
                 "free P10\n"
                 "alloc P9 234Ki\n"
                 "alloc P12\n"
                 "free P7\n"
                 "alloc P11 154Ki\n"
                 "free P5\n"
                 "alloc P8 35Ki\n"
                 "free P11\n"
                 "alloc P5 234Ki\n"
                 "free P12\n"
                 "alloc P7 122Ki\n"
                 "free P9\n"
                 "alloc P2 210Ki\n"
                 "free P5\n"
                 "free P2\n"
                 "free P7\n"
                 "alloc P10 65Ki\n"
                 "free P8\n"
                 "show\n",
        .runs =
            {
                {"mems:fixed(partition=256Ki,count=4)", 0, NULL},
                {"mems:dynamic", 0, NULL},
                {"mems:dynamic(fit=buddy)", 0, NULL},
                {"mems:paging(page=16Ki)", 0, NULL},
                {"mems:segmentation", 0, NULL},
                {"mems:vm-paging(page=16Ki)", 0, NULL},
                {"mems:vm-segmentation", 0, NULL},
            },
    },
    {
        .name = "compaction",
        .title = "Compaction",
        .question =
            "1,024 units, first fit: P1 takes 200, P2 300, P3 100; P2 leaves, P4 takes 150, "
            "P1 leaves. Now memory is compacted, and P5 takes 400. Where is everything, and "
            "how much had to be moved?",
        .kind = EXERCISE_TRACE,
        .style = ANSWER_END,
        .memory = 1024,
        .input = "alloc P1 200\n"
                 "alloc P2 300\n"
                 "alloc P3 100\n"
                 "free P2\n"
                 "alloc P4 150\n"
                 "free P1\n"
                 "show\n"
                 "compact\n"
                 "alloc P5 400\n"
                 "show\n",
        .runs =
            {
                {"mems:dynamic", 0, "P4@0+150 P3@150+100 P5@250+400; 374 free; 250 moved"},
                {"mems:segmentation", 0, "P4@0+150 P3@150+100 P5@250+400; 374 free; 250 moved"},
            },
    },
    {.name = NULL},
};
