# SPDX-License-Identifier: MIT
#
# inputs.py - makes what the suite's programs work on: the same bytes from the same seed, on any machine.
#
# Python promises that random() of a seed is the same in every version, and nothing of the kind for choice or shuffle:
# so all is drawn by random() alone. Each input is a row of INPUTS, written where a program of the run names it.

import random


class Draw:
    def __init__(self, seed):
        self.random = random.Random(seed).random

    def below(self, most):
        return int(self.random() * most)

    def of(self, items):
        return items[self.below(len(items))]


def words_of(draw, count):
    return ["".join(draw.of("abcdefghijklmnopqrstuvwxyz") for _ in range(2 + draw.below(9))) for _ in range(count)]


def text(draw):
    """Lines of words, few of them often: the inverse square of what is drawn."""
    words = words_of(draw, 6000)
    for _ in range(30_000):
        yield " ".join(words[int(len(words) * draw.random() ** 3)] for _ in range(3 + draw.below(12))) + "\n"


def rows(draw):
    """Short lines in no order, for sort."""
    words = words_of(draw, 3000)
    for i in range(700_000):
        yield f"{draw.of(words)} {draw.below(1_000_000):06} {draw.of(words)} {i % 977}\n"


def unit_cc(draw):
    """A unit of C++: containers, templates and lambdas, each with types of its own."""
    yield "#include <algorithm>\n#include <functional>\n#include <map>\n#include <memory>\n#include <string>\n#include <vector>\n"
    for i in range(1):
        a, b = 1 + draw.below(90), 1 + draw.below(90)
        yield f"""
struct record_{i} {{ std::string name; std::map<int, std::vector<std::string>> parts; double value[{a}]; }};
template <int N> long fold_{i}(const std::vector<record_{i}> &all)
{{
    if constexpr (N == 0) {{ return {b}; }} else {{
        long sum = fold_{i}<N - 1>(all);
        for (const auto &one : all) {{
            for (const auto &[key, names] : one.parts) {{ sum += key * N + static_cast<long>(names.size()); }}
        }}
        return sum;
    }}
}}
long work_{i}(std::vector<record_{i}> all)
{{
    std::sort(all.begin(), all.end(), [](const auto &x, const auto &y) {{ return x.name < y.name; }});
    std::map<std::string, std::shared_ptr<record_{i}>> by_name;
    for (auto &one : all) {{ by_name[one.name + "{a}"] = std::make_shared<record_{i}>(one); }}
    std::function<long(int)> of = [&](int k) {{ return k + fold_{i}<5>(all); }};
    return of({b}) + static_cast<long>(by_name.size());
}}
"""


def unit_c(draw):
    """A unit of C: many functions of loops, switches and tables."""
    yield "#include <stdint.h>\n#include <string.h>\nstruct node { struct node *left, *right; uint64_t key; char name[24]; };\n"
    for i in range(55):
        a, b, c = (1 + draw.below(1000) for _ in range(3))
        cases = "".join(f"        case {k}: sum ^= row[(i * {1 + draw.below(97)}) % n] + {draw.below(999)}u; break;\n"
                        for k in range(6))
        yield f"""
static uint64_t hash_{i}(const struct node *at, uint64_t seed)
{{
    return at == 0 ? seed : hash_{i}(at->left, seed * {a}u + at->key) ^ (hash_{i}(at->right, seed + {b}u) << {1 + c % 31});
}}
uint64_t work_{i}(const uint32_t *row, unsigned n, struct node *tree)
{{
    uint64_t sum = {c}u;
    for (unsigned i = 0; i < n; i++) {{
        switch ((row[i] ^ sum) % 7) {{
{cases}        default: sum += hash_{i}(tree, row[i]) + strlen(tree->name); break;
        }}
    }}
    return sum;
}}
"""


def problem(draw):
    """SMT2 problems that no values meet: one pigeon more than holes, so that a search has to try every way; and rising
    functions that would have to fall, for which the solver makes terms by the thousand."""
    holes, pigeons = 8, 9
    places = {(i, j): f"p{i}_{j}" for i in range(pigeons) for j in range(holes)}
    for place in places.values():
        yield f"(declare-const {place} Bool)\n"
    for i in range(pigeons):
        yield "(assert (or " + " ".join(sorted((places[i, j] for j in range(holes)), key=lambda _: draw.random())) + "))\n"
    for j in range(holes):
        for i in range(pigeons):
            for k in range(i):
                yield f"(assert (or (not {places[i, j]}) (not {places[k, j]})))\n"
    yield "(check-sat)\n(reset)\n(declare-fun f (Int) Int)\n(declare-const a (Array Int Int))\n"
    yield "(assert (forall ((x Int)) (=> (and (< 0 x) (< x 50)) (> (f (+ x 1)) (f x)))))\n"
    yield "(assert (forall ((x Int)) (=> (and (<= 0 x) (< x 60)) (= (select a x) (* 2 (f x))))))\n"
    yield f"(assert (< (f 40) (f {1 + draw.below(9)})))\n(assert (> (select a 30) 7))\n(check-sat)\n"


INPUTS = {"text.txt": text, "rows.txt": rows, "unit.cc": unit_cc, "unit.c": unit_c, "problem.smt2": problem}


def write(name, path):
    with open(path, "w", encoding="ascii") as file:
        file.writelines(INPUTS[name](Draw(f"mems {name}")))
