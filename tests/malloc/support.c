// SPDX-License-Identifier: MIT
//
// support.c - expectations, patterns, sizes, processes and refusals without an allocation.

#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void support_say(int to, const char *text)
{
    size_t length = strlen(text);
    while (length > 0) {
        ssize_t written = write(to, text, length);
        if (written <= 0) {
            return;
        }
        text += written;
        length -= (size_t)written;
    }
}

_Noreturn void support_fail(const char *file, int line, const char *condition, const char *format,
                            ...)
{
    char text[1024];
    int error = errno;
    int length = snprintf(text, sizeof text, "%s:%d: (%s) does not hold: ", file, line, condition);
    va_list arguments;
    va_start(arguments, format);
    length += vsnprintf(text + length, sizeof text - (size_t)length, format, arguments);
    va_end(arguments);
    if ((size_t)length < sizeof text) {
        snprintf(text + length, sizeof text - (size_t)length, " (errno %d)\n", error);
    }
    support_say(2, text);
    _exit(1);
}

void support_ok(void)
{
    support_say(1, "ok\n");
}

int support_main(const struct support_case *cases, int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "";
    for (const struct support_case *c = cases; c->name != NULL; c++) {
        if (strcmp(c->name, wanted) == 0) {
            c->run(argc - 2, argv + 2);
            support_ok();
            return 0;
        }
    }
    support_say(2, "usage: PROGRAM CASE [ARGUMENT...], CASE one of:");
    for (const struct support_case *c = cases; c->name != NULL; c++) {
        support_say(2, " ");
        support_say(2, c->name);
    }
    support_say(2, "\n");
    return 2;
}

long support_argument(int argc, char **argv, int index, long otherwise)
{
    return index < argc ? strtol(argv[index], NULL, 0) : otherwise;
}

// ---- blocks
// -----------------------------------------------------------------------------------------------------------

static unsigned char support_byte(size_t position, unsigned seed)
{
    return (unsigned char)((position + seed) * 0x9E3779B97F4A7C15u >> 56);
}

void support_fill(void *block, size_t size, unsigned seed)
{
    unsigned char *bytes = block;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = support_byte(i, seed);
    }
}

size_t support_wrong(const void *block, size_t size, unsigned seed)
{
    const unsigned char *bytes = block;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != support_byte(i, seed)) {
            return i;
        }
    }
    return size;
}

void support_classes(size_t limit, unsigned seed)
{
    unsigned char *blocks[256];
    size_t sizes[256];
    size_t count = 0;
    for (size_t size = 1; size <= limit; size = support_next(size)) {
        unsigned char *block = malloc(size);
        expect(block != NULL, "malloc(%zu)", size);
        expect(size < 16 || (uintptr_t)block % 16 == 0, "malloc(%zu) = %p", size, (void *)block);
        block[0] = support_byte(count, seed);
        block[size - 1] = support_byte(count, seed);
        sizes[count] = size;
        blocks[count++] = block;
    }
    for (size_t i = 0; i < count; i++) {
        bool is_whole = blocks[i][0] == support_byte(i, seed) &&
                        blocks[i][sizes[i] - 1] == support_byte(i, seed);
        expect(is_whole, "the block of %zu bytes at %p was overwritten", sizes[i],
               (void *)blocks[i]);
        free(blocks[i]);
    }
}

// xorshift64
uint64_t support_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x;
}

void support_churn(struct support_exchange *exchange, uint64_t *state)
{
    for (int i = 0; i < SUPPORT_SLOTS; i++) {
        uint64_t random = support_random(state);
        size_t size = 1 + random % ((size_t)1 << (random >> 32) % 17);
        unsigned char *block = malloc(size);
        expect(block != NULL, "malloc(%zu)", size);
        block[0] = block[size - 1] = (unsigned char)size;
        free(atomic_exchange(&exchange->slots[(random >> 40) % SUPPORT_SLOTS], block));
    }
}

void support_drain(struct support_exchange *exchange)
{
    for (int i = 0; i < SUPPORT_SLOTS; i++) {
        free(atomic_exchange(&exchange->slots[i], NULL));
    }
}

// ---- the process
// ------------------------------------------------------------------------------------------------------

