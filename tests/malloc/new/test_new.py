# SPDX-License-Identifier: MIT
#
# test_new.py - a C++ program on the library, compiled here; and which names the library answers for.
#
# MEMS_MALLOC is the library, MEMS_CXX the compiler, MEMS_EXPORTS the program of exports.c.

import os
import re
import signal
import subprocess
import tempfile
import unittest

from probe import run

LIBRARY = os.environ.get("MEMS_MALLOC", "")
CXX = os.environ.get("MEMS_CXX", "g++")
EXPORTS = os.environ["MEMS_EXPORTS"]

FAMILY = """malloc free calloc realloc reallocarray posix_memalign aligned_alloc memalign valloc pvalloc
    malloc_usable_size free_sized free_aligned_sized malloc_trim mallinfo mallinfo2 malloc_info malloc_stats
    mallopt""".split()
OPERATORS = [
    prefix + tail
    for prefix, tails in {
        "_Znwm": ("", "RKSt9nothrow_t", "St11align_val_t", "St11align_val_tRKSt9nothrow_t"),
        "_Znam": ("", "RKSt9nothrow_t", "St11align_val_t", "St11align_val_tRKSt9nothrow_t"),
        "_ZdlPv": ("", "m", "RKSt9nothrow_t", "St11align_val_t", "mSt11align_val_t", "St11align_val_tRKSt9nothrow_t"),
        "_ZdaPv": ("", "m", "RKSt9nothrow_t", "St11align_val_t", "mSt11align_val_t", "St11align_val_tRKSt9nothrow_t"),
    }.items()
    for tail in tails
]

