# SPDX-License-Identifier: MIT
#
# pipeline.py - threads that hand work on: one makes lines, three parse them, one gathers. What one allocates another
# frees.

import queue
import random
import threading

PARSERS = 3


def make(out):
    rng = random.Random(11)
    for i in range(600):
        out.put(["%d,%s,%f" % (j, "x" * rng.randint(1, 200), rng.random()) for j in range(i, i + 40)])
    for _ in range(PARSERS):
        out.put(None)


def parse(source, out):
    while (lines := source.get()) is not None:
        out.put([(int(a), b, float(c)) for a, b, c in (line.split(",") for line in lines)])
    out.put(None)


def gather(source, result):
    ended = 0
    kept = {}
    while ended < PARSERS:
        rows = source.get()
        if rows is None:
            ended += 1
            continue
        for number, text, value in rows:
            kept[number] = (text[:10], value)
    result.append(len(kept))


lines = queue.Queue(8)
rows = queue.Queue(8)
result = []
threads = [threading.Thread(target=make, args=(lines,)), threading.Thread(target=gather, args=(rows, result))]
threads += [threading.Thread(target=parse, args=(lines, rows)) for _ in range(PARSERS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(result)
