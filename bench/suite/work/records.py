# SPDX-License-Identifier: MIT
#
# records.py - what scripts do all day: records to JSON and back, groups, sorting, a parser at work on source text.

import ast
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
    for i in range(9000)
]

again = json.loads(json.dumps(records))
again.sort(key=lambda record: (record["name"], -record["score"]))

by_tag = {}
for record in again:
    for tag in record["tags"]:
        by_tag.setdefault(tag, []).append(record["id"])

pairs = {}
for record in again:
    for first, second in re.findall(r"\b(\w*a\w*) (\w*e\w*)\b", record["note"]):
        pairs[first, second] = pairs.get((first, second), 0) + 1

source = "".join(
    f"def {record['name']}_{record['id']}(first, second=({record['id']}, {{'a': [1, 2]}})):\n"
    f"    return [first + item for item in second if item and {record['score']:.4f} < first]\n"
    for record in again[:900]
)
tree = ast.parse(source)
names = sum(isinstance(node, ast.Name) for node in ast.walk(tree))

print(len(by_tag), len(pairs), names, len(ast.unparse(tree)), sum(len(text) for text in sorted(set(words))[:500]))