PROGRAM = r"""
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <numeric>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

static void require(bool holds, const char *what)
{
    if (!holds) {
        std::fprintf(stderr, "%s\n", what);
        std::_Exit(1);
    }
}

static volatile std::size_t huge = SIZE_MAX / 2 - 64;

static int containers()
{
    std::vector<std::string> words;
    std::map<std::string, std::vector<int>> map;
    std::unordered_map<int, std::list<std::string>> lists;
    for (int i = 0; i < 20000; i++) {
        words.push_back("a word that is too long for the small string " + std::to_string(i * 7919 % 20000));
        map[words.back()].assign(i % 50, i);
        lists[i % 97].push_back(words.back());
    }
    std::stable_sort(words.begin(), words.end());
    std::size_t sum = 0;
    for (auto &[word, numbers] : map) {
        sum += word.size() + std::accumulate(numbers.begin(), numbers.end(), std::size_t{0});
    }
    for (auto &[key, list] : lists) {
        list.sort();
        sum += key * list.size() + list.front().size();
    }
    std::printf("%zu %s %s\n", sum, words.front().c_str(), words.back().c_str());
    return 0;
}

static int shared()
{
    struct node { std::shared_ptr<node> next; int value; };
    std::shared_ptr<node> head;
    for (int i = 0; i < 10000; i++) {
        head = std::make_shared<node>(node{head, i});
    }
    std::vector<std::future<long>> sums;
    for (int t = 0; t < 4; t++) {
        sums.push_back(std::async(std::launch::async, [head] {
            long sum = 0;
            for (auto at = head; at; at = at->next) {
                sum += at->value;
            }
            return sum;
        }));
    }
    long sum = 0;
    for (auto &one : sums) {
        sum += one.get();
    }
    while (head) { // not by recursion
        head = std::shared_ptr<node>(head->next);
    }
    std::printf("%ld\n", sum);
    return 0;
}

template <typename Call> static void throws(Call call, const char *what)
{
    try {
        call();
    } catch (const std::bad_alloc &error) {
        require(std::strcmp(error.what(), "std::bad_alloc") == 0, error.what());
        return;
    }
    require(false, what);
}

static int too_large()
{
    for (int i = 0; i < 3; i++) {
        throws([] { ::operator delete(::operator new(huge)); }, "new");
        throws([] { ::operator delete[](::operator new[](huge)); }, "new[]");
        throws([] { ::operator delete(::operator new(huge, std::align_val_t(4096)), std::align_val_t(4096)); },
               "aligned new");
        throws([] { ::operator delete[](::operator new[](huge, std::align_val_t(64)), std::align_val_t(64)); },
               "aligned new[]");
        throws([] { std::vector<char> vector; vector.reserve(huge); }, "reserve");
        std::thread([] { throws([] { (void)::operator new(huge); }, "new in a thread"); }).join();
    }
    require(::operator new(huge, std::nothrow) == nullptr, "nothrow new");
    require(::operator new[](huge, std::nothrow) == nullptr, "nothrow new[]");
    require(::operator new(huge, std::align_val_t(64), std::nothrow) == nullptr, "aligned nothrow new");
    require(::operator new[](huge, std::align_val_t(64), std::nothrow) == nullptr, "aligned nothrow new[]");
    std::puts("thrown and caught");
    return 0;
}

static int uncaught()
{
    (void)::operator new(huge);
    return 0;
}

static int calls;

static void third_time_gives_up()
{
    if (++calls == 3) {
        std::set_new_handler(nullptr);
    }
}

static int handler()
{
    std::set_new_handler(third_time_gives_up);
    throws([] { (void)::operator new(huge); }, "new");
    require(calls == 3, "new did not call its handler three times");
    calls = 0;
    std::set_new_handler(third_time_gives_up);
    require(::operator new[](huge, std::nothrow) == nullptr, "nothrow new[]");
    require(calls == 3, "nothrow new[] did not call its handler three times");
    calls = 0;
    std::set_new_handler(third_time_gives_up);
    throws([] { (void)::operator new(huge, std::align_val_t(128)); }, "aligned new");
    require(calls == 3, "aligned new did not call its handler three times");
    require(std::get_new_handler() == nullptr, "the handler is still there");
    std::puts("handled");
    return 0;
}

static std::size_t wanted;

static int handler_helps()
{
    // What is asked for is too large until the handler was there: it makes room.
    static void *reserve;
    struct limit { static void lift() { calls++; std::free(reserve); reserve = nullptr; std::set_new_handler(nullptr); } };
    wanted = std::size_t(64) << 20;
    reserve = std::malloc(wanted);
    std::set_new_handler(limit::lift);
    void *block = ::operator new(wanted);
    require(block != nullptr && calls == 0, "the handler was called although there was memory");
    ::operator delete(block, wanted);
    throws([] { (void)::operator new(huge); }, "new");
    require(calls == 1, "the handler was not called once");
    std::puts("helped");
    return 0;
}

struct own { int number; };

static void throws_own()
{
    throw own{42};
}

static void throws_bad_alloc()
{
    throw std::bad_alloc();
}

static int handler_throws()
{
    std::set_new_handler(throws_own);
    try {
        (void)::operator new(huge);
        require(false, "new");
    } catch (const own &error) {
        require(error.number == 42, "another exception");
    }
    std::puts("passed on");
    return 0;
}

static int handler_throws_in_nothrow()
{
    std::set_new_handler(throws_bad_alloc);
    require(::operator new(huge, std::nothrow) == nullptr, "nothrow new");
    require(::operator new[](huge, std::align_val_t(64), std::nothrow) == nullptr, "aligned nothrow new[]");
    std::puts("kept in");
    return 0;
}

struct alignas(64) line { char bytes[64]; };
struct alignas(4096) page { char bytes[4096]; };
struct alignas(128) odd { char bytes[384]; virtual ~odd() {} };

template <typename T> static void over_aligned()
{
    std::vector<std::unique_ptr<T>> ones;
    for (int i = 0; i < 300; i++) {
        ones.push_back(std::make_unique<T>());
        require(reinterpret_cast<std::uintptr_t>(ones.back().get()) % alignof(T) == 0, "misaligned");
        ones.back()->bytes[0] = ones.back()->bytes[sizeof ones.back()->bytes - 1] = 1;
        if (i % 3 == 0) {
            ones.erase(ones.begin() + i / 4);
            i % 2 ? ones.shrink_to_fit() : void();
        }
    }
    std::vector<T> array(100);
    require(reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) == 0, "misaligned array");
    T *plain = new T[7];
    require(reinterpret_cast<std::uintptr_t>(plain) % alignof(T) == 0, "misaligned new[]");
    delete[] plain;
}

static int aligned()
{
    over_aligned<line>();
    over_aligned<page>();
    over_aligned<odd>();
    std::puts("aligned");
    return 0;
}

// What global constructors make, and destructors after main give back.
static std::map<std::string, std::string> global = {{"made before main, and too long for a short string", "x"}};

struct late { std::vector<int> kept = std::vector<int>(1000); ~late() { kept.resize(100000); } };
static late last;
static thread_local late of_thread;

static int life()
{
    std::thread([] { of_thread.kept.push_back(1); }).detach();
    std::thread([] { of_thread.kept.push_back(1); global["another"] = "y"; }).join();
    of_thread.kept.push_back(2);
    std::printf("%zu\n", global.size());
    return 0;
}

int main(int argc, char **argv)
{
    static const struct { const char *name; int (*run)(); } CASES[] = {
        {"containers", containers}, {"shared", shared}, {"too_large", too_large}, {"uncaught", uncaught},
        {"handler", handler}, {"handler_helps", handler_helps}, {"handler_throws", handler_throws},
        {"handler_throws_in_nothrow", handler_throws_in_nothrow}, {"aligned", aligned}, {"life", life},
    };
    for (auto &one : CASES) {
        if (argc == 2 && std::strcmp(one.name, argv[1]) == 0) {
            return one.run();
        }
    }
    return 2;
}
"""