static size_t support_statm(int field)
{
    char text[256] = "";
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    expect(length > 0, "/proc/self/statm cannot be read");
    const char *at = text;
    while (field-- > 0) {
        at = strchr(at, ' ') + 1;
    }
    return strtoul(at, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

size_t support_mapped_bytes(void)
{
    return support_statm(0);
}

size_t support_resident_bytes(void)
{
    return support_statm(1);
}

size_t support_peak_bytes(void)
{
    static const char key[] = "VmHWM:";
    char text[4096] = "";
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    const char *at = length > 0 ? strstr(text, key) : NULL;
    expect(at != NULL, "/proc/self/status does not say %s", key);
    return strtoul(at + sizeof key - 1, NULL, 10) << 10;
}

void support_deadline(unsigned seconds)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    signal(SIGALRM, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    alarm(seconds);
}

void support_reap(pid_t child, const char *what)
{
    int status = 0;
    pid_t reaped;
    expect(child > 0, "%s: no child", what);
    do {
        reaped = waitpid(child, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    expect(reaped == child, "%s: waitpid", what);
    expect(!(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM),
           "%s: the child %d hung and was ended by its alarm", what, (int)child);
    expect(!WIFSIGNALED(status), "%s: signal %d ended the child %d", what, WTERMSIG(status),
           (int)child);
    expect(WEXITSTATUS(status) == 0, "%s: the child %d ended with status %d", what, (int)child,
           WEXITSTATUS(status));
}

timer_t support_timer(int signal)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signal};
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    timer_t timer;
    expect(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
    return timer;
}

void support_set(timer_t timer, long after_ns, long period_ns)
{
    struct itimerspec times = {.it_interval.tv_nsec = period_ns, .it_value.tv_nsec = after_ns};
    expect(timer_settime(timer, 0, &times, NULL) == 0, "timer_settime");
}

timer_t support_tick(int signal, long period_ns)
{
    timer_t timer = support_timer(signal);
    support_set(timer, period_ns, period_ns);
    return timer;
}

// ---- refusals
// ---------------------------------------------------------------------------------------------------------

#define SUPPORT_MOST_RULES 40

struct support_filter {
    struct sock_filter rules[SUPPORT_MOST_RULES];
    unsigned short count;
};

static void support_rule(struct support_filter *filter, struct sock_filter rule)
{
    filter->rules[filter->count++] = rule;
}

static void support_load(struct support_filter *filter, size_t offset)
{
    support_rule(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void support_return(struct support_filter *filter, uint32_t verdict)
{
    support_rule(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

static void support_refuse_call(struct support_filter *filter, long call, uint32_t error)
{
    support_rule(filter,
                 (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1));
    support_return(filter, SECCOMP_RET_ERRNO | error);
}

// mmap of 64 KiB and more that no file is behind.
static void support_refuse_large(struct support_filter *filter)
{
    const size_t length = offsetof(struct seccomp_data, args[1]);
    const size_t flags = offsetof(struct seccomp_data, args[3]);
    support_rule(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 7));
    support_load(filter, flags);
    support_rule(filter,
                 (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 0, 5));
    support_load(filter, length + 4); // the upper half of the length (little endian)
    support_rule(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2));
    support_load(filter, length);
    support_rule(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 65536, 0, 1));
    support_return(filter, SECCOMP_RET_ERRNO | ENOMEM);
}

void support_refuse(int what)
{
    struct support_filter filter = {.count = 0};
    support_load(&filter, offsetof(struct seccomp_data, nr));
    if (what & (SUPPORT_NO_MEMORY | SUPPORT_NO_LARGE)) {
        support_refuse_call(&filter, SYS_mremap, ENOMEM);
        support_refuse_call(&filter, SYS_brk, ENOMEM);
    }
    if (what & SUPPORT_NO_RELEASE) {
        support_refuse_call(&filter, SYS_munmap, EINVAL);
        support_refuse_call(&filter, SYS_madvise, EINVAL);
    }
    if (what & SUPPORT_NO_MEMORY) {
        support_refuse_call(&filter, SYS_mmap, ENOMEM);
    }
    if (what & SUPPORT_NO_LARGE) {
        support_refuse_large(&filter); // last: it loads other words
    }
    support_return(&filter, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = filter.count, .filter = filter.rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        support_say(2, "skipped: this system has no seccomp filters\n");
        _exit(SUPPORT_SKIPPED);
    }
}
