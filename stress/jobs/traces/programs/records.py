# SPDX-License-Identifier: MIT
#
# records.py - what scripts do all day: make records, to JSON and back, sort, group, search with a regular expression.

import json
import random
import re

rng = random.Random(7)
words = ["".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 12))) for _ in range(2000)]
records = [
    {
        "id": i,
        "name": rng.choice(words),
        "tags": [rng.choice(words) for _ in range(rng.randint(0, 4))],
        "score": rng.random(),
        "note": " ".join(rng.choice(words) for _ in range(rng.randint(2, 20))),
    }
    for i in range(6000)
]

text = json.dumps(records)
again = json.loads(text)
again.sort(key=lambda record: (record["name"], -record["score"]))

by_tag = {}
for record in again:
    for tag in record["tags"]:
        by_tag.setdefault(tag, []).append(record["id"])

pattern = re.compile(r"\b(\w*a\w*) (\w*e\w*)\b")
pairs = {}
for record in again:
    for first, second in pattern.findall(record["note"]):
        pairs[first, second] = pairs.get((first, second), 0) + 1

lines = ["%s;%d;%.3f" % (r["name"], r["id"], r["score"]) for r in again]
table = {key: value for key, value in (line.split(";", 1) for line in lines)}
print(len(text), len(by_tag), len(pairs), len(table))
