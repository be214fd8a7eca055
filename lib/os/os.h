// SPDX-License-Identifier: MIT
//
// os.h - the seam to the operating system: the only room that makes system calls.
//
// Preconditions, said once: sizes are multiples of os_page_size(); addresses given back are ones
// that os_map returned, whole or in page-aligned parts. Every call that can fail passes the
// injection seam (mems/inject.h), so a test can make it fail. Nothing here takes a lock, calls
// malloc, or changes errno.

#ifndef OS_OS_H
#define OS_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t os_page_size(void);

// Maps zeroed private memory, aligned to `align` (a power of two; 0: a page). NULL when the OS
// refuses.
void *os_map(size_t size, size_t align);

// Maps OS_HUGE bytes, aligned to that, and asks for one huge page behind them (a wish: without it
// they are ordinary pages). NULL when the OS refuses.
#define OS_HUGE (UINT64_C(1) << 21)
void *os_map_huge(void);

// Wishes about mapped memory, which the OS need not fulfil: huge pages behind it; pages in it now,
// many at a time, instead of one at each first touch.
void os_want_huge(void *memory, size_t size, bool wanted);
void os_populate(void *memory, size_t size);
// The pages go back to the OS; the memory stays mapped and reads as zero. false: the OS refused.
bool os_purge(void *memory, size_t size);

// Moves the pages behind one range to another of the same size, also mapped: the bytes are there
// without a copy (where mappings are short, with one), and the old range stays mapped and reads as
// zero. false: the OS refused, and nothing has changed.
bool os_move(void *from, void *to, size_t size);

// A page of zeroes that is zero again in a child made by fork, but not in one that shares the
// memory (vfork). NULL: the OS refused.
uint32_t *os_map_for_parent(void);

// Gives memory back. false: the OS refused; the memory is still mapped.
bool os_unmap(void *memory, size_t size);

// Nanoseconds on a clock that only goes forward. About 20 to 50 ns: never on a hot path.
uint64_t os_clock_ns(void);

// Milliseconds on the same clock as the kernel last noted it, some 4 ms old at most: about 5 ns.
uint64_t os_clock_coarse_ms(void);

// No handler of the program's runs in this thread until the set that this returns is put back.
uint64_t os_signals_block(void);
void os_signals_restore(uint64_t set);

// Sleeps while *word == expected, at most timeout_ns (0: for ever). Spurious returns happen.
void os_wait(uint32_t *word, uint32_t expected, uint64_t timeout_ns);
// Wakes at most `count` sleepers on the word.
void os_wake(uint32_t *word, uint32_t count);

void os_yield(void);         // lets another thread run
void os_pause(void);         // one step of a spin loop
unsigned os_cpu_count(void); // CPUs this process may use, >= 1

// A thread of the library's own. It blocks every signal: those are the program's to handle.
struct os_thread {
    uintptr_t handle;
    uint32_t process; // that has it: a child made by fork has none
    void (*run)(void *arg);
    void *arg;
};

uint32_t os_thread_id(void); // the kernel's

// Starts a thread that calls run(arg). `thread` stays where it is until os_thread_join. false: the
// OS refused.
bool os_thread_start(struct os_thread *thread, void (*run)(void *arg), void *arg);
// Waits until it has returned. In a child made by fork after the start there is none to wait for.
void os_thread_join(struct os_thread *thread);

// Makes a file of `size` bytes that has no name, so that nothing is left behind whatever happens,
// in a folder (length 0: where TMPDIR says, else /tmp). All of its blocks are reserved: writing
// later cannot find the disk full. 0 and *file, or an errno value: ENOSPC, EFBIG, ENOENT, EACCES ..
int os_file_open(const char *folder, size_t length, uint64_t size, int *file);
void os_file_close(int file);
// The whole range or an error: EIO, for writing also ENOSPC.
int os_file_read(int file, void *into, size_t size, uint64_t offset);
int os_file_write(int file, const void *from, size_t size, uint64_t offset);

// Whether the process has its environment already: not before libc has started.
bool os_environment_ready(void);
// An environment variable, or NULL. Never in a set-user-id program.
const char *os_environment(const char *name);

// Writes to stderr, whole, whatever it takes.
void os_complain(const char *text, size_t length);
// os_complain, then abort().
_Noreturn void os_die(const char *text, size_t length);

#endif