class Cxx(unittest.TestCase):
    """Each case of PROGRAM: the same output as on the C library, and nothing on stderr."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        source = os.path.join(cls.folder.name, "program.cc")
        with open(source, "w", encoding="utf-8") as file:
            file.write(PROGRAM)
        cls.program = os.path.join(cls.folder.name, "program")
        # Optimised, a new whose block nobody looks at is not made at all.
        subprocess.run([CXX, "-std=c++17", "-O0", "-fsized-deallocation", "-pthread", "-w", source, "-o", cls.program],
                       check=True)

    def same(self, name):
        plain = run([self.program, name], LD_PRELOAD="")
        self.assertEqual((plain.returncode, plain.stderr), (0, b""))
        self.assertTrue(plain.stdout)
        outcome = run([self.program, name])
        self.assertEqual((outcome.stderr.decode(), outcome.returncode), ("", 0))
        self.assertEqual(outcome.stdout, plain.stdout)

    def test_containers(self):
        self.same("containers")

    def test_shared(self):
        self.same("shared")

    def test_too_large(self):
        self.same("too_large")

    def test_uncaught(self):
        outcome = run([self.program, "uncaught"])
        self.assertEqual(outcome.returncode, -signal.SIGABRT)
        self.assertEqual(outcome.stderr.decode(), "terminate called after throwing an instance of 'std::bad_alloc'\n"
                                                  "  what():  std::bad_alloc\n")

    def test_handler(self):
        self.same("handler")

    def test_handler_helps(self):
        self.same("handler_helps")

    def test_handler_throws(self):
        self.same("handler_throws")

    def test_handler_throws_in_nothrow(self):
        self.same("handler_throws_in_nothrow")

    def test_aligned(self):
        self.same("aligned")

    def test_life(self):
        self.same("life")


@unittest.skipUnless(LIBRARY, "no library is looked at")
class Exports(unittest.TestCase):
    def test_each_name_is_the_librarys(self):
        names = FAMILY + OPERATORS
        outcome = run([EXPORTS, *names])
        self.assertEqual((outcome.returncode, outcome.stderr), (0, b""))
        answered = dict(line.split() for line in outcome.stdout.decode().splitlines())
        self.assertEqual(answered, {name: LIBRARY for name in names})

    def test_no_other_name_is(self):
        listed = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], capture_output=True, text=True, check=True)
        exported = {line.split()[-1] for line in listed.stdout.splitlines()}
        self.assertEqual(exported - set(FAMILY + OPERATORS), set())

    def test_needs_nothing_but_libc(self):
        dynamic = subprocess.run(["readelf", "-d", LIBRARY], capture_output=True, text=True, check=True).stdout
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
        self.assertLessEqual(set(needed), {"libc.so.6", "ld-linux-x86-64.so.2"})

    def test_nobody_can_throw(self):
        # No libstdc++ in the process: operator new may not return NULL, so it says a line and aborts.
        outcome = run([EXPORTS, "throw"])
        self.assertEqual(outcome.returncode, -signal.SIGABRT)
        self.assertRegex(outcome.stderr.decode(), r"\Amems-malloc: [^\n]*new[^\n]*\n\Z")


if __name__ == "__main__":
    unittest.main()
